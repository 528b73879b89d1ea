import type { z } from 'zod';
import { explainIssue } from '../explain-issue.ts';
import { FeedError } from './feed-error.ts';
import { locateJsonMistake } from './json-mistake.ts';

/** The text of a file, and what to call it in errors. */
export interface FeedFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Reads a JSON file against its schema.
 * @throws FeedError with the line and column of a slip in the JSON, else with every field that is
 * wrong
 */
export function parseFeed<T>(schema: z.ZodType<T>, { name, text }: FeedFile): T {
  const result = schema.safeParse(parseJson(name, text), { error: explainIssue });
  if (result.success) return result.data;
  throw new FeedError(
    name,
    result.error.issues.map(({ path, message }) => ({ path, kind: 'invalid', message })),
  );
}

function parseJson(name: string, text: string): unknown {
  // A byte order mark is not JSON, but editors add one.
  const json = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(json);
  } catch {
    throw new FeedError(name, [locateJsonMistake(json)]);
  }
}
