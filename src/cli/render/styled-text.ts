import { styleText } from 'node:util';
import { groupDigits } from '../../domain/format.ts';

/** What a text can be made to look like. */
export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Of a terminal that doesn't say. */
const USUAL_WIDTH = 80;

/**
 * Text in colour, where it goes to a terminal that shows colours. The one place for it: Node sees to
 * NO_COLOR, FORCE_COLOR and TERM=dumb.
 */
export function style(
  format: Format,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(format, text, { stream });
}

/** The same for what goes to standard error. */
export function styleError(format: Format, text: string): string {
  return style(format, text, process.stderr);
}

/** Whether somebody looks on, and lines can be drawn over. */
export function isTerminal(stream: Pick<NodeJS.WriteStream, 'isTTY'> = process.stderr): boolean {
  return stream.isTTY && process.env.TERM !== 'dumb';
}

/** Columns of the terminal; null: it is none, and lines may be as long as they like. */
export function terminalWidth(
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> = process.stdout,
): number | null {
  return stream.isTTY ? stream.columns || USUAL_WIDTH : null;
}

/** So many of something: `1 event`, `1,234 events`. For names whose plural takes an `s`. */
export function counted(count: number | string, name: string): string {
  return `${groupDigits(count)} ${String(count) === '1' ? name : `${name}s`}`;
}
