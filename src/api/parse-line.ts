import { readStrictJson } from '../ingestion/strict-json.ts';
import { MAX_LINE_BYTES, type Line } from './read-lines.ts';

/** What a line says, or why it can't be read. */
export type ParsedLine =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** Reads a line by itself, so that a bad one doesn't sink the others. */
export function parseLine({ bytes }: Line): ParsedLine {
  if (bytes === null) return refuse(`the line is longer than ${MAX_LINE_BYTES / 1024} KiB`);
  const read = readStrictJson(bytes);
  if (read.ok) return read;
  switch (read.mistake) {
    case 'not-utf8':
      return refuse('the line is not UTF-8');
    case 'not-json':
      return refuse('the line is not JSON');
    case 'flaw':
      return refuse(`${read.flaw.pointer}: ${read.flaw.detail}`);
  }
}

/** Such lines are skipped. */
export function isBlank({ bytes }: Line): boolean {
  return bytes?.every((byte) => WHITESPACE.has(byte)) ?? false;
}

/** Space, tab and carriage return: JSON's, but for the end of the line. */
const WHITESPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

function refuse(reason: string): ParsedLine {
  return { ok: false, reason };
}
