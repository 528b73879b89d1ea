import type { HeldUsage } from './held-usage.ts';
import { sql, uuidArray } from './sql.ts';

/** The sums of a bucket `b`, of its events themselves. */
export const withRawSums = sql.fragment`
  CROSS JOIN LATERAL (
    SELECT count(*) AS events, coalesce(sum(amount), 0) AS total FROM (
      SELECT charge_cents AS amount FROM llm_usage_events WHERE bucket_id = b.bucket_id
      UNION ALL
      SELECT added_qty FROM metered_usage_records WHERE bucket_id = b.bucket_id
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
