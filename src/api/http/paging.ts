import { z } from 'zod';
import type { Page } from '../../db/page.ts';
import { isStorable } from '../../lib/visible-text.ts';
import { invalidRequest } from './problems.ts';

/** Why a cursor is refused. */
const NOT_A_CURSOR = 'not one of our cursors: send next_cursor unchanged';

/** In a query: where the page before ended. */
export const cursorParam = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/, { error: NOT_A_CURSOR })
  .optional()
  .describe('next_cursor of the page before.');

/** In an answer. */
export const nextCursor = z
  .string()
  .nullable()
  .describe('The cursor of the next page; null on the last one.');

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * Pages of a list that is ordered by a key which never changes: whatever is added meanwhile, an
 * entry that was there all along is seen once.
 * @returns reads a page; throws HttpProblem `invalid-request` for a cursor that isn't ours
 */
export function pagedBy<Entry, Key>(schema: z.ZodType<Key>, keyOf: (entry: Entry) => Key) {
  return async (
    { limit, cursor }: PageQuery,
    list: (page: Page<Key>) => Promise<readonly Entry[]>,
  ): Promise<{ readonly entries: readonly Entry[]; readonly next_cursor: string | null }> => {
    const after = cursor === undefined ? null : decodeCursor(schema, cursor);
    // One more than asked for tells whether there is a next page.
    const found = await list({ after, limit: limit + 1 });
    const entries = found.slice(0, limit);
    const last = found.length > limit ? entries.at(-1) : undefined;
    return { entries, next_cursor: last ? encodeCursor(keyOf(last)) : null };
  };
}

/** Where a page ended: a key, as text that nobody should read anything into. */
function encodeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * @param schema of the key
 * @throws HttpProblem `invalid-request`
 */
function decodeCursor<Key>(schema: z.ZodType<Key>, text: string): Key {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString(), onlyStorable));
  } catch {
    throw invalidRequest([{ parameter: 'cursor', detail: NOT_A_CURSOR }]);
  }
}

/** A key that the database can't compare with is none of ours. */
function onlyStorable(_name: string, value: unknown): unknown {
  if (typeof value === 'string' && !isStorable(value)) throw new TypeError(NOT_A_CURSOR);
  return value;
}
