import type { z } from 'zod';
import { explainIssue } from '../lib/explain-issue.ts';
import { readStrictJson, sayMistake, withoutBom } from '../lib/strict-bytes.ts';
import { ApplyError, type Problem } from './apply-error.ts';

/** The bytes of a file, and its name in messages. */
export interface InputFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Parses a JSON file and validates it against a schema, as strictly as the API validates bodies.
 * @throws ApplyError with the encoding if it isn't UTF-8, the line and column of a JSON syntax error, the path
 * of a name that appears twice, or all invalid fields
 */
export function parseInputFile<T>(schema: z.ZodType<T>, { name, bytes }: InputFile): T {
  const json = withoutBom(bytes);
  const read = readStrictJson(json);
  if (!read.ok) throw new ApplyError(name, [toProblem(json, read)]);
  const result = schema.safeParse(read.value, { error: explainIssue });
  if (result.success) return result.data;
  throw new ApplyError(
    name,
    result.error.issues.map(({ path, message }) => ({ path, kind: 'invalid', message })),
  );
}

function toProblem(
  json: Buffer,
  mistake: Exclude<ReturnType<typeof readStrictJson>, { readonly ok: true }>,
): Problem {
  switch (mistake.mistake) {
    case 'not-utf8':
      return { path: [], kind: 'invalid', message: sayMistake('the file', mistake) };
    case 'not-json':
      return locateJsonMistake(json.toString());
    case 'flaw':
      return { path: mistake.flaw.path, kind: 'invalid', message: mistake.flaw.detail };
  }
}

/**
 * Returns line, column and reason of a JSON syntax error. V8 reports a position only for some errors, so this
 * searches for the shortest prefix that nothing could complete: it ends at the error.
 */
function locateJsonMistake(text: string): Problem {
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

/** Returns whether the only error in a text is that it ends too early. */
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
