import { styleText } from 'node:util';

/** The available text styles. */
export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Assumed for a terminal that doesn't report its width. */
const USUAL_WIDTH = 80;

/**
 * The text in this style if the stream is a terminal with colours. All styling goes through here: Node observes
 * NO_COLOR, FORCE_COLOR and TERM=dumb.
 */
export function style(
  format: Format,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(format, text, { stream });
}

/** The same for standard error. */
export function styleError(format: Format, text: string): string {
  return style(format, text, process.stderr);
}

/** Whether the stream is a terminal on which lines can be redrawn. */
export function isTerminal(stream: Pick<NodeJS.WriteStream, 'isTTY'> = process.stderr): boolean {
  return stream.isTTY && process.env.TERM !== 'dumb';
}

/** Columns of the terminal; null if it isn't one, so that lines have no limit. */
export function terminalWidth(
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> = process.stdout,
): number | null {
  return stream.isTTY ? stream.columns || USUAL_WIDTH : null;
}
