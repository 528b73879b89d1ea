import { isAscii, isUtf8 } from 'node:buffer';
import { readStrictText, sayFlaw, type StrictText } from './strict-json.ts';

/** Bytes read as JSON, or why they can't be read. */
export type StrictJson =
  StrictText | { readonly ok: false; readonly mistake: 'not-utf8'; readonly encoding: Encoding };

/** The likely encoding of bytes that aren't UTF-8; null: unknown. */
export type Encoding = 'UTF-16' | 'UTF-32' | 'Latin-1' | 'Windows-1252' | null;

/**
 * Reads all JSON from outside: bodies, lines and files. Accepts only UTF-8 (decoding would replace
 * anything else by U+FFFD), and is as strict as `readStrictText`. The caller removes a byte order
 * mark at the start of a document: `withoutBom`.
 */
export function readStrictJson(bytes: Buffer): StrictJson {
  const text = decode(bytes);
  if (text === null) return { ok: false, mistake: 'not-utf8', encoding: encodingOf(bytes) };
  const read = readStrictText(text);
  // ASCII text in UTF-16 is also valid UTF-8, with a NUL in every other place.
  if (!read.ok && isMostlyNul(bytes)) {
    return { ok: false, mistake: 'not-utf8', encoding: encodingOf(bytes) };
  }
  return read;
}

/**
 * Decodes a text that isn't JSON, such as CSV. Keeps a byte order mark.
 * @returns the text, or the likely encoding if it isn't UTF-8
 */
export function readUtf8(
  bytes: Buffer,
):
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly encoding: Encoding } {
  const text = isMostlyNul(bytes) ? null : decode(bytes);
  return text === null ? { ok: false, encoding: encodingOf(bytes) } : { ok: true, text };
}

/** Removes a byte order mark: JSON has none, but some editors, mostly on Windows, write one. */
export function withoutBom(bytes: Buffer): Buffer {
  return bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(BOM.length) : bytes;
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Explains in a sentence why something can't be read. @param what `the body` */
export function sayMistake(what: string, read: Exclude<StrictJson, { readonly ok: true }>): string {
  switch (read.mistake) {
    case 'not-utf8':
      return sayNotUtf8(what, read.encoding);
    case 'not-json':
      return `${what} is not JSON`;
    case 'flaw':
      return sayFlaw(read.flaw);
  }
}

/** `the file is not UTF-8; it looks like Latin-1: save it as UTF-8`. */
export function sayNotUtf8(what: string, encoding: Encoding): string {
  const looks = encoding === null ? '' : `; it looks like ${encoding}`;
  return `${what} is not UTF-8${looks}: save it as UTF-8`;
}

function decode(bytes: Buffer): string | null {
  // Most input is ASCII, and copying is faster than decoding.
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

const UTF_16_BOMS = new Set(['fffe', 'feff']);
const UTF_32_BOMS = new Set(['fffe0000', '0000feff']);

function encodingOf(bytes: Buffer): Encoding {
  if (UTF_32_BOMS.has(bytes.toString('hex', 0, 4))) return 'UTF-32';
  if (UTF_16_BOMS.has(bytes.toString('hex', 0, 2)) || isMostlyNul(bytes)) return 'UTF-16';
  // Text with valid multi-byte characters is damaged UTF-8.
  if (/[^\0-\x7f\ufffd]/u.test(bytes.toString('utf8'))) return null;
  // Latin-1 has control characters in this range, Windows-1252 quotes, dashes and the euro.
  return bytes.some((byte) => byte >= 0x80 && byte <= 0x9f) ? 'Windows-1252' : 'Latin-1';
}

/** Text contains no NULs; a third of the bytes can't be chance. */
function isMostlyNul(bytes: Buffer): boolean {
  if (!bytes.includes(0)) return false;
  const nuls = bytes.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
  return nuls * 3 >= bytes.length;
}
