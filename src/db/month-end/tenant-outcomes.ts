import { z } from 'zod';
import type { Failure } from '../../contracts/failures.ts';
import type { InvoicedOutcome } from '../../contracts/month-end-types.ts';
import type { Period } from '../../domain/period.ts';
import { dueTenants, hasMoreToBill } from './due-tenants.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { rowsAs, sql, textArray } from '../sql.ts';
import { tellingParked } from '../webhooks/webhook-outbox.ts';
import { stands } from '../standing.ts';

const lookedAt = z.object({
  tenantId: z.string(),
  /** The live invoice. */
  liveInvoiceId: z.string().nullable(),
  /** Whether a forced request waits for the tenant. */
  isForced: z.boolean(),
  /** Whether an outcome was recorded since the pass began. */
  isServed: z.boolean(),
});

/**
 * Locks and returns the next due tenants, ordered by id. The lock ensures that no invoice is issued for them
 * until their outcomes are recorded.
 */
export async function lookAtTenants(
  tx: Transaction,
  period: Period,
  page: { readonly passStartedAt: string; readonly after: string | null; readonly limit: number },
): Promise<readonly z.infer<typeof lookedAt>[]> {
  const tenantIds = await tx.anyFirst(sql.type(z.object({ tenant_id: z.string() }))`
    ${dueTenants(period)} AND (${page.after}::text IS NULL OR t.tenant_id > ${page.after}::text)
    ORDER BY t.tenant_id LIMIT ${page.limit} FOR NO KEY UPDATE OF t
  `);
  // A separate statement, because it must see what was committed while we waited for the lock.
  return tx.any(sql.type(lookedAt)`
    SELECT asked.tenant_id AS "tenantId", i.invoice_id AS "liveInvoiceId",
      EXISTS (
        SELECT FROM month_end_request_tenants f
        WHERE f.tenant_id = asked.tenant_id AND f.period_start = ${period.periodStart}
          AND f.outcome IS NULL
      ) AS "isForced",
      EXISTS (
        SELECT FROM tenant_outcomes o
        WHERE o.tenant_id = asked.tenant_id AND o.period_start = ${period.periodStart}
          AND o.recorded_at >= ${page.passStartedAt}::timestamptz
      ) AS "isServed"
    FROM unnest(${textArray(tenantIds)}) WITH ORDINALITY AS asked (tenant_id, n)
    LEFT JOIN invoices i ON i.tenant_id = asked.tenant_id
      AND i.period_start = ${period.periodStart} AND ${stands('i')}
    ORDER BY asked.n
  `);
}

/** The outcome of a tenant that isn't parked. */
export type FinishedTenant = { readonly tenantId: string } & (
  | {
      readonly outcome: InvoicedOutcome;
      /** The live invoice; for `adjusted` the one that the note adjusts. */
      readonly invoiceId: string;
    }
  | { readonly outcome: 'nothing_to_bill' }
);

/** Records the outcome of tenants that aren't parked; the latest outcome wins. */
export async function recordOutcomes(
  tx: Transaction,
  period: Period,
  outcomes: readonly FinishedTenant[],
  /**
   * Keeps an outcome that has the same invoice: a child that only finds what another child has just done has
   * nothing new to record.
   */
  { keepSameInvoice = false } = {},
): Promise<void> {
  if (outcomes.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    ${recordingOutcomes(period, outcomes)}
    WHERE NOT ${keepSameInvoice} OR excluded.invoice_id IS NULL
      OR tenant_outcomes.invoice_id IS DISTINCT FROM excluded.invoice_id
  `);
}

/** Returns the statement of {@link recordOutcomes}. */
export function recordingOutcomes(period: Period, outcomes: readonly FinishedTenant[]) {
  const rows = outcomes.map((outcome) => ({ invoiceId: null, ...outcome }));
  return sql.fragment`
    INSERT INTO tenant_outcomes (period_start, tenant_id, outcome, invoice_id)
    SELECT ${period.periodStart}, "tenantId", outcome, "invoiceId"
    FROM ${rowsAs('o', { tenantId: 'text', outcome: 'text', invoiceId: 'uuid' }, rows)}
    ON CONFLICT (period_start, tenant_id) DO UPDATE SET outcome = excluded.outcome,
      invoice_id = excluded.invoice_id, reason_type = NULL, reason = NULL, recorded_at = now()`;
}

/** Records that a tenant is parked, with the reason, and writes the webhook event. */
export async function recordParked(
  tx: Transaction,
  period: Period,
  tenantId: string,
  failure: Failure,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    WITH ${tellingParked(period, tenantId, failure)}
    INSERT INTO tenant_outcomes (period_start, tenant_id, outcome, reason_type, reason)
    VALUES (${period.periodStart}, ${tenantId}, 'parked', ${failure.type}, ${failure.reason})
    ON CONFLICT (period_start, tenant_id) DO UPDATE SET outcome = 'parked', invoice_id = NULL,
      reason_type = excluded.reason_type, reason = excluded.reason, recorded_at = now()
  `);
}

/**
 * Returns a subquery for the period's latest outcomes, for everything that counts or lists due tenants by outcome. A
 * tenant with `nothing_to_bill` has none if usage or a charge of the month has arrived since (docs/spec.md#month-end).
 */
export function latestOutcomes(period: Period) {
  return sql.fragment`(
    SELECT o.* FROM tenant_outcomes o
    WHERE o.period_start = ${period.periodStart}
      AND (o.outcome <> 'nothing_to_bill' OR NOT ${hasMoreToBill(period, sql.fragment`o.tenant_id`)})
  )`;
}

export const outcomeTotals = z.object({
  due: z.number(),
  rolled: z.number(),
  adjusted: z.number(),
  skipped: z.number(),
  unchanged: z.number(),
  nothing_to_bill: z.number(),
  parked: z.number(),
});
/** The number of due tenants, in total and by latest outcome. */
export type OutcomeTotals = z.infer<typeof outcomeTotals>;

export function countOutcomes(db: Queryable, period: Period): Promise<OutcomeTotals> {
  return db.one(sql.type(outcomeTotals)`
    SELECT count(*) AS due,
      count(*) FILTER (WHERE o.outcome = 'rolled') AS rolled,
      count(*) FILTER (WHERE o.outcome = 'adjusted') AS adjusted,
      count(*) FILTER (WHERE o.outcome = 'skipped') AS skipped,
      count(*) FILTER (WHERE o.outcome = 'unchanged') AS unchanged,
      count(*) FILTER (WHERE o.outcome = 'nothing_to_bill') AS nothing_to_bill,
      count(*) FILTER (WHERE o.outcome = 'parked') AS parked
    FROM (${dueTenants(period)}) due
    LEFT JOIN ${latestOutcomes(period)} o ON o.tenant_id = due.tenant_id
  `);
}

const tenantToInvoice = z.object({ tenant_id: z.string(), name: z.string() });
/** A due tenant without an outcome (`latestOutcomes`). */
export type TenantToInvoice = z.infer<typeof tenantToInvoice>;

/** Returns due tenants without an outcome, ordered by id, at most `limit`. */
export function listTenantsToInvoice(
  db: Queryable,
  period: Period,
  limit: number,
): Promise<readonly TenantToInvoice[]> {
  return db.any(sql.type(tenantToInvoice)`
    SELECT t.tenant_id, t.name FROM (${dueTenants(period)}) due JOIN tenants t USING (tenant_id)
    WHERE NOT EXISTS (SELECT FROM ${latestOutcomes(period)} o WHERE o.tenant_id = t.tenant_id)
    ORDER BY t.tenant_id LIMIT ${limit}
  `);
}
