import type { HeldUsage } from '../usage/held-usage.ts';
import { sql, uuidArray } from '../sql.ts';
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
 * Returns the usage that these invoices took, summed from the events instead of the buckets. The owner is the
 * invoice. The list must not contain two invoices of one tenant.
 */
export function rawUsage(invoiceIds: readonly string[]): HeldUsage {
  return {
    buckets: sql.fragment`
      SELECT u.invoice_id AS owner, b.bucket_id, b.source, b.deployment_id, b.resource_kind,
        b.service_month, raw.events AS event_count, raw.total
      FROM invoice_usage u JOIN usage_buckets b USING (bucket_id) ${withRawSums}
      WHERE u.invoice_id = ANY(${uuidArray(invoiceIds)})`,
    exclusions: sql.fragment`EXISTS (
      SELECT FROM invoice_exclusions le
      WHERE le.exclusion_id = e.exclusion_id AND le.invoice_id = ANY(${uuidArray(invoiceIds)})
    )`,
  };
}
