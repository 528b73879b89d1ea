import { readStrictJson, sayMistake, withoutBom } from '../../lib/strict-bytes.ts';
import { MAX_LINE_BYTES, type Line } from './read-lines.ts';

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
