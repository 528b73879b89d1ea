import { HttpProblem } from './problems.ts';
import { readStrictJson, sayMistake, withoutBom } from '../../lib/strict-bytes.ts';

/** One line of a request body. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the newline; null if the line was too long to keep. */
  readonly bytes: Buffer | null;
}

/** Many times the size of an event. */
export const MAX_LINE_BYTES = 64 * 1024;
/** A line this long has no end that is worth waiting for. */
const MAX_SKIPPED_BYTES = 2 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Splits a body into lines and yields them in groups: those that end in one chunk, at most `maxLines`. Keeps
 * only the current group and the current line in memory, not their chunks; of a line longer than 64 KiB it keeps
 * nothing.
 * @throws HttpProblem `too-large` for a line of more than 2 MiB, after the lines before it
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  maxLines: number,
): AsyncGenerator<readonly Line[]> {
  let number = 1;
  let begun: Buffer[] = [];
  let length = 0;

  function add(part: Buffer): void {
    length += part.length;
    if (length > MAX_LINE_BYTES) begun = [];
    else begun.push(part);
  }

  function finish(): Line {
    const line = { number, bytes: length > MAX_LINE_BYTES ? null : Buffer.concat(begun) };
    number += 1;
    begun = [];
    length = 0;
    return line;
  }

  for await (const chunk of chunks) {
    let lines: Line[] = [];
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      add(chunk.subarray(start, end));
      lines.push(finish());
      if (lines.length === maxLines) {
        yield lines;
        lines = [];
      }
    }
    // A copy, because the chunk is about to go.
    add(Buffer.from(chunk.subarray(start)));
    if (lines.length > 0) yield lines;
    if (length > MAX_SKIPPED_BYTES) {
      throw new HttpProblem('too-large', `line ${number} is larger than 2 MiB`);
    }
  }
  if (length > 0) yield [finish()];
}

/** A line's JSON value, or the reason why it can't be read. */
export type ParsedLine =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** Parses one line. Each is parsed separately, so a bad line does not fail the others. */
export function parseLine(line: Line): ParsedLine {
  const bytes = contentOf(line);
  if (bytes === null) return refuse(`the line is longer than ${MAX_LINE_BYTES / 1024} KiB`);
  const read = readStrictJson(bytes);
  return read.ok ? read : refuse(sayMistake('the line', read));
}

/** Whether a line is blank. Blank lines are skipped. */
export function isBlank(line: Line): boolean {
  return contentOf(line)?.every((byte) => WHITESPACE.has(byte)) ?? false;
}

/** The first line may begin with a byte order mark. */
function contentOf({ number, bytes }: Line): Buffer | null {
  return number === 1 && bytes !== null ? withoutBom(bytes) : bytes;
}

/** Space, tab and carriage return: JSON's white space without the newline. */
const WHITESPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

function refuse(reason: string): ParsedLine {
  return { ok: false, reason };
}

/** JSON objects, one per line. */
export const NDJSON = 'application/x-ndjson';

/** Renders an object as a line. */
export function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
