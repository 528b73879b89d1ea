import { isAscii, isUtf8 } from 'node:buffer';
import { endOfString, findJsonFlaw, MAX_DEPTH, type JsonFlaw } from './json-flaw.ts';

/** What bytes say, or why they can't be read. */
export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly mistake: 'not-utf8' | 'not-json' }
  | { readonly ok: false; readonly mistake: 'flaw'; readonly flaw: JsonFlaw };

/**
 * Reads JSON of which sender and reader can't think differently: in UTF-8 (decoding would put the
 * same sign in place of whatever isn't), no name twice in an object, nested no deeper than 32 levels.
 *
 * A name that is there twice has vanished from what `JSON.parse` makes, so the names of the text are
 * counted against those of the value: that takes less than half of looking for the flaw itself, which
 * is left to the texts that have one.
 */
export function readStrictJson(bytes: Buffer): StrictJson {
  const text = decode(bytes);
  if (text === null) return { ok: false, mistake: 'not-utf8' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const flaw = findJsonFlaw(text);
    return flaw === null
      ? { ok: false, mistake: 'not-json' }
      : { ok: false, mistake: 'flaw', flaw };
  }
  if (countNames(value, 1) === countWrittenNames(text)) return { ok: true, value };
  const flaw = findJsonFlaw(text);
  if (flaw === null) throw new Error('names got lost, and none of them is there twice');
  return { ok: false, mistake: 'flaw', flaw };
}

function decode(bytes: Buffer): string | null {
  // Most of what comes; to copy is faster than to decode.
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** Names of all objects in a value; NaN, which is no count, where it is nested too deep. */
function countNames(value: unknown, level: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (level > MAX_DEPTH) return Number.NaN;
  const children: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let names = Array.isArray(value) ? 0 : children.length;
  for (const child of children) {
    if (typeof child === 'object' && child !== null) names += countNames(child, level + 1);
  }
  return names;
}

/** Strings that a colon follows, in a text that is JSON. */
function countWrittenNames(text: string): number {
  let names = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    at = endOfString(text, at) + 1;
    while (isWhitespace(text.charCodeAt(at))) at += 1;
    if (text.charCodeAt(at) === COLON) names += 1;
  }
  return names;
}

/** As JSON has it. */
function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

const COLON = 0x3a;
