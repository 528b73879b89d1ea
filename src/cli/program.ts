import { Command } from 'commander';
import { printErrorText, printText } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { style, styleError } from './render/styled-text.ts';
import { wantsJson } from './output.ts';
import { PROGRAM_PARTS, type ProgramPart } from './program-parts.ts';
import manifest from '../../package.json' with { type: 'json' };

/**
 * Returns the program.
 * @param isUsed whether the modules of a part are loaded; a part without them is only listed in the help of the whole
 */
export async function createProgram(
  isUsed: (name: string) => boolean = () => true,
): Promise<Command> {
  const program = new Command('arcadia')
    .usage('<command> [options]')
    .description('Month-end invoicing: set up, run and correct months.')
    .option('--json', 'print one JSON document instead of text; notes and errors become JSON lines')
    .option('--verbose', 'also show the stack trace of an error')
    .version(version, '--version', 'print the version')
    .addHelpText(
      'after',
      `
DATABASE_URL and TEMPORAL_ADDRESS (and Temporal's other variables) name the servers. Without
DATABASE_URL, commands use the local servers that \`npm run local\` or \`npm run demo\` started (.local/env).
docs/cli.md describes all commands and what they print.

${EXIT_CODES}

Examples:
  npm run cli -- doctor
  npm run cli -- invoices list --month 2026-05
  npm run cli -- month-end force 2026-05 --tenant acme --reason "late usage"`,
    );
  const parts = await Promise.all(
    PROGRAM_PARTS.map(async (part) => (isUsed(part.name) ? load(part) : listed(part))),
  );
  for (const part of parts) program.addCommand(part);
  setUp(program);
  return program;
}

async function load(part: ProgramPart): Promise<Command> {
  if ('command' in part) return (await part.command()).description(part.description);
  const group = listed(part);
  for (const command of await part.commands()) group.addCommand(command);
  return group;
}

function listed({ name, description }: ProgramPart): Command {
  return new Command(name).description(description);
}

/** Shown in the help of every command. */
export const EXIT_CODES =
  'Exit codes: 0 success, 1 failure, 2 invalid command, 3 found a problem, 130 interrupted.';

/** Commander's error and its suggestion, a line each: what the user typed can't add lines. */
function oneLineEach(message: string): string {
  return message
    .trimEnd()
    .split(/\n(?=\(Did you mean )/)
    .map(visible)
    .join('\n');
}

/** Exit, error and option handling shared by all commands. */
function setUp(command: Command): void {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => style('bold', title) })
    .configureOutput({
      writeOut: printText,
      // With --json, `run` prints the error as one line of JSON.
      writeErr: wantsJson() ? () => undefined : printErrorText,
      outputError: (message, write) => write(`${styleError('red', oneLineEach(message))}\n`),
    });
  if (command.commands.length === 0) command.addHelpText('after', `\n${EXIT_CODES}`);
  command.commands.forEach(setUp);
}

/** The version of this release. */
export const { version } = manifest;
