/** The text isn't a sequence of JSON objects. */
export class SplitError extends Error {
  override readonly name = 'SplitError';
}

/**
 * Splits JSON into its outermost objects: one object, several one after another (NDJSON), or the elements of an array.
 * Only one object is in memory at a time. The objects themselves aren't checked: parse each. An object that isn't closed
 * ends where a line begins with the next one.
 * @param chunks text in any pieces
 * @throws SplitError where anything but an object stands, and if the last one is incomplete
 */
export async function* splitJson(
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  let pieces: string[] = [];
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let count = 0;
  let previous = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const code = chunk.charCodeAt(at);
      const isLineStart = previous === NEWLINE;
      previous = code;
      if (isInString) {
        if (isLineStart && code === OPEN_BRACE) {
          // No string of JSON has a line break: the line before is cut off.
          count += 1;
          yield [...pieces, chunk.slice(start, at)].join('').trimEnd();
          pieces = [];
          [start, depth, isInString, isEscaped] = [at, 1, false, false];
        } else if (isEscaped) isEscaped = false;
        else if (code === BACKSLASH) isEscaped = true;
        else if (code === QUOTE) isInString = false;
      } else if (depth === 0) {
        if (code === OPEN_BRACE) [start, depth] = [at, 1];
        else if (!BETWEEN.has(code)) {
          throw new SplitError(`expected an object after ${count} objects, found ${chunk[at]}`);
        }
      } else if (code === QUOTE) isInString = true;
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
        depth -= 1;
        if (depth > 0) continue;
        count += 1;
        yield [...pieces, chunk.slice(start, at + 1)].join('');
        pieces = [];
      }
    }
    if (depth > 0) pieces.push(chunk.slice(start));
  }
  if (depth === 0) return;
  // The rest of the text seems to be in this object. If it has several lines, the first one is cut off.
  const rest = pieces.join('');
  const end = rest.indexOf('\n{');
  if (end === -1) throw new SplitError(`the text ends within object ${count + 1}`);
  yield rest.slice(0, end);
  yield* splitJson([rest.slice(end)]);
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/** White space, a byte order mark, and what holds an array together: the comma and the brackets. */
const BETWEEN = new Set([0x20, 0x0a, 0x0d, 0x09, 0xfeff, 0x2c, OPEN_BRACKET, CLOSE_BRACKET]);
