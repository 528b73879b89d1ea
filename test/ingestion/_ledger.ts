import { expect } from 'vitest';
import { z } from 'zod';
import type { Queryable } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';

const bucket = z.object({
  source: z.string(),
  deploymentId: z.string(),
  resourceKind: z.string(),
  month: z.string(),
  model: z.string(),
  events: z.number(),
  total: z.string(),
  isOpen: z.boolean(),
});

/** All buckets, in the order they were opened. */
export function bucketsOf(db: Queryable): Promise<readonly z.infer<typeof bucket>[]> {
  return db.any(sql.type(bucket)`
    SELECT source, deployment_id AS "deploymentId", resource_kind AS "resourceKind",
      to_char(service_month, 'YYYY-MM') AS month, model, event_count AS events,
      trim_scale(total) AS total, sealed_for IS NULL AS "isOpen"
    FROM usage_buckets ORDER BY bucket_id
  `);
}

/** Each bucket holds exactly the events that name it. */
export async function expectBucketsToAddUp(db: Queryable): Promise<void> {
  const wrong = await db.any(sql.type(z.object({ bucketId: z.number() }))`
    SELECT b.bucket_id AS "bucketId"
    FROM usage_buckets b
    LEFT JOIN (
      SELECT bucket_id, count(*) AS events, sum(amount) AS total FROM (
        SELECT bucket_id, charge_cents AS amount FROM llm_usage_events
        UNION ALL SELECT bucket_id, added_qty FROM metered_usage_records
      ) entries GROUP BY bucket_id
    ) entries USING (bucket_id)
    WHERE b.event_count <> coalesce(entries.events, 0) OR b.total <> coalesce(entries.total, 0)
  `);
  expect(wrong).toEqual([]);
}

/** How many events of either kind are stored. */
export async function countEvents(db: Queryable): Promise<number> {
  return db.oneFirst(sql.type(z.object({ events: z.number() }))`
    SELECT (SELECT count(*) FROM llm_usage_events) + (SELECT count(*) FROM metered_usage_records)
      AS events
  `);
}
