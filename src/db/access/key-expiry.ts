import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

const expiry = z.object({ expiresAt: z.string().nullable() });

/** When the first live key ends of whom no successor is in use yet, UTC; null: none does. */
export async function readKeyExpiry(db: Queryable, at: Date): Promise<string | null> {
  const { expiresAt } = await db.one(sql.type(expiry)`
    SELECT min(k.expires_at) AS "expiresAt"
    FROM api_keys k
    LEFT JOIN api_keys successor ON successor.replaces_key_id = k.key_id
    WHERE k.revoked_at IS NULL AND k.expires_at > ${at.toISOString()}
      AND successor.last_used_at IS NULL
  `);
  return expiresAt;
}
