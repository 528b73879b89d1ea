import { z } from 'zod';
import { monthStart, type Month, type Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { USAGE_STATE_NAMES, usageByState, type UsageState } from './reconciliation.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import { isAdjusted, isApplied, isSettled, stands, standsUnvoided } from '../standing.ts';
import { sql, textArray } from '../sql.ts';
import { adjustedDispositions } from '../usage/disposition.ts';
import { IS_UNFINISHED } from '../usage/seal.ts';

const place = z.object({
  tenant_id: z.string(),
  name: z.string(),
  currency: z.string(),
  deployment_id: z.string(),
  source: z.enum(['llm', 'metered']),
  resource_kind: z.string(),
  state: z.enum(USAGE_STATE_NAMES),
  events: z.string(),
  /** Exact: cents for LLM usage, the quantity for metered usage. */
  total: z.string(),
  /** The number of the month's live invoice, if there is one; for `voided`, of the void invoice that holds it. */
  invoice: z.string().nullable(),
  invoice_status: z.enum(['issued', 'void']).nullable(),
  /** Whether a rerun of that invoice issues an adjustment note. */
  is_settled: z.boolean(),
  /** For usage that is `in_draft`, or `voided` and on an invoice: the month that the draft or the invoice is for. */
  draft_month: z.string().nullable(),
  /** For usage that is `in_draft`: whether its draft is a revision of an invoice. */
  is_revision: z.boolean(),
  /** What decides the tax of the tenant's invoice for the month. */
  tax: taxTermsSchema,
});
/** A deployment's usage of one kind in one state. */
export type UsagePlace = z.infer<typeof place>;

/**
 * Returns a month's usage in the given states, by tenant, deployment and kind: the details behind the
 * reconciliation. Leaves out usage in a draft that an open request may still be building.
 * @param states in the order of the result
 * @param tenantId null: of all tenants
 */
export function listUsagePlaces(
  db: Queryable,
  period: Period,
  states: readonly UsageState[],
  limit: number,
  tenantId: string | null = null,
): Promise<readonly UsagePlace[]> {
  return db.any(sql.type(place)`
    SELECT p.*, ${taxTermsOf(period, sql.fragment`p.tenant_id`, sql.fragment`p.currency`)} AS tax
    FROM (
    SELECT u.tenant_id, t.name, t.currency, u.deployment_id, u.source, u.resource_kind, u.state,
      sum(u.events)::text AS events, trim_scale(sum(u.total)) AS total, i.number AS invoice,
      i.status AS invoice_status, coalesce(${isSettled('i')}, false) AS is_settled, to_char(d.period_start, 'YYYY-MM') AS draft_month,
      coalesce(d.replaces_invoice_id IS NOT NULL, false) AS is_revision
    FROM (${usageByState(period, tenantId)}) u
    JOIN tenants t USING (tenant_id)
    LEFT JOIN invoices v ON u.state = 'voided' AND v.invoice_id = u.sealed_for
    LEFT JOIN invoices i ON i.invoice_id = coalesce(v.invoice_id, u.live_invoice_id)
    LEFT JOIN invoice_drafts d ON (u.state = 'in_draft' OR v.invoice_id IS NOT NULL) AND d.draft_id = u.sealed_for
    WHERE u.state = ANY(${textArray(states)}) AND NOT (u.state = 'in_draft' AND EXISTS (
      SELECT FROM month_end_requests r
      WHERE r.period_start = d.period_start AND r.state <> 'finished'
    ))
    GROUP BY u.tenant_id, t.name, t.currency, u.deployment_id, u.source, u.resource_kind, u.state,
      i.invoice_id, i.number, i.status, d.period_start, d.replaces_invoice_id
    ORDER BY array_position(${textArray(states)}, u.state), u.tenant_id COLLATE "C",
      u.deployment_id, u.source, u.resource_kind
    LIMIT ${limit}
    ) p
    ORDER BY array_position(${textArray(states)}, p.state), p.tenant_id COLLATE "C",
      p.deployment_id, p.source, p.resource_kind
  `);
}

/**
 * Returns the months up to `upTo` that may have usage for the listing, in order: usage that no invoice holds, usage
 * for which issued invoices and their notes have no line, usage of void invoices, and events excluded since they were
 * billed. Each kind is found by an index of its own, so the cost doesn't grow with the usage that is billed, except with
 * that of adjusted invoices, which are few.
 * @throws DomainError `invalid_month`
 */
export function listMonthsWithUnbilledUsage(db: Queryable, upTo: Month): Promise<readonly Month[]> {
  return db.anyFirst(sql.type(z.object({ month: z.string() }))`
    SELECT DISTINCT to_char(found.month, 'YYYY-MM') AS month FROM (
      SELECT service_month AS month FROM usage_buckets WHERE sealed_for IS NULL AND event_count > 0
      UNION
      SELECT b.service_month FROM invoice_drafts a JOIN usage_buckets b ON b.sealed_for = a.draft_id
      WHERE a.state <> 'issued'
      UNION
      SELECT i.period_start FROM invoice_usage u JOIN invoices i USING (invoice_id)
      WHERE u.disposition IN ('unpriced_kind', 'no_subscription') AND i.status = 'issued'
        AND i.kind = 'invoice' AND NOT ${isAdjusted('i')}
      UNION
      SELECT a.service_month FROM (${adjustedDispositions(null)}) a
      WHERE a.disposition IN ('unpriced_kind', 'no_subscription')
      UNION
      SELECT i.period_start FROM usage_exclusions e JOIN usage_buckets b USING (bucket_id)
      JOIN invoices i ON i.invoice_id = b.sealed_for
      WHERE i.status = 'issued' AND NOT ${isApplied('e')}
      UNION
      SELECT b.service_month FROM invoices i JOIN usage_buckets b ON b.sealed_for = i.invoice_id
      WHERE i.status = 'void' AND i.superseded_by IS NULL
    ) found
    WHERE found.month <= ${monthStart(upTo)}
    ORDER BY 1
  `);
}

/**
 * Returns the months up to `upTo` that may have usage of a tenant for the listing, in order, as
 * `listMonthsWithUnbilledUsage` finds them for all tenants. Usage that the notes of an adjusted invoice have no line for is
 * left out. The cost depends on the tenant's invoices.
 * @throws DomainError `invalid_month`
 */
export function listMonthsWithUnbilledUsageOf(
  db: Queryable,
  tenantId: string,
  upTo: Month,
): Promise<readonly Month[]> {
  return db.anyFirst(sql.type(z.object({ month: z.string() }))`
    SELECT DISTINCT to_char(found.month, 'YYYY-MM') AS month FROM (
      SELECT b.service_month AS month FROM usage_buckets b
      WHERE b.tenant_id = ${tenantId} AND b.sealed_for IS NULL AND b.event_count > 0
        AND b.service_month <= ${monthStart(upTo)}
      UNION
      SELECT b.service_month FROM invoice_drafts a JOIN usage_buckets b ON b.sealed_for = a.draft_id
      WHERE a.tenant_id = ${tenantId} AND ${IS_UNFINISHED}
      UNION
      SELECT i.period_start FROM invoices i CROSS JOIN LATERAL (
        -- With the condition on notes, so that they are looked up for each invoice.
        SELECT FROM invoice_usage u
        WHERE u.invoice_id = i.invoice_id AND u.disposition IN ('unpriced_kind', 'no_subscription')
          AND NOT ${isAdjusted('i')} LIMIT 1
      ) unbilled
      WHERE i.tenant_id = ${tenantId} AND ${standsUnvoided('i')}
      UNION
      SELECT i.period_start FROM usage_exclusions e JOIN usage_buckets b USING (bucket_id)
      JOIN invoices i ON i.invoice_id = b.sealed_for
      WHERE e.tenant_id = ${tenantId} AND i.status = 'issued' AND NOT ${isApplied('e')}
      UNION
      SELECT b.service_month FROM invoices i JOIN usage_buckets b ON b.sealed_for = i.invoice_id
      WHERE i.tenant_id = ${tenantId} AND ${stands('i')} AND i.status = 'void'
    ) found
    WHERE found.month <= ${monthStart(upTo)}
    ORDER BY 1
  `);
}
