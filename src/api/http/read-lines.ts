import { HttpProblem } from './problems.ts';

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
