import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/** What API processes notice about their installation, for `doctor`, which runs elsewhere. */
export type ApiNotice = 'untrusted_proxy';

/** Keeps when it was noticed last. */
export async function recordNotice(db: Queryable, notice: ApiNotice, at: Date): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO api_notices (notice, noticed_at) VALUES (${notice}, ${at.toISOString()})
    ON CONFLICT (notice) DO UPDATE SET noticed_at = excluded.noticed_at
  `);
}

/** When it was noticed last, an RFC 3339 instant; null: never. */
export function lastNoticed(db: Queryable, notice: ApiNotice): Promise<string | null> {
  return db.maybeOneFirst(sql.type(z.object({ noticed_at: z.string() }))`
    SELECT noticed_at FROM api_notices WHERE notice = ${notice}
  `);
}
