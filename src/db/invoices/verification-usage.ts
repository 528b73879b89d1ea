import { z } from 'zod';
import type { TouchedUsage } from '../../domain/adjustment.ts';
import type { HeldUsage } from '../usage/held-usage.ts';
import type { Queryable } from '../pool.ts';
import { rowsAs, sql, uuidArray } from '../sql.ts';
import { LLM_EVENTS, METERED_RECORDS } from '../usage/usage-events.ts';

/**
 * Joins the sums of a bucket `b`'s events, from the ledger or the archive. If the events have expired, it joins
 * the bucket's own sums, because nothing else is left.
 */
export const withRawSums = sql.fragment`
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(n), 0)::bigint AS events, coalesce(sum(amount), 0) AS total FROM (
      SELECT 1 AS n, e.charge_cents AS amount FROM ${LLM_EVENTS} e
      WHERE e.bucket_id = b.bucket_id AND e.service_month = b.service_month
      UNION ALL
      SELECT 1, r.added_qty FROM ${METERED_RECORDS} r
      WHERE r.bucket_id = b.bucket_id AND r.service_month = b.service_month
      UNION ALL
      SELECT b.event_count, b.total FROM usage_archives gone
      WHERE gone.service_month = b.service_month AND gone.source = b.source
        AND gone.expired_at IS NOT NULL
    ) e
  ) raw`;

/**
 * Returns the usage that documents took, summed from the events instead of the buckets. The owner of an invoice's usage
 * is the invoice; for an adjustment note, it is the note, and holds that of the invoice and of its earlier notes too.
 * The list must not contain two owners of one tenant.
 */
export function rawUsage(
  holders: readonly { readonly owner: string; readonly invoiceId: string }[],
): HeldUsage {
  const invoiceIds = uuidArray(holders.map(({ invoiceId }) => invoiceId));
  return {
    buckets: sql.fragment`
      SELECT h.owner, b.bucket_id, b.source, b.deployment_id, b.resource_kind,
        b.service_month, b.model, raw.events AS event_count, raw.total
      FROM invoice_usage u JOIN ${rowsAs('h', { owner: 'uuid', invoiceId: 'uuid' }, holders)}
        ON h."invoiceId" = u.invoice_id
      JOIN usage_buckets b USING (bucket_id) ${withRawSums}
      -- Said again, so that PostgreSQL looks the usage up instead of reading all of it.
      WHERE u.invoice_id = ANY(${invoiceIds})`,
    exclusions: sql.fragment`EXISTS (
      SELECT FROM invoice_exclusions le
      WHERE le.exclusion_id = e.exclusion_id AND le.invoice_id = ANY(${invoiceIds})
    )`,
  };
}

const touched = z.object({
  noteId: z.string(),
  source: z.enum(['llm', 'metered']),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
});

/** Returns the usage of which these adjustment notes took or excluded some, by note. */
export async function readTouchedUsage(
  db: Queryable,
  noteIds: readonly string[],
): Promise<ReadonlyMap<string, readonly TouchedUsage[]>> {
  const rows = await db.any(sql.type(touched)`
    SELECT DISTINCT took.invoice_id AS "noteId", b.source, b.deployment_id AS "deploymentId",
      b.resource_kind AS "resourceKind", to_char(b.service_month, 'YYYY-MM') AS "serviceMonth"
    FROM (
      SELECT invoice_id, bucket_id FROM invoice_usage
      UNION ALL
      SELECT le.invoice_id, x.bucket_id FROM invoice_exclusions le JOIN usage_exclusions x USING (exclusion_id)
    ) took JOIN usage_buckets b USING (bucket_id)
    WHERE took.invoice_id = ANY(${uuidArray(noteIds)})
  `);
  return Map.groupBy(rows, ({ noteId }) => noteId);
}
