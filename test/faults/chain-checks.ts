import type { Check } from './standing-checks.ts';

/**
 * What holds at every moment of invoices together with their adjustment notes, items and payments, by SQL that shares
 * nothing with the engine's (docs/spec.md#settled). A document's root is the invoice that it is about.
 */

const CHAINS = `
  SELECT d.invoice_id, coalesce(d.adjusts_invoice_id, d.invoice_id) AS root, d.note_origin,
    root.tenant_id, root.period_start, root.number
  FROM invoices d JOIN invoices root ON root.invoice_id = coalesce(d.adjusts_invoice_id, d.invoice_id)
  WHERE root.superseded_by IS NULL`;

/** Usage of live invoices and their notes, from the events. */
const HELD = `
  SELECT c.root, c.number, b.source, b.deployment_id, b.resource_kind, b.service_month,
    count(e.adds) AS events, sum(e.adds) AS total
  FROM (${CHAINS}) c JOIN usage_buckets b ON b.sealed_for = c.invoice_id
  JOIN (
    SELECT bucket_id, charge_cents AS adds FROM llm_usage_events
    UNION ALL SELECT bucket_id, added_qty FROM metered_usage_records
  ) e USING (bucket_id)
  GROUP BY 1, 2, 3, 4, 5, 6`;

/** Lines of live invoices and of the notes that reruns made. */
const BILLED = `
  SELECT c.root, c.number, c.period_start, l.*
  FROM (${CHAINS}) c JOIN invoice_lines l USING (invoice_id)
  WHERE c.note_origin IS DISTINCT FROM 'credit'`;

export const CHAIN_CHECKS: readonly Check[] = [
  {
    invariant: 'I1',
    what: 'invoices whose adjustment notes are not a series from 1, or that no longer stand',
    sql: `
      SELECT i.number AS who FROM invoices n JOIN invoices i ON i.invoice_id = n.adjusts_invoice_id
      GROUP BY i.invoice_id
      HAVING max(n.revision) <> count(*) OR min(n.revision) <> 1 OR i.status <> 'issued'
        OR i.kind <> 'invoice'`,
  },
  {
    invariant: 'I3',
    what: 'LLM usage that invoice and notes together do not charge for',
    sql: `
      SELECT concat_ws(' ', number, deployment_id, service_month) AS who
      FROM (SELECT * FROM (${HELD}) h WHERE source = 'llm') held
      FULL JOIN (
        SELECT root, number, deployment_id,
          coalesce((meta ->> 'service_month') || '-01', period_start::text)::date AS service_month,
          sum(qty) AS qty, sum(amount_cents) AS cents
        FROM (${BILLED}) b WHERE kind = 'llm_usage' GROUP BY 1, 2, 3, 4
      ) billed USING (root, number, deployment_id, service_month)
      WHERE (coalesce(qty, 0), coalesce(cents, 0))
        IS DISTINCT FROM (coalesce(events, 0), coalesce(round(total), 0))`,
  },
  {
    invariant: 'I3',
    what: 'metered usage beyond the allowance that invoice and notes together do not charge for',
    sql: `
      WITH owed AS (
        SELECT held.root, held.number, held.deployment_id, held.resource_kind,
          greatest(least(held.total, item.hard_cap_qty) - coalesce(item.included_qty, 0)
            - coalesce(addon.qty, 0), 0) AS qty,
          item.overage_price_cents / CASE item.overage_unit WHEN '1k_tokens' THEN 1000 ELSE 1 END AS price
        FROM (${HELD}) held
        JOIN (${CHAINS}) c ON c.invoice_id = held.root AND c.period_start = held.service_month
        JOIN subscriptions s ON s.deployment_id = held.deployment_id
          AND (s.ends_at IS NULL OR s.ends_at > c.period_start)
        JOIN plan_items item ON item.plan_version_id = s.plan_version_id
          AND item.resource_kind = held.resource_kind AND item.overage_price_cents IS NOT NULL
        LEFT JOIN (
          SELECT subscription_id, resource_kind, sum(qty) AS qty FROM subscription_addons GROUP BY 1, 2
        ) addon ON (addon.subscription_id, addon.resource_kind) = (s.subscription_id, item.resource_kind)
        WHERE held.source = 'metered'
      )
      SELECT concat_ws(' ', number, deployment_id, resource_kind) AS who
      FROM owed
      FULL JOIN (
        SELECT root, number, deployment_id, resource_kind, sum(qty) AS billed_qty, sum(amount_cents) AS cents
        FROM (${BILLED}) b WHERE kind = 'overage' GROUP BY 1, 2, 3, 4
      ) billed USING (root, number, deployment_id, resource_kind)
      WHERE (coalesce(billed_qty, 0), coalesce(cents, 0))
        IS DISTINCT FROM (coalesce(qty, 0), coalesce(round(qty * price), 0))`,
  },
  {
    invariant: 'I3',
    what: 'subscriptions that invoice and notes together do not charge for once',
    sql: `
      SELECT concat_ws(' ', number, deployment_id, kind) AS who
      FROM (${BILLED}) b WHERE kind IN ('plan_base', 'addon')
      GROUP BY root, number, deployment_id, subscription_id, kind, description
      HAVING sum(qty) <> 1 OR sum(amount_cents) <> max(unit_price_cents)`,
  },
  {
    invariant: 'I3',
    what: 'invoices that are not taxed together with their notes',
    sql: `
      SELECT c.number AS who FROM (${CHAINS}) c JOIN invoices d USING (invoice_id)
      GROUP BY c.root, c.number
      HAVING sum(d.tax_cents) <> round(sum(d.taxable_cents) * max(d.tax_rate))`,
  },
  {
    invariant: 'I3',
    what: 'lines that were credited with more than they charge',
    sql: `
      SELECT concat_ws(' ', c.number, l.meta ->> 'credited_number', l.meta ->> 'credited_line_no') AS who
      FROM (${CHAINS}) c JOIN invoice_lines l USING (invoice_id)
      JOIN invoices named ON named.number = l.meta ->> 'credited_number'
      JOIN invoice_lines credited ON credited.invoice_id = named.invoice_id
        AND credited.line_no = (l.meta ->> 'credited_line_no')::int
      WHERE c.note_origin = 'credit' AND l.kind <> 'tax'
      GROUP BY c.number, l.meta ->> 'credited_number', l.meta ->> 'credited_line_no', credited.amount_cents
      HAVING min(l.amount_cents) >= 0
        OR -sum(l.amount_cents) > greatest(credited.amount_cents, (
          SELECT max((later.meta ->> 'after_cents')::bigint) FROM invoice_lines later
          JOIN (${CHAINS}) other USING (invoice_id)
          WHERE other.number = c.number AND later.meta ? 'after_cents'))`,
  },
  {
    invariant: 'I6',
    what: 'invoice items that invoices take more than once, or against their sign',
    sql: `
      SELECT it.item_id AS who FROM invoice_items it
      LEFT JOIN (
        SELECT l.item_id, sum(l.amount_cents) AS cents, count(*) AS times
        FROM invoice_lines l JOIN invoices i USING (invoice_id)
        WHERE i.superseded_by IS NULL AND l.item_id IS NOT NULL GROUP BY 1
      ) taken USING (item_id)
      WHERE coalesce(cents, 0) NOT BETWEEN least(it.amount_cents, 0) AND greatest(it.amount_cents, 0)
        OR (it.amount_cents > 0 AND coalesce(cents, 0) NOT IN (0, it.amount_cents))
        OR (it.amount_cents > 0 AND times > 1) OR (it.withdrawn_at IS NOT NULL AND times > 0)`,
  },
  {
    invariant: 'I6',
    what: 'invoices that credits of items make less than 0',
    sql: `
      SELECT i.number AS who FROM invoices i JOIN invoice_lines l USING (invoice_id)
      WHERE i.kind = 'invoice' AND l.kind <> 'tax'
      GROUP BY i.number, l.taxable HAVING sum(l.amount_cents) < 0`,
  },
  {
    invariant: 'I6',
    what: 'void invoices that are settled',
    sql: `
      SELECT i.number AS who FROM invoices i
      WHERE i.kind = 'invoice' AND i.status = 'void' AND (
        EXISTS (SELECT FROM invoices n WHERE n.adjusts_invoice_id = i.invoice_id)
        OR i.superseded_by IS NULL AND EXISTS (
          SELECT FROM payments p
          WHERE (p.tenant_id, p.period_start) = (i.tenant_id, i.period_start)))`,
  },
  {
    invariant: 'I6',
    what: 'balances that are not invoice + notes − payments',
    sql: `
      SELECT concat_ws(' ', tenant_id, period_start) AS who
      FROM (
        SELECT c.tenant_id, c.period_start,
          coalesce(sum(d.total_cents) FILTER (WHERE d.status <> 'void'), 0) - coalesce((
            SELECT sum(p.amount_cents) FROM payments p
            WHERE (p.tenant_id, p.period_start) = (c.tenant_id, c.period_start)), 0) AS cents
        FROM (${CHAINS}) c JOIN invoices d USING (invoice_id)
        GROUP BY c.tenant_id, c.period_start
      ) owed FULL JOIN invoice_balances b USING (tenant_id, period_start)
      WHERE owed.cents IS DISTINCT FROM b.balance_cents`,
  },
];
