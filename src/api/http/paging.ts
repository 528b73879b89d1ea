import { z } from 'zod';
import type { Page } from '../../db/sql.ts';
import { isStorable } from '../../lib/visible-text.ts';
import { invalidRequest } from './problems.ts';

/** Why a cursor is refused. */
const NOT_A_CURSOR = 'not one of our cursors: send next_cursor unchanged';

/** Query parameter: where the previous page ended. Has room for an id of 200 characters, three bytes each, in base64. */
export const cursorParam = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,1000}$/, { error: NOT_A_CURSOR })
  .optional()
  .describe('next_cursor of the previous page.');

/** Response field: where the next page starts. */
export const nextCursor = z
  .string()
  .nullable()
  .describe('Cursor of the next page; null on the last page.');

/** An instant in a cursor, of the years 2000 to 2999: PostgreSQL can't read every year that RFC 3339 can write. */
export const cursorInstant = z.iso.datetime().startsWith('2');

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * Pages through a list that is ordered by an immutable key. Each existing entry appears exactly once, even if
 * others are added in between.
 * @returns a function that reads a page; it throws HttpProblem `invalid-request` for an invalid cursor
 */
export function pagedBy<Entry, Key>(schema: z.ZodType<Key>, keyOf: (entry: Entry) => Key) {
  return async (
    { limit, cursor }: PageQuery,
    list: (page: Page<Key>) => Promise<readonly Entry[]>,
  ): Promise<{ readonly entries: readonly Entry[]; readonly next_cursor: string | null }> => {
    const after = cursor === undefined ? null : decodeCursor(schema, cursor);
    // One more than requested shows whether there is a next page.
    const found = await list({ after, limit: limit + 1 });
    const entries = found.slice(0, limit);
    const last = found.length > limit ? entries.at(-1) : undefined;
    return { entries, next_cursor: last ? encodeCursor(keyOf(last)) : null };
  };
}

/** Encodes the key of a page's last entry as opaque text. */
function encodeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * Decodes and validates a key.
 * @throws HttpProblem `invalid-request`
 */
function decodeCursor<Key>(schema: z.ZodType<Key>, text: string): Key {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString(), onlyStorable));
  } catch {
    throw invalidRequest([{ parameter: 'cursor', detail: NOT_A_CURSOR }]);
  }
}

/** Rejects text that the database cannot store: no cursor of ours contains it. */
function onlyStorable(_name: string, value: unknown): unknown {
  if (typeof value === 'string' && !isStorable(value)) throw new TypeError(NOT_A_CURSOR);
  return value;
}
