import type { Problem } from './feed-error.ts';

/**
 * Where a text stops being JSON, by line and column, and why. V8 tells the place for some mistakes
 * only, so it is searched for: the shortest beginning that nothing could complete ends with it.
 */
export function locateJsonMistake(text: string): Problem {
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (canBeCompleted(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  const lines = text.slice(0, good).split('\n');
  const place = `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
  return { path: [], kind: 'invalid', message: `${place}: not valid JSON: ${reasonOf(text)}` };
}

/** Whether the only mistake in a text is that it ends. */
function canBeCompleted(text: string): boolean {
  const message = parseError(text);
  return (
    message === null ||
    /^Unexpected end of JSON input|^Unterminated string/.test(message) ||
    message.includes(`at position ${text.length} `) ||
    message.endsWith(`at position ${text.length}`)
  );
}

function reasonOf(text: string): string {
  const message = parseError(text) ?? '';
  if (message === 'Unexpected end of JSON input') return 'the text ends too early';
  return message.replace(/ in JSON at position .*$/s, '').replace(/, (?:\.\.\.)?".*$/s, '');
}

function parseError(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}
