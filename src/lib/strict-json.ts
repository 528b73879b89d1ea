import { endOfString, findJsonFlaw, MAX_DEPTH, type JsonFlaw } from './json-flaw.ts';
import { toPointer } from './json-pointer.ts';

/** A text read as JSON, or why it can't be read. */
export type StrictText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly mistake: 'not-json' }
  | { readonly ok: false; readonly mistake: 'flaw'; readonly flaw: JsonFlaw };

/**
 * Reads JSON that sender and reader can't understand differently: no duplicate names in an object,
 * and at most 32 levels of nesting. Pure, so that workflow code can use it; `strict-bytes.ts` reads
 * bytes.
 *
 * `JSON.parse` drops a duplicate name, so the number of names in the text is compared with that in
 * the value. That takes less than half the time of the search for the flaw itself, which runs only
 * if the numbers differ.
 */
export function readStrictText(text: string): StrictText {
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
  if (flaw === null) throw new Error('a name is missing, and none appears twice');
  return { ok: false, mistake: 'flaw', flaw };
}

/** `/tenants/0: this name appears twice in its object`. */
export function sayFlaw({ path, detail }: JsonFlaw): string {
  return path.length === 0 ? detail : `${toPointer(path)}: ${detail}`;
}

/** Counts the names of all objects in a value; NaN if it is nested too deep. */
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

/** Counts the strings followed by a colon in a JSON text. */
function countWrittenNames(text: string): number {
  let names = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    at = endOfString(text, at) + 1;
    while (isWhitespace(text.charCodeAt(at))) at += 1;
    if (text.charCodeAt(at) === COLON) names += 1;
  }
  return names;
}

/** White space in JSON. */
function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

const COLON = 0x3a;
