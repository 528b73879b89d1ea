import type { FragmentSqlToken } from 'slonik';
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
import { isAdjusted, isInForce, stands } from '../standing.ts';
import { sql } from '../sql.ts';
import { SUMS_OF_LINES, TAX_OF_INVOICE, TAX_OF_NOTE } from '../tax/invoice-tax.ts';
import { countOutcomes } from './tenant-outcomes.ts';

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
    invoices: await db.any(documentQuery(period)),
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
 * Totals the usage lines of the month's live invoices, with what reruns have adjusted since: exact sums, rounded sums, and
 * the number of lines that contradict the usage tied to them.
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
    SELECT currency, kind, count(*) AS lines, trim_scale(sum(exact)) AS exact_cents,
      sum(amount_cents)::text AS rounded_cents,
      count(*) FILTER (WHERE round(exact) <> amount_cents OR CASE kind
        WHEN 'llm_usage' THEN (qty, exact) IS DISTINCT FROM (events, total)
        ELSE used IS DISTINCT FROM total END) AS wrong
    FROM (${unadjustedLines(period)} UNION ALL ${adjustedLines(period)}) line
    WHERE kind IS NOT NULL
    GROUP BY currency, kind ORDER BY currency, kind`;
}

/** PostgreSQL gives a quotient the decimals of its dividend: as many as src/domain/decimal.ts needs to round to cents. */
const DECIMALS = 40;

/** Selects the usage lines of invoices that no rerun has adjusted. */
function unadjustedLines({ periodStart }: Period) {
  const isUnadjusted = sql.fragment`i.period_start = ${periodStart} AND ${stands('i')}
    AND NOT ${isAdjusted('i')}`;
  return sql.fragment`
    -- Grouped instead of joined: the tables have just been filled, and until they are analyzed PostgreSQL
    -- would join a month's lines with a month's usage by comparing every pair.
    SELECT max(currency) AS currency, max(kind) AS kind, max(amount_cents) AS amount_cents, max(qty) AS qty,
      max(used) AS used, max(exact) AS exact, sum(events) AS events, sum(total) AS total
    FROM (
      SELECT l.invoice_id, l.line_no, i.currency, l.kind, l.amount_cents, l.qty,
        (l.meta ->> 'used')::numeric AS used, CASE l.kind
          WHEN 'llm_usage' THEN (l.meta ->> 'exact_cents')::numeric
          ELSE round(l.qty * l.unit_price_cents, ${DECIMALS}) / coalesce(u.factor, 1)
        END AS exact, NULL::bigint AS events, NULL::numeric AS total
      FROM invoices i JOIN invoice_lines l USING (invoice_id) LEFT JOIN units u ON u.unit_code = l.unit
      WHERE ${isUnadjusted} AND l.kind IN ('overage', 'llm_usage')
      UNION ALL
      SELECT u.invoice_id, u.line_no, NULL, NULL, NULL, NULL, NULL, NULL,
        b.event_count - coalesce(x.events, 0), b.total - coalesce(x.amount, 0)
      FROM invoices i JOIN invoice_usage u USING (invoice_id) JOIN usage_buckets b USING (bucket_id)
      LEFT JOIN LATERAL (
        SELECT count(*) AS events, sum(e.amount) AS amount
        FROM usage_exclusions e JOIN invoice_exclusions le USING (exclusion_id)
        WHERE e.bucket_id = b.bucket_id AND le.invoice_id = i.invoice_id
      ) x ON true
      WHERE ${isUnadjusted} AND u.line_no IS NOT NULL
    ) both_sides
    GROUP BY invoice_id, line_no`;
}

/**
 * Selects the usage lines of adjusted invoices, each added up with the lines of the notes that adjust it and priced as
 * the newest of them, beside all usage of its kind on these documents. There are few.
 */
function adjustedLines(period: Period) {
  const newest = (value: FragmentSqlToken) =>
    sql.fragment`(array_agg(${value} ORDER BY l.is_invoice, l.revision DESC))[1]`;
  const isOfInvoice = (alias: 'd' | 'held') => {
    const column = (name: string) => sql.identifier([alias, name]);
    return sql.fragment`(${column('invoice_id')} = i.invoice_id OR ${column('adjusts_invoice_id')} = i.invoice_id)
      AND ${column('note_origin')} IS DISTINCT FROM 'credit'`;
  };
  return sql.fragment`
    SELECT currency, kind, amount_cents, qty, used, exact, found.events, found.total
    FROM (
      SELECT l.about AS invoice_id, l.currency, l.deployment_id, l.kind, l.resource_kind, l.month,
        sum(l.amount_cents) AS amount_cents, sum(l.qty) AS qty,
        ${newest(sql.fragment`l.meta ->> 'used'`)}::numeric AS used, CASE l.kind
          WHEN 'llm_usage' THEN ${newest(sql.fragment`l.meta ->> 'exact_cents'`)}::numeric
          ELSE round(sum(l.qty) * ${newest(sql.fragment`l.unit_price_cents`)}, ${DECIMALS})
            / coalesce(${newest(sql.fragment`u.factor`)}, 1)
        END AS exact
      FROM (
        SELECT i.invoice_id AS about, i.currency, d.kind = 'invoice' AS is_invoice, d.revision,
          coalesce(own.meta ->> 'service_month', ${period.month}) AS month, own.*
        FROM invoices i JOIN invoices d ON ${isOfInvoice('d')}
        JOIN invoice_lines own ON own.invoice_id = d.invoice_id
        WHERE i.period_start = ${period.periodStart} AND ${stands('i')} AND ${isAdjusted('i')}
          AND own.kind IN ('overage', 'llm_usage')
      ) l LEFT JOIN units u ON u.unit_code = l.unit
      GROUP BY l.about, l.currency, l.deployment_id, l.kind, l.resource_kind, l.month
      -- Otherwise the line was taken back.
      HAVING sum(l.qty) <> 0 OR sum(l.amount_cents) <> 0
    ) line
    CROSS JOIN LATERAL (
      SELECT sum(b.event_count - coalesce(x.events, 0)) AS events, sum(b.total - coalesce(x.amount, 0)) AS total
      FROM invoices i JOIN invoices held ON ${isOfInvoice('held')}
      JOIN invoice_usage u ON u.invoice_id = held.invoice_id JOIN usage_buckets b USING (bucket_id)
      LEFT JOIN LATERAL (
        SELECT count(*) AS events, sum(e.amount) AS amount FROM usage_exclusions e
        WHERE e.bucket_id = b.bucket_id AND EXISTS (
          SELECT FROM invoice_exclusions le JOIN invoices d USING (invoice_id)
          WHERE le.exclusion_id = e.exclusion_id AND ${isOfInvoice('d')})
      ) x ON true
      WHERE i.invoice_id = line.invoice_id AND b.deployment_id = line.deployment_id AND CASE line.kind
        WHEN 'llm_usage' THEN b.source = 'llm' AND to_char(b.service_month, 'YYYY-MM') = line.month
        ELSE b.source = 'metered' AND b.resource_kind = line.resource_kind END
    ) found`;
}

/** Totals the month's live invoices and adjustment notes by currency and status, and counts those that don't add up. */
function documentQuery(period: Period) {
  return sql.type(
    z.object({
      currency: z.string(),
      kind: z.enum(['invoice', 'adjustment_note']),
      status: z.enum(['issued', 'void']),
      invoices: z.number(),
      subtotal_cents: z.string(),
      tax_cents: z.string(),
      total_cents: z.string(),
      lines_cents: z.string(),
      wrong: z.number(),
    }),
  )`
    SELECT i.currency, i.kind, i.status, count(*) AS invoices, sum(i.subtotal_cents)::text AS subtotal_cents,
      sum(i.tax_cents)::text AS tax_cents, sum(i.total_cents)::text AS total_cents,
      coalesce(sum(l.total), 0)::text AS lines_cents,
      count(*) FILTER (WHERE (l.subtotal, l.taxable, l.tax)
          IS DISTINCT FROM (i.subtotal_cents::numeric, i.taxable_cents::numeric, i.tax_cents::numeric)
        OR i.tax_cents <> CASE i.kind WHEN 'invoice' THEN ${TAX_OF_INVOICE} ELSE ${TAX_OF_NOTE} END) AS wrong
    FROM invoices i LEFT JOIN LATERAL (
      SELECT sum(amount_cents) AS total,
        ${SUMS_OF_LINES}
      FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
    ) l ON true
    WHERE i.period_start = ${period.periodStart} AND ${isInForce('i')}
    GROUP BY i.currency, i.kind, i.status ORDER BY i.currency, i.kind DESC, i.status`;
}
