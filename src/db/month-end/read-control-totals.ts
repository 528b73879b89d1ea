import { z } from 'zod';
import type { ControlTotals } from '../../domain/control-totals.ts';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import {
  CURRENCY_OF_USAGE,
  USAGE_STATES,
  reconcile,
  type ReconciliationRow,
} from './reconciliation.ts';
import { sql } from '../sql.ts';
import { TAX_OF_INVOICE } from '../tax/invoice-tax.ts';
import { countOutcomes } from './tenant-outcomes.ts';
import { stands } from '../invoices/standing.ts';

/**
 * Returns the control totals of a month. Call it in one snapshot (`inOneSnapshot`): usage that arrives between
 * two of the queries would look like an error.
 */
export async function readControlTotals(
  db: Queryable,
  period: Period,
  /** The reconciliation, if it was already read in the same snapshot. */
  reconciliation?: readonly ReconciliationRow[],
): Promise<ControlTotals> {
  const { due, ...outcomes } = await countOutcomes(db, period);
  return {
    tenants: { due, ...outcomes, ...(await db.one(tenantQuery(period))) },
    usage: await readUsage(db, period, reconciliation ?? (await reconcile(db, period))),
    lines: await db.any(lineQuery(period)),
    invoices: await db.any(invoiceQuery(period)),
  };
}

async function readUsage(
  db: Queryable,
  period: Period,
  rows: readonly ReconciliationRow[],
): Promise<ControlTotals['usage']> {
  const accepted = await db.any(acceptedQuery(period));
  return accepted.map((total) => ({
    ...total,
    places: rows
      .filter(
        ({ source, resource_kind, currency }) =>
          source === total.source &&
          resource_kind === total.resource_kind &&
          currency === total.currency,
      )
      .map(({ state, events, total: sum }) => ({
        state,
        class: USAGE_STATES[state],
        events,
        total: sum,
      })),
  }));
}

/** Counts outcomes that contradict the stored invoices, which the outcome counts can't show. */
function tenantQuery(period: Period) {
  return sql.type(
    z.object({
      without_invoice: z.number(),
      without_outcome: z.number(),
      with_several: z.number(),
    }),
  )`
    SELECT (
      SELECT count(*) FROM tenant_outcomes o
      WHERE o.period_start = ${period.periodStart} AND o.invoice_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM invoices i WHERE i.tenant_id = o.tenant_id
          AND i.period_start = ${period.periodStart} AND ${stands('i')}
      )
    ) AS without_invoice, (
      SELECT count(DISTINCT i.tenant_id) FROM invoices i
      WHERE i.period_start = ${period.periodStart} AND ${stands('i')}
        AND NOT EXISTS (
          SELECT FROM tenant_outcomes o
          WHERE o.tenant_id = i.tenant_id AND o.period_start = i.period_start
            AND o.outcome <> 'nothing_to_bill'
        )
    ) AS without_outcome, (
      SELECT count(*) FROM (
        SELECT FROM invoices i
        WHERE period_start = ${period.periodStart} AND ${stands('i')}
        GROUP BY tenant_id HAVING count(*) > 1
      ) several
    ) AS with_several`;
}

/** Totals all usage accepted for the month, whatever its state. */
function acceptedQuery(period: Period) {
  return sql.type(
    z.object({
      source: z.enum(['llm', 'metered']),
      resource_kind: z.string(),
      currency: z.string().nullable(),
      events: z.string(),
      total: z.string(),
    }),
  )`
    SELECT source, resource_kind, ${CURRENCY_OF_USAGE} AS currency,
      sum(event_count)::text AS events, trim_scale(sum(total)) AS total
    FROM usage_buckets JOIN tenants t USING (tenant_id)
    WHERE service_month = ${period.periodStart}
    GROUP BY 1, 2, 3 HAVING sum(event_count) > 0
    ORDER BY 1, 2, 3`;
}

/**
 * Totals the usage lines of the month's live invoices: exact sums, rounded sums, and the number of lines that
 * contradict the usage tied to them.
 */
function lineQuery(period: Period) {
  return sql.type(
    z.object({
      currency: z.string(),
      kind: z.enum(['overage', 'llm_usage']),
      lines: z.number(),
      exact_cents: z.string(),
      rounded_cents: z.string(),
      wrong: z.number(),
    }),
  )`
    WITH stated AS (
      SELECT l.invoice_id, l.line_no, i.currency, l.kind, l.amount_cents, l.qty,
        (l.meta ->> 'used')::numeric AS used, CASE l.kind
          WHEN 'llm_usage' THEN (l.meta ->> 'exact_cents')::numeric
          -- PostgreSQL gives a quotient the decimals of its dividend. 40 are enough to round it to cents as
          -- src/domain/decimal.ts does.
          ELSE round(l.qty * l.unit_price_cents, 40) / coalesce(u.factor, 1)
        END AS exact
      FROM invoices i JOIN invoice_lines l USING (invoice_id) LEFT JOIN units u ON u.unit_code = l.unit
      WHERE i.period_start = ${period.periodStart} AND ${stands('i')}
        AND l.kind IN ('overage', 'llm_usage')
    ), found AS (
      SELECT u.invoice_id, u.line_no, b.event_count - coalesce(x.events, 0) AS events,
        b.total - coalesce(x.amount, 0) AS total
      FROM invoices i JOIN invoice_usage u USING (invoice_id) JOIN usage_buckets b USING (bucket_id)
      LEFT JOIN LATERAL (
        SELECT count(*) AS events, sum(e.amount) AS amount
        FROM usage_exclusions e JOIN invoice_exclusions le USING (exclusion_id)
        WHERE e.bucket_id = b.bucket_id AND le.invoice_id = i.invoice_id
      ) x ON true
      WHERE i.period_start = ${period.periodStart} AND ${stands('i')}
        AND u.line_no IS NOT NULL
    ), line AS (
      -- Grouped instead of joined: the tables have just been filled, and until they are analyzed PostgreSQL
      -- would join a month's lines with a month's usage by comparing every pair.
      SELECT max(currency) AS currency, max(kind) AS kind, max(amount_cents) AS amount_cents, max(qty) AS qty,
        max(used) AS used, max(exact) AS exact, sum(events) AS events, sum(total) AS total
      FROM (
        SELECT *, NULL::bigint AS events, NULL::numeric AS total FROM stated
        UNION ALL
        SELECT invoice_id, line_no, NULL, NULL, NULL, NULL, NULL, NULL, events, total FROM found
      ) both_sides
      GROUP BY invoice_id, line_no
    )
    SELECT currency, kind, count(*) AS lines, trim_scale(sum(exact)) AS exact_cents,
      sum(amount_cents)::text AS rounded_cents,
      count(*) FILTER (WHERE round(exact) <> amount_cents OR CASE kind
        WHEN 'llm_usage' THEN (qty, exact) IS DISTINCT FROM (events, total)
        ELSE used IS DISTINCT FROM total END) AS wrong
    FROM line WHERE kind IS NOT NULL
    GROUP BY currency, kind ORDER BY currency, kind`;
}

/** Totals the month's live invoices by currency and status, and counts those that don't add up. */
function invoiceQuery(period: Period) {
  return sql.type(
    z.object({
      currency: z.string(),
      status: z.enum(['issued', 'paid', 'void']),
      invoices: z.number(),
      subtotal_cents: z.string(),
      tax_cents: z.string(),
      total_cents: z.string(),
      lines_cents: z.string(),
      wrong: z.number(),
    }),
  )`
    SELECT i.currency, i.status, count(*) AS invoices, sum(i.subtotal_cents)::text AS subtotal_cents,
      sum(i.tax_cents)::text AS tax_cents, sum(i.total_cents)::text AS total_cents,
      coalesce(sum(l.total), 0)::text AS lines_cents,
      count(*) FILTER (WHERE (l.subtotal, l.tax) IS DISTINCT FROM (i.subtotal_cents::numeric, i.tax_cents::numeric)
        OR i.tax_cents <> ${TAX_OF_INVOICE}) AS wrong
    FROM invoices i LEFT JOIN LATERAL (
      SELECT sum(amount_cents) AS total,
        coalesce(sum(amount_cents) FILTER (WHERE kind <> 'tax'), 0) AS subtotal,
        coalesce(sum(amount_cents) FILTER (WHERE kind = 'tax'), 0) AS tax
      FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
    ) l ON true
    WHERE i.period_start = ${period.periodStart} AND ${stands('i')}
    GROUP BY i.currency, i.status ORDER BY i.currency, i.status`;
}
