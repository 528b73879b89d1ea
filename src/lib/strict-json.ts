import { endOfString, findJsonFlaw, MAX_DEPTH, type JsonFlaw } from './json-flaw.ts';
import { toPointer } from './json-pointer.ts';

/** What a text says as JSON, or why it can't be read. */
export type StrictText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly mistake: 'not-json' }
  | { readonly ok: false; readonly mistake: 'flaw'; readonly flaw: JsonFlaw };

/**
 * Reads JSON that sender and reader can't understand differently: no name twice in an object, nested no
 * deeper than 32 levels. Pure, so that workflow code can use it; `strict-bytes.ts` reads bytes.
 *
 * A name that appears twice has vanished from what `JSON.parse` makes, so the names of the text are
 * counted against those of the value: that takes less than half of looking for the flaw itself, which
 * is left to the texts that have one.
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
