import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { visibleLines } from './visible-text.ts';

/**
 * The one way to standard output and standard error; a lint rule forbids others. Whatever hidden characters reach it
 * are shown, but for line feeds and the colours of `style`: texts from outside go through `visible` before they
 * are made part of a line, so that they forge neither.
 */

const ESCAPE = '\u001b';
/** What `style` puts around a text: bold, dim, red, green, yellow, and their ends. */
const COLOURS = new RegExp(String.raw`(${ESCAPE}\[(?:1|2|22|31|32|33|39)m)`);

/** Prints a text and a line feed on standard output. */
export function printLine(text = ''): void {
  printText(`${text}\n`);
}

/** Prints a text and a line feed on standard error. */
export function printErrorLine(text: string): void {
  printErrorText(`${text}\n`);
}

/** Prints a text as it is on standard output: its lines have their ends. */
export function printText(text: string): void {
  process.stdout.write(forTerminal(text));
}

/** The same on standard error. */
export function printErrorText(text: string): void {
  process.stderr.write(forTerminal(text));
}

/** Goes back to the start of standard output's line, and empties it: for terminals alone. */
export function startLineAnew(): void {
  process.stdout.write(`\r${ESCAPE}[K`);
}

/**
 * Writes a long text, such as CSV, piece by piece as it is, no faster than it is read; a reader that leaves has had
 * enough.
 * @param pieces with their hidden characters shown already, as `csv.ts` does
 */
export async function pipeOut(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** `| head` has what it wanted: the work goes on to its end, and nobody is bothered. */
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
