import { HttpProblem } from './problems.ts';
import { readStrictJson, sayMistake, withoutBom } from '../../lib/strict-bytes.ts';

/** One line of a body. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end; null: it was too long to be kept. */
  readonly bytes: Buffer | null;
}

/** Many times what an event takes. */
export const MAX_LINE_BYTES = 64 * 1024;
/** A line that has no end: there is nothing to be expected after it. */
const MAX_SKIPPED_BYTES = 2 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts a body into lines: as many at a time as a chunk ends, and no more than `maxLines`. No more is
 * kept than those, one line that has begun, and of one longer than 64 KiB nothing.
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
    add(chunk.subarray(start));
    if (lines.length > 0) yield lines;
    if (length > MAX_SKIPPED_BYTES) {
      throw new HttpProblem('too-large', `line ${number} is larger than 2 MiB`);
    }
  }
  if (length > 0) yield [finish()];
}

/** What a line says, or why it can't be read. */
export type ParsedLine =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** Reads a line by itself, so that a bad one doesn't sink the others. */
export function parseLine(line: Line): ParsedLine {
  const bytes = contentOf(line);
  if (bytes === null) return refuse(`the line is longer than ${MAX_LINE_BYTES / 1024} KiB`);
  const read = readStrictJson(bytes);
  return read.ok ? read : refuse(sayMistake('the line', read));
}

/** Such lines are skipped. */
export function isBlank(line: Line): boolean {
  return contentOf(line)?.every((byte) => WHITESPACE.has(byte)) ?? false;
}

/** The first line may begin with a byte order mark, as a document may. */
function contentOf({ number, bytes }: Line): Buffer | null {
  return number === 1 && bytes !== null ? withoutBom(bytes) : bytes;
}

/** Space, tab and carriage return: JSON's, but for the end of the line. */
const WHITESPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

function refuse(reason: string): ParsedLine {
  return { ok: false, reason };
}

/** JSON objects, one a line. */
export const NDJSON = 'application/x-ndjson';

/** An object as a line. */
export function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
