import type { HeldUsage } from '../usage/held-usage.ts';
import { sql, uuidArray } from '../sql.ts';
import { LLM_EVENTS, METERED_RECORDS } from '../usage/usage-events.ts';

/**
 * The sums of a bucket `b`, of its events themselves, wherever they are; where they have expired, its
 * own sums, which are what is left.
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
 * What these invoices took, from the events themselves instead of the buckets' sums; the owner is
 * the invoice. Of one tenant no more than one may be among them.
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
