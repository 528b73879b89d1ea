import type { z } from 'zod';
import { explainIssue } from '../lib/explain-issue.ts';
import { readStrictJson, sayMistake, withoutBom } from '../lib/strict-bytes.ts';
import { FeedError, type Problem } from './feed-error.ts';
import { locateJsonMistake } from './json-mistake.ts';

/** The bytes of a file, and what to call it in errors. */
export interface FeedFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Reads a JSON file against its schema, as strictly as the API reads bodies.
 * @throws FeedError with the line and column of a slip in the JSON, the place of a name that appears
 * twice, or the encoding that it isn't UTF-8 in; else with every field that is wrong
 */
export function parseFeed<T>(schema: z.ZodType<T>, { name, bytes }: FeedFile): T {
  const json = withoutBom(bytes);
  const read = readStrictJson(json);
  if (!read.ok) throw new FeedError(name, [toProblem(json, read)]);
  const result = schema.safeParse(read.value, { error: explainIssue });
  if (result.success) return result.data;
  throw new FeedError(
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
