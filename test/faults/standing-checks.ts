import type pg from 'pg';
import { CHAIN_CHECKS } from './chain-checks.ts';

export const INVARIANTS = {
  I1: 'one live invoice per tenant and period',
  I2: 'each acknowledged event is on exactly one live line, or pending with a reason',
  I3: 'lines add up to totals, exactly',
  I4: 'issued invoices and their lines never change',
  I5: 'every tenant that is due is invoiced, or parked with a reason',
  I6: 'payments, items and credits count once, and balances add up',
  I7: 'a tenant sees nothing of a month before its release',
} as const;
export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  /** `rest`: the run didn't come to rest, or a process ended by itself. */
  readonly invariant: Invariant | 'rest';
  readonly text: string;
}

export interface Check {
  readonly invariant: Invariant;
  /** What its rows are. */
  readonly what: string;
  /** Selects what is wrong, each as a text `who`. */
  readonly sql: string;
}

/** Every event with what it adds, whatever its source. */
const EVENTS = `
  SELECT 'llm' AS source, gateway_request_id AS id, bucket_id, tenant_id, deployment_id,
    'llm_usage' AS resource_kind, service_month, model, charge_cents AS adds FROM llm_usage_events
  UNION ALL
  SELECT 'metered', record_id, bucket_id, tenant_id, deployment_id, resource_kind, service_month, '',
    added_qty FROM metered_usage_records`;

const SUMS = `SELECT bucket_id, count(*) AS events, sum(adds) AS total FROM (${EVENTS}) e GROUP BY 1`;

/**
 * What holds at every moment, whatever is under way: from the raw records, by SQL that shares
 * nothing with the engine's.
 */
const CHECKS: readonly Check[] = [
  {
    invariant: 'I1',
    what: 'months of a tenant that have invoices, but not exactly one that is live',
    sql: `
      SELECT concat_ws(' ', tenant_id, period_start) AS who FROM invoices
      GROUP BY tenant_id, period_start
      HAVING count(*) FILTER (WHERE kind = 'invoice' AND superseded_by IS NULL) <> 1`,
  },
  {
    invariant: 'I1',
    what: 'months of a tenant whose revisions are not a chain',
    sql: `
      SELECT concat_ws(' ', i.tenant_id, i.period_start) AS who
      FROM invoices i LEFT JOIN invoices before ON before.invoice_id = i.replaces_invoice_id
        AND (before.tenant_id, before.period_start, before.revision)
          = (i.tenant_id, i.period_start, i.revision - 1)
        AND before.superseded_by = i.invoice_id
      WHERE i.kind = 'invoice' AND i.revision > 1 AND before.invoice_id IS NULL`,
  },
  {
    invariant: 'I1',
    what: 'tenants whose invoice or note numbers have a gap',
    sql: `
      SELECT concat_ws(' ', tenant_id, kind) AS who FROM invoices GROUP BY tenant_id, kind
      HAVING max(tenant_seq) <> count(*) OR min(tenant_seq) <> 1`,
  },
  {
    invariant: 'I2',
    what: 'events whose bucket belongs to something else, or does not exist',
    sql: `
      SELECT concat_ws(' ', e.source, e.id) AS who
      FROM (${EVENTS}) e LEFT JOIN usage_buckets b USING (bucket_id)
      WHERE (e.source, e.tenant_id, e.deployment_id, e.resource_kind, e.service_month, e.model)
        IS DISTINCT FROM
        (b.source, b.tenant_id, b.deployment_id, b.resource_kind, b.service_month, b.model)`,
  },
  {
    invariant: 'I2',
    what: 'buckets that are not the sum of their events',
    sql: `
      SELECT b.bucket_id::text AS who FROM usage_buckets b LEFT JOIN (${SUMS}) s USING (bucket_id)
      WHERE (b.event_count, b.total) IS DISTINCT FROM (coalesce(s.events, 0), coalesce(s.total, 0))`,
  },
  {
    invariant: 'I2',
    what: 'buckets held by an invoice that is not live, or by none',
    sql: `
      SELECT b.bucket_id::text AS who FROM usage_buckets b
      JOIN invoice_drafts d ON d.draft_id = b.sealed_for
      LEFT JOIN invoices i ON i.invoice_id = b.sealed_for
      WHERE d.state = 'issued' AND (i.invoice_id IS NULL OR i.superseded_by IS NOT NULL)`,
  },
  {
    invariant: 'I2',
    what: 'buckets that their invoice does not account for',
    sql: `
      SELECT b.bucket_id::text AS who FROM usage_buckets b
      JOIN invoices i ON i.invoice_id = b.sealed_for
      LEFT JOIN invoice_usage u ON (u.bucket_id, u.invoice_id) = (b.bucket_id, i.invoice_id)
      LEFT JOIN invoice_lines l ON (l.invoice_id, l.line_no) = (u.invoice_id, u.line_no)
        AND l.deployment_id = b.deployment_id
        AND (l.resource_kind = b.resource_kind OR (l.kind, b.source) = ('llm_usage', 'llm'))
      WHERE u.invoice_id IS NULL OR (u.disposition = 'billed' AND l.invoice_id IS NULL)`,
  },
  {
    invariant: 'I2',
    what: 'buckets on several live invoices',
    sql: `
      SELECT u.bucket_id::text AS who FROM invoice_usage u JOIN invoices i USING (invoice_id)
      WHERE i.superseded_by IS NULL GROUP BY u.bucket_id HAVING count(*) > 1`,
  },
  {
    invariant: 'I2',
    what: 'LLM lines that are not the exact sum of their events',
    sql: `
      SELECT concat_ws(' ', i.number, l.line_no) AS who
      FROM invoice_lines l JOIN invoices i USING (invoice_id)
      LEFT JOIN (
        SELECT u.invoice_id, u.line_no, sum(s.events) AS events, sum(s.total) AS total
        FROM invoice_usage u JOIN (${SUMS}) s USING (bucket_id) GROUP BY 1, 2
      ) used USING (invoice_id, line_no)
      WHERE l.kind = 'llm_usage' AND i.kind = 'invoice'
        AND (l.qty, (l.meta ->> 'exact_cents')::numeric) IS DISTINCT FROM (used.events, used.total)`,
  },
  {
    invariant: 'I2',
    what: 'LLM lines whose models are not the exact sums of their events',
    sql: `
      SELECT concat_ws(' ', number, line_no, model) AS who FROM (
        SELECT i.number, l.line_no, m ->> 'model' AS model, (m ->> 'requests')::numeric AS events,
          (m ->> 'exact_cents')::numeric AS total
        FROM invoice_lines l JOIN invoices i USING (invoice_id), jsonb_array_elements(l.meta -> 'by_model') m
        WHERE l.kind = 'llm_usage' AND i.kind = 'invoice'
      ) billed FULL JOIN (
        SELECT i.number, u.line_no, e.model, count(*)::numeric AS events, sum(e.adds) AS total
        FROM invoice_usage u JOIN invoices i USING (invoice_id) JOIN (${EVENTS}) e USING (bucket_id)
        WHERE e.source = 'llm' AND i.kind = 'invoice' GROUP BY 1, 2, 3
      ) used USING (number, line_no, model)
      WHERE (billed.events, billed.total) IS DISTINCT FROM (used.events, used.total)`,
  },
  {
    invariant: 'I2',
    what: 'overage lines that are not of the exact sum of their records',
    sql: `
      SELECT concat_ws(' ', i.number, l.line_no) AS who
      FROM invoice_lines l JOIN invoices i USING (invoice_id)
      LEFT JOIN (
        SELECT u.invoice_id, b.deployment_id, b.resource_kind, sum(s.total) AS total
        FROM invoice_usage u JOIN usage_buckets b USING (bucket_id) JOIN (${SUMS}) s USING (bucket_id)
        WHERE b.source = 'metered' GROUP BY 1, 2, 3
      ) used USING (invoice_id, deployment_id, resource_kind)
      WHERE l.kind = 'overage' AND i.kind = 'invoice' AND (l.meta ->> 'used')::numeric IS DISTINCT FROM used.total`,
  },
  {
    invariant: 'I3',
    what: 'invoices whose lines do not add up to their header',
    sql: `
      SELECT i.number AS who FROM invoices i
      LEFT JOIN (
        SELECT invoice_id, coalesce(sum(amount_cents) FILTER (WHERE kind <> 'tax'), 0) AS subtotal,
          coalesce(sum(amount_cents) FILTER (WHERE kind <> 'tax' AND taxable), 0) AS taxable,
          coalesce(sum(amount_cents) FILTER (WHERE kind = 'tax'), 0) AS tax
        FROM invoice_lines GROUP BY invoice_id
      ) l USING (invoice_id)
      WHERE (i.subtotal_cents, i.taxable_cents, i.tax_cents, i.total_cents)
        IS DISTINCT FROM (coalesce(l.subtotal, 0), coalesce(l.taxable, 0), coalesce(l.tax, 0), coalesce(l.subtotal + l.tax, 0))
        OR i.kind = 'invoice' AND i.tax_cents <> round(i.taxable_cents * i.tax_rate)`,
  },
  {
    invariant: 'I3',
    what: 'lines whose amount is not what they say it is made of',
    sql: `
      SELECT concat_ws(' ', i.number, l.line_no) AS who
      FROM invoice_lines l JOIN invoices i USING (invoice_id)
      WHERE l.amount_cents IS DISTINCT FROM CASE
        WHEN i.note_origin = 'credit' AND l.kind <> 'tax' THEN l.amount_cents
        WHEN i.note_origin = 'rerun' AND l.kind <> 'tax'
          THEN (l.meta ->> 'after_cents')::bigint - (l.meta ->> 'before_cents')::bigint
        ELSE CASE l.kind
        WHEN 'llm_usage' THEN round((meta ->> 'exact_cents')::numeric)
        WHEN 'overage' THEN
          round(qty * unit_price_cents / CASE unit WHEN '1k_tokens' THEN 1000 ELSE 1 END)
        WHEN 'tax' THEN i.tax_cents
        WHEN 'item' THEN l.amount_cents
        ELSE qty * unit_price_cents END END`,
  },
];

const SHOWN = 3;

/** @returns what is wrong right now */
export async function standingViolations(client: pg.ClientBase): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  for (const { invariant, what, sql } of [...CHECKS, ...CHAIN_CHECKS]) {
    const found = await findWrong(client, sql);
    if (found !== null) violations.push({ invariant, text: `${what}: ${found}` });
  }
  return violations;
}

/** @returns how many rows a check found and the first few of them; null for none */
export async function findWrong(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[] = [],
): Promise<string | null> {
  const { rows } = await client.query<{ n: string; shown: string[] | null }>(
    `SELECT count(*) AS n, (array_agg(who::text))[1:${SHOWN}] AS shown FROM (${sql}) wrong`,
    [...values],
  );
  const [row] = rows;
  if (row === undefined || row.n === '0') return null;
  return `${row.n} (${row.shown?.join(', ') ?? ''})`;
}
