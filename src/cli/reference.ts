import type { Command } from 'commander';
import { EXIT_CODES } from './program.ts';

const WIDTH = 100;
const BEGIN = '<!-- commands: begin -->';
const END = '<!-- commands: end -->';

/** All commands in Markdown: their `--help`, without the parts common to all. */
export function renderReference(program: Command): string {
  return program.commands
    .flatMap((command) => [
      `### ${command.name()}`,
      ...(command.commands.length === 0
        ? [helpOf(command)]
        : [
            `${capitalized(command.description())}.`,
            ...command.commands.flatMap((child) => [
              `#### ${command.name()} ${child.name()}`,
              helpOf(child),
            ]),
          ]),
    ])
    .join('\n\n');
}

/**
 * Replaces the part of a document between the markers.
 * @throws Error if it has no markers
 */
export function replaceReference(document: string, reference: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`The document has no ${BEGIN} and ${END}`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${reference}\n\n${document.slice(end)}`;
}

function helpOf(command: Command): string {
  let text = '';
  command
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (written) => (text += written),
      getOutHelpWidth: () => WIDTH,
      getOutHasColors: () => false,
    })
    .outputHelp();
  return ['```text', text.replace(EXIT_CODES, '').trim(), '```'].join('\n');
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
