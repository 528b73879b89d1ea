/** The bytes of JSON's structure, and tables of bytes that are faster than comparing with each. */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const NEWLINE = 0x0a;
export const BACKSLASH = 0x5c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
/** A byte order mark in UTF-8. */
export const BOM: readonly number[] = [0xef, 0xbb, 0xbf];

const SPACES = [0x20, 0x09, NEWLINE, 0x0d];
const BRACKETS = [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT];

/** 1 for each of the bytes, 0 for others. */
function tableOf(bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}

export const IS_SPACE = tableOf(SPACES);
/** Bytes that may come between two fields. */
export const IS_BETWEEN = tableOf([...SPACES, COMMA]);
export const ENDS_SCALAR = tableOf([...SPACES, ...BRACKETS, COMMA, COLON, QUOTE]);
/** Bytes that open, close or contain values. */
export const IS_STRUCTURE = tableOf([...BRACKETS, QUOTE]);
/** Bytes without a meaning of their own in a string. */
const IS_PLAIN = tableOf([QUOTE, BACKSLASH, NEWLINE]).map((isSpecial) => 1 - isSpecial);

/** Returns the byte at a position that exists. */
export function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}

/** Returns the first position that has no white space. */
export function afterSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && IS_SPACE[byteAt(bytes, at)] === 1) at += 1;
  return at;
}

/** A native search costs as much as looking at this many bytes. */
const SHORT_BYTES = 64;

/**
 * Returns the position of the quote that ends a short string without escapes and newlines.
 * @param from the string's first byte
 * @returns null for any other string, and one that the chunk doesn't have whole
 */
export function endOfShort(bytes: Buffer, from: number): number | null {
  const limit = Math.min(from + SHORT_BYTES, bytes.length);
  let at = from;
  while (at < limit && IS_PLAIN[byteAt(bytes, at)] === 1) at += 1;
  return at < limit && byteAt(bytes, at) === QUOTE ? at : null;
}
