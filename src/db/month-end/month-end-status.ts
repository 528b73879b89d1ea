import { z } from 'zod';
import { outcomesOf, type OutcomeCounts } from '../../contracts/month-end-types.ts';
import {
  countWithoutOutcome,
  findImbalances,
  workToDo,
  type ControlTotals,
} from '../../domain/control-totals.ts';
import { monthStart, type Month, type Period } from '../../domain/period.ts';
import type { ControlTotalsPolicy } from '../../domain/gateway-totals.ts';
import { loadCalendar } from '../settings/load-calendar.ts';
import { readGatewayTotals, type GatewayTotals } from '../usage/gateway-totals.ts';
import { readControlTotals } from './read-control-totals.ts';
import { type Page, allOf, sql } from '../sql.ts';
import type { Database, Queryable } from '../pool.ts';
import { readReview, type Review } from './review-facts.ts';
import { reconcile, type ReconciliationRow } from './reconciliation.ts';
import { REQUEST_FACTS, requestFacts } from './request-views.ts';
import { countQuarantined, type QuarantineCount } from '../usage/quarantine-views.ts';
import { inOneSnapshot } from '../transactions.ts';
import { isDue } from './due-tenants.ts';
import { listTenantsToInvoice, type TenantToInvoice } from './tenant-outcomes.ts';
import { standsUnvoided } from '../standing.ts';

export const parkedTenantSchema = z.object({
  tenant_id: z.string(),
  reason_type: z.string(),
  reason: z.string(),
  recorded_at: z.string(),
  last_invoice: z
    .object({
      number: z.string(),
      month: z.string(),
      currency: z.string(),
      total_cents: z.int(),
    })
    .nullable()
    .describe(
      "The tenant's latest live invoice of the month or an earlier one, without void ones: the money at stake. Null: " +
        'it has none.',
    ),
});

export const atStakeSchema = z.object({
  currency: z.string(),
  tenants: z.int(),
  total_cents: z.string(),
});

export const monthRequestSchema = requestFacts.extend({
  refused: z.array(z.object({ tenant_id: z.string(), reason: z.string() })),
});

export const monthTotalsSchema = z.object({
  currency: z.string(),
  invoices: z.int(),
  subtotal_cents: z.string(),
  tax_cents: z.string(),
  total_cents: z.string(),
});

/** The status of a month, from the database alone, in the format of the API. */
export interface MonthEndStatus {
  readonly month: Month;
  readonly due_tenants: number;
  /** The latest outcome of each due tenant. */
  readonly outcomes: OutcomeCounts;
  readonly not_looked_at: number;
  /** The sums of the last invoices of all parked tenants. */
  readonly at_stake: readonly z.infer<typeof atStakeSchema>[];
  /** The first hundred. */
  readonly parked: readonly z.infer<typeof parkedTenantSchema>[];
  /** The latest twenty. */
  readonly requests: readonly z.infer<typeof monthRequestSchema>[];
  /** Totals of the live invoices; cents as text, because a sum may be beyond 2^53. */
  readonly totals: readonly z.infer<typeof monthTotalsSchema>[];
  /** What waits for its release. */
  readonly review: Review;
  readonly reconciliation: readonly ReconciliationRow[];
  readonly control_totals: ControlTotals;
  /** Usage of the month that was sent and could not be accepted; it is not part of the totals. */
  readonly quarantined: readonly QuarantineCount[];
  /** How the gateway's control totals compare with the ledger; null: there are none, or the comparison is off. */
  readonly gateway_totals: GatewayTotals | null;
  /**
   * Whether the control totals add up now. Null while a request is open, or if none has been served, because
   * they needn't add up then.
   */
  readonly balanced: boolean | null;
  /** What doesn't add up, in sentences. */
  readonly imbalances: readonly string[];
  /** The work that is left once every request is served, in sentences; it is not an error in the books. */
  readonly to_do: readonly string[];
  /** The first hundred tenants that `to_do` is about. */
  readonly to_invoice: readonly TenantToInvoice[];
}

/**
 * Returns the status of a month, read in one snapshot.
 * @throws DomainError `invalid_month`
 */
export async function readMonthEndStatus(
  db: Database,
  month: Month,
  policy: ControlTotalsPolicy = 'report',
): Promise<MonthEndStatus> {
  const calendar = await loadCalendar(db);
  const period = calendar.periodOf(month);
  return inOneSnapshot(db, async (tx) => {
    const reconciliation = await reconcile(tx, period);
    const controlTotals = await readControlTotals(tx, period, reconciliation);
    const isClosed = await isServed(tx, month);
    const imbalances = isClosed ? findImbalances(controlTotals) : [];
    const toDo = isClosed ? workToDo(month, controlTotals.tenants) : [];
    return {
      month,
      due_tenants: controlTotals.tenants.due,
      outcomes: outcomesOf(controlTotals.tenants),
      not_looked_at: countWithoutOutcome(controlTotals.tenants),
      at_stake: await sumAtStake(tx, period),
      parked: await listParked(tx, period, { after: null, limit: 100 }),
      requests: await listRequests(tx, period),
      totals: await sumInvoices(tx, period),
      review: await readReview(tx, period),
      reconciliation,
      control_totals: controlTotals,
      quarantined: await countQuarantined(tx, { period }),
      gateway_totals: policy === 'off' ? null : await readGatewayTotals(tx, calendar, month),
      balanced: isClosed ? imbalances.length === 0 : null,
      imbalances,
      to_do: toDo,
      to_invoice: toDo.length > 0 ? await listTenantsToInvoice(tx, period, 100) : [],
    };
  });
}

/**
 * Returns whether a request for the month is still waiting.
 * @param requestId the request to wait for, which may not be stored yet; null: all stored requests
 */
export function isWaitedFor(
  db: Queryable,
  month: Month,
  requestId: string | null,
): Promise<boolean> {
  const periodStart = monthStart(month);
  return db.oneFirst(sql.type(z.object({ isWaitedFor: z.boolean() }))`
    SELECT CASE WHEN ${requestId}::text IS NULL
      THEN coalesce(bool_or(state <> 'finished'), false)
      ELSE NOT coalesce(bool_or(request_id = ${requestId}::text AND state = 'finished'), false)
      END AS "isWaitedFor"
    FROM month_end_requests WHERE period_start = ${periodStart}
  `);
}

/**
 * Returns whether the month has requests and all of them are served.
 * @throws DomainError `invalid_month`
 */
export function isServed(db: Queryable, month: Month): Promise<boolean> {
  return db.oneFirst(sql.type(z.object({ isServed: z.boolean() }))`
    SELECT coalesce(bool_and(state = 'finished'), false) AS "isServed"
    FROM month_end_requests WHERE period_start = ${monthStart(month)}
  `);
}

/** Returns a page of the period's due tenants that are parked, ordered by id. */
export function listParked(db: Queryable, period: Period, { after, limit }: Page<string>) {
  const isAfter = after !== null && sql.fragment`o.tenant_id > ${after}`;
  return db.any(sql.type(parkedTenantSchema)`
    SELECT o.tenant_id, o.reason_type, o.reason, o.recorded_at, (
      SELECT jsonb_build_object('number', l.number, 'month', to_char(l.period_start, 'YYYY-MM'),
        'currency', l.currency, 'total_cents', l.total_cents)
      FROM (${lastInvoiceUpTo(period)}) l
    ) AS last_invoice
    FROM ${parkedTenants(period)} AND ${allOf([isAfter])}
    ORDER BY o.tenant_id LIMIT ${limit}
  `);
}

/** Returns the sums of the last invoices of the period's parked tenants, by currency. */
export function sumAtStake(db: Queryable, period: Period) {
  return db.any(sql.type(atStakeSchema)`
    SELECT l.currency, count(*) AS tenants, sum(l.total_cents)::text AS total_cents
    FROM (SELECT o.tenant_id FROM ${parkedTenants(period)}) o
    CROSS JOIN LATERAL (${lastInvoiceUpTo(period)}) l
    GROUP BY l.currency ORDER BY l.currency
  `);
}

/** Names the outcomes `o` of the period's due tenants that are parked, with a WHERE. */
function parkedTenants(period: Period) {
  return sql.fragment`tenant_outcomes o
    WHERE o.period_start = ${period.periodStart} AND o.outcome = 'parked'
      AND ${isDue(period, sql.fragment`o.tenant_id`)}`;
}

/** Selects the latest live invoice of a tenant of `o`, of the period or an earlier month, without void ones. */
function lastInvoiceUpTo({ periodStart }: Period) {
  return sql.fragment`
    SELECT i.number, i.period_start, i.currency, i.total_cents FROM invoices i
    WHERE i.tenant_id = o.tenant_id AND i.period_start <= ${periodStart} AND ${standsUnvoided('i')}
    ORDER BY i.period_start DESC LIMIT 1`;
}

/** Returns the latest twenty requests of the period, newest first. */
export function listRequests(db: Queryable, period: Period) {
  return db.any(sql.type(monthRequestSchema)`
    SELECT ${REQUEST_FACTS},
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('tenant_id', f.tenant_id, 'reason', f.reason)
          ORDER BY f.tenant_id)
        FROM (
          SELECT tenant_id, reason FROM month_end_request_tenants
          WHERE request_seq = r.request_seq AND outcome = 'refused'
          ORDER BY tenant_id LIMIT 100
        ) f
      ), '[]') AS refused
    FROM month_end_requests r WHERE r.period_start = ${period.periodStart}
    ORDER BY r.request_seq DESC LIMIT 20
  `);
}

/** Returns the totals of the period's live invoices, without void ones and without adjustment notes, by currency. */
export function sumInvoices(db: Queryable, period: Period) {
  return db.any(sql.type(monthTotalsSchema)`
    SELECT currency, count(*) AS invoices, sum(subtotal_cents)::text AS subtotal_cents,
      sum(tax_cents)::text AS tax_cents, sum(total_cents)::text AS total_cents
    FROM invoices i
    WHERE period_start = ${period.periodStart} AND ${standsUnvoided('i')}
    GROUP BY currency ORDER BY currency
  `);
}
