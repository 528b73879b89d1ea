import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { visibleLines } from './visible-text.ts';

/**
 * The only way to standard output and standard error; a lint rule forbids others. It shows hidden
 * characters, except for line feeds and the colours of `style`. Texts from outside pass through
 * `visible` before they become part of a line, so they can forge neither.
 */

const ESCAPE = '\u001b';
/** The sequences that `style` puts around a text: bold, dim, red, green, yellow, and their ends. */
const COLOURS = new RegExp(String.raw`(${ESCAPE}\[(?:1|2|22|31|32|33|39)m)`);

/** Prints a text and a line feed on standard output. */
export function printLine(text = ''): void {
  printText(`${text}\n`);
}

/** Prints a text and a line feed on standard error. */
export function printErrorLine(text: string): void {
  printErrorText(`${text}\n`);
}

/** Prints a text with its own line feeds on standard output. */
export function printText(text: string): void {
  process.stdout.write(forTerminal(text));
}

/** The same on standard error. */
export function printErrorText(text: string): void {
  process.stderr.write(forTerminal(text));
}

/** Returns to the start of the current line of standard output and clears it; only for terminals. */
export function startLineAnew(): void {
  process.stdout.write(`\r${ESCAPE}[K`);
}

/**
 * Writes a long text, such as CSV, unchanged and piece by piece, no faster than it is read. Ends
 * quietly if the reader leaves.
 * @param pieces with hidden characters already shown, as `csv.ts` does
 */
export async function pipeOut(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Ignores a closed pipe, such as `| head`: the work continues to its end without an error. */
export function letReaderLeave(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isGone(error)) throw error;
    });
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Exported for tests. */
export function forTerminal(text: string): string {
  return text
    .split(COLOURS)
    .map((piece, index) => (index % 2 === 1 ? piece : visibleLines(piece)))
    .join('');
}
