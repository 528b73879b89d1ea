import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/** Problems of an installation that API processes record for `doctor`, which runs elsewhere. */
export type ApiNotice = 'untrusted_proxy';

/** Records when the notice last occurred. */
export async function recordNotice(db: Queryable, notice: ApiNotice, at: Date): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO api_notices (notice, noticed_at) VALUES (${notice}, ${at.toISOString()})
    ON CONFLICT (notice) DO UPDATE SET noticed_at = excluded.noticed_at
  `);
}

/** Returns when the notice last occurred, as an RFC 3339 instant; null if never. */
export function lastNoticed(db: Queryable, notice: ApiNotice): Promise<string | null> {
  return db.maybeOneFirst(sql.type(z.object({ noticed_at: z.string() }))`
    SELECT noticed_at FROM api_notices WHERE notice = ${notice}
  `);
}
