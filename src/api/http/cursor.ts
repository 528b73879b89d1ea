import type { z } from 'zod';
import { isStorable } from '../../lib/visible-text.ts';
import { invalidRequest } from './problems.ts';

/** Why a cursor is refused. */
export const NOT_A_CURSOR = 'not a cursor of ours: take next_cursor as it is';

/** Where a page ended: a key, as text that nobody should read anything into. */
export function encodeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * @param schema of the key
 * @throws HttpProblem `invalid-request`
 */
export function decodeCursor<Key>(schema: z.ZodType<Key>, text: string): Key {
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
