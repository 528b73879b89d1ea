/** A construct that JSON allows and we reject, because sender and reader could understand it differently. */
export interface JsonFlaw {
  /** The path to it: names, cut off at 100 characters, and indexes. */
  readonly path: readonly (string | number)[];
  readonly detail: string;
}

/** Deeper than any valid input. */
export const MAX_DEPTH = 32;

/** An object or list that encloses the scan's position. */
interface Level {
  /** Names seen so far; null for a list. */
  readonly names: Set<string> | null;
  /** The name of the next value. */
  name: string;
  /** The index of the next value in a list. */
  index: number;
}

/**
 * Looks for a duplicate name in an object (`JSON.parse` keeps the last value, other parsers the
 * first) and for nesting beyond 32 levels. It doesn't check the grammar, which is left to
 * `JSON.parse`: for text that isn't JSON the result is arbitrary.
 *
 * Our own code: on a batch of 1,000 events the libraries that detect duplicates took 6 to 20 times
 * as long as `JSON.parse` (jsonc-parser, lossless-json, momoa, json-dup-key-validator); this takes
 * 2 times as long.
 * @returns the first flaw, or null
 */
export function findJsonFlaw(text: string): JsonFlaw | null {
  const levels: Level[] = [];
  let level: Level | undefined;
  let expectsName = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case OPEN_OBJECT:
      case OPEN_LIST: {
        if (levels.length === MAX_DEPTH) {
          const detail = `nested deeper than ${MAX_DEPTH} levels`;
          return { path: pathTo(levels), detail };
        }
        expectsName = text.charCodeAt(at) === OPEN_OBJECT;
        level = { names: expectsName ? new Set() : null, name: '', index: 0 };
        levels.push(level);
        break;
      }
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        levels.pop();
        level = levels.at(-1);
        expectsName = false;
        break;
      case COMMA:
        expectsName = level !== undefined && level.names !== null;
        if (level) level.index += 1;
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        if (expectsName && level?.names) {
          expectsName = false;
          level.name = readName(text, at, end);
          if (level.names.has(level.name)) {
            return { path: pathTo(levels), detail: 'this name appears twice in its object' };
          }
          level.names.add(level.name);
        }
        at = end;
        break;
      }
    }
  }
  return null;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Returns the position of the closing quote of the string that begins at `start`, or the text's end. */
export function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
  } while (isEscaped(text, end));
  return end;
}

/** After an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** `"a"` and `"\u0061"` are one name. */
function readName(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    // Not JSON; the parser reports it.
    return raw;
  }
}

function pathTo(levels: readonly Level[]): readonly (string | number)[] {
  return levels.map(({ names, name, index }) => (names === null ? index : name.slice(0, 100)));
}
