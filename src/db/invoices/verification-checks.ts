import { TAX_CURRENCY } from '../../domain/aud-tax.ts';
import type { Period } from '../../domain/period.ts';
import { usageByState } from '../month-end/reconciliation.ts';
import { sql } from '../sql.ts';
import { SUMS_OF_LINES, TAX_OF_INVOICE } from '../tax/invoice-tax.ts';
import { LLM_EVENTS, METERED_RECORDS } from '../usage/usage-events.ts';
import { OTHER_MODELS } from '../../domain/llm-lines.ts';
import { hasOwnBucket } from '../usage/usage-ledger.ts';
import { KINDS_OF_LINES, kindsOf } from './kind-totals.ts';
import { withRawSums } from './verification-usage.ts';
import { isInForce, stands } from '../standing.ts';
import type { Check } from './verification-check.ts';
import { noteChecksOf } from './verification-note-checks.ts';
import { numbersWithoutGaps } from './verification-numbers.ts';

/** Selects the month's raw events of both sources, whichever bucket they are in. */
function eventsOf({ periodStart }: Period) {
  return sql.fragment`
    SELECT 'llm' AS source, gateway_request_id AS id, tenant_id, deployment_id,
      'llm_usage' AS resource_kind, service_month, occurred_at, charge_cents AS amount, bucket_id, model
    FROM ${LLM_EVENTS} e WHERE service_month = ${periodStart}
    UNION ALL
    SELECT 'metered', record_id, tenant_id, deployment_id, resource_kind, service_month, occurred_at,
      added_qty, bucket_id, ${OTHER_MODELS}
    FROM ${METERED_RECORDS} r WHERE service_month = ${periodStart}`;
}

/** Selects the buckets of the month's usage and those on the month's invoices. */
export function bucketsOf({ periodStart }: Period) {
  return sql.fragment`
    SELECT b.* FROM usage_buckets b WHERE b.service_month = ${periodStart}
    UNION
    SELECT b.* FROM invoices i JOIN invoice_usage u USING (invoice_id) JOIN usage_buckets b USING (bucket_id)
    WHERE i.period_start = ${periodStart}`;
}

/** Returns the checks of a month. */
export function checksOf(period: Period): readonly Check[] {
  const { periodStart, startsAt, endsAt } = period;
  return [
    {
      id: 'one_invoice_stands',
      invariant: 'I1',
      claim: 'each tenant has at most one live invoice',
      problems: sql.fragment`
        SELECT tenant_id || ' has ' || count(*) || ' live invoices: ' || string_agg(number, ', ') AS problem
        FROM invoices i WHERE period_start = ${periodStart} AND ${stands('i')}
        GROUP BY tenant_id HAVING count(*) > 1`,
    },
    numbersWithoutGaps(period, 'invoice'),
    {
      id: 'events_in_their_bucket',
      invariant: 'I2',
      claim:
        'each event is in the bucket of its own tenant, deployment, kind, month and model; that of all other ' +
        'models has only events of models without a bucket',
      problems: sql.fragment`
        SELECT e.source || ' event ' || e.id || ' is in bucket ' || e.bucket_id || ', which is ' ||
          coalesce(
            (SELECT 'of other usage' FROM usage_buckets o WHERE o.bucket_id = e.bucket_id),
            'nowhere'
          ) AS problem
        FROM (${eventsOf(period)}) e
        LEFT JOIN (SELECT * FROM usage_buckets WHERE service_month = ${periodStart}) b USING (bucket_id)
        WHERE (e.source, e.tenant_id, e.deployment_id, e.resource_kind, e.service_month)
            IS DISTINCT FROM
            (b.source, b.tenant_id::text, b.deployment_id::text, b.resource_kind, b.service_month::date)
          OR (b.model <> e.model AND (b.model <> ${OTHER_MODELS} OR ${hasOwnBucket('e')}))
          OR e.occurred_at < ${startsAt} OR e.occurred_at >= ${endsAt}`,
    },
    {
      id: 'events_once',
      invariant: 'I2',
      claim: 'each event id was accepted once',
      problems: sql.fragment`
        SELECT source || ' event ' || id || ' is stored ' || count(*) || ' times' AS problem
        FROM (${eventsOf(period)}) e GROUP BY source, id HAVING count(*) > 1`,
    },
    {
      id: 'bucket_sums',
      invariant: 'I2',
      claim: 'each bucket holds the count and the exact sum of its events',
      problems: sql.fragment`
        SELECT 'bucket ' || b.bucket_id || ' of ' || b.deployment_id || ' counts ' || b.event_count || ' events, sum ' ||
          trim_scale(b.total) || '; it has ' || raw.events || ' events, sum ' || trim_scale(raw.total) AS problem
        FROM (${bucketsOf(period)}) b ${withRawSums}
        WHERE (b.event_count, b.total) IS DISTINCT FROM (raw.events, raw.total)`,
    },
    {
      id: 'usage_has_a_place',
      invariant: 'I2',
      claim:
        'all usage is billed on one live invoice or adjustment note, excluded, or pending with a reason',
      problems: sql.fragment`
        SELECT u.events || ' events (' || trim_scale(u.total) || ') of ' || u.deployment_id || ', ' ||
          u.resource_kind || ', are in none of these states' AS problem
        FROM (${usageByState(period)}) u WHERE u.state = 'unaccounted'`,
    },
    {
      id: 'usage_on_its_invoice',
      invariant: 'I2',
      claim: 'a live invoice or adjustment note holds exactly the usage that is tied to it',
      problems: sql.fragment`
        SELECT 'bucket ' || coalesce(held.bucket_id, tied.bucket_id) || ' is ' || CASE
          WHEN tied.bucket_id IS NULL THEN 'held by, but not tied to, invoice ' || held.number
          ELSE 'tied to, but not held by, invoice ' || tied.number END AS problem
        FROM (
          SELECT i.invoice_id, i.number, b.bucket_id FROM invoices i JOIN usage_buckets b ON b.sealed_for = i.invoice_id
          WHERE i.period_start = ${periodStart} AND ${isInForce('i')}
        ) held
        FULL JOIN (
          SELECT i.invoice_id, i.number, u.bucket_id FROM invoices i JOIN invoice_usage u USING (invoice_id)
          WHERE i.period_start = ${periodStart} AND ${isInForce('i')}
        ) tied USING (invoice_id, bucket_id)
        WHERE held.bucket_id IS NULL OR tied.bucket_id IS NULL`,
    },
    {
      id: 'corrections_add_the_difference',
      invariant: 'I2',
      claim: 'a metered record adds its quantity minus that of the record that it replaces',
      problems: sql.fragment`
        SELECT 'record ' || r.record_id || ' adds ' || trim_scale(r.added_qty) || ' instead of ' ||
          trim_scale(r.qty - coalesce(old.qty, 0)) AS problem
        FROM ${METERED_RECORDS} r
        -- Joined by month too: replacing a record of another month is also a problem.
        LEFT JOIN ${METERED_RECORDS} old
          ON old.record_id = r.replaces AND old.service_month = ${periodStart}
        WHERE r.service_month = ${periodStart} AND (r.added_qty <> r.qty - coalesce(old.qty, 0)
          OR (r.replaces IS NOT NULL AND (old.deployment_id, old.resource_kind, old.service_month)
            IS DISTINCT FROM (r.deployment_id, r.resource_kind, r.service_month)))`,
    },
    {
      id: 'exclusions_are_of_events',
      invariant: 'I2',
      claim: 'every exclusion takes out one whole event',
      problems: sql.fragment`
        SELECT 'exclusion of ' || x.source || ' event ' || x.event_id || ' takes out ' || trim_scale(x.amount) ||
          ' instead of ' || coalesce(trim_scale(e.amount)::text, 'an event') AS problem
        FROM usage_buckets b JOIN usage_exclusions x USING (bucket_id)
        LEFT JOIN LATERAL (
          SELECT e.charge_cents AS amount FROM ${LLM_EVENTS} e
          WHERE x.source = 'llm' AND e.gateway_request_id COLLATE "C" = x.event_id COLLATE "C"
            AND e.bucket_id = x.bucket_id AND e.service_month = ${periodStart}
          UNION ALL
          SELECT r.qty FROM ${METERED_RECORDS} r
          WHERE x.source = 'metered' AND r.record_id COLLATE "C" = x.event_id COLLATE "C"
            AND r.bucket_id = x.bucket_id AND r.service_month = ${periodStart}
        ) e ON true
        WHERE b.service_month = ${periodStart} AND e.amount IS DISTINCT FROM x.amount
          -- Expired events can't be compared any more.
          AND NOT EXISTS (
            SELECT FROM usage_archives gone
            WHERE gone.service_month = b.service_month AND gone.source = x.source
              AND gone.expired_at IS NOT NULL
          )`,
    },
    {
      id: 'items_billed_once',
      invariant: 'I2',
      claim:
        'of each invoice item, live invoices take no more than its amount, and as much as it says',
      problems: sql.fragment`
        SELECT 'invoice item ' || it.item_id || ' of ' || it.amount_cents || ' counts ' || it.applied_cents ||
          ' as billed; live invoices take ' || x.taken || ' (minor units)' AS problem
        FROM (
          SELECT item_id FROM invoice_items WHERE period_start = ${periodStart}
          UNION
          -- Looked up for each invoice: a join could read all lines.
          SELECT l.item_id FROM invoices i CROSS JOIN LATERAL (
            SELECT item_id FROM invoice_lines WHERE invoice_id = i.invoice_id AND item_id IS NOT NULL OFFSET 0
          ) l
          WHERE i.period_start = ${periodStart}
        ) affected JOIN invoice_items it USING (item_id)
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(l.amount_cents), 0) AS taken
          FROM invoice_lines l JOIN invoices i USING (invoice_id)
          WHERE l.item_id = it.item_id AND i.superseded_by IS NULL
        ) x
        WHERE x.taken <> it.applied_cents
          OR x.taken NOT BETWEEN least(it.amount_cents, 0) AND greatest(it.amount_cents, 0)
          OR (it.withdrawn_at IS NOT NULL AND x.taken <> 0)`,
    },
    {
      id: 'lines_add_up',
      invariant: 'I3',
      claim:
        "an invoice's lines, numbered from 1, add up to its header; tax is the taxable subtotal times the rate",
      problems: sql.fragment`
        SELECT 'invoice ' || i.number || ': lines of ' || l.lines || ', total of ' || i.total_cents || ' (minor units of ' || i.currency || ')' AS problem
        FROM invoices i LEFT JOIN LATERAL (
          SELECT coalesce(sum(amount_cents), 0) AS lines, count(*) AS n,
            coalesce(max(line_no), 0) AS last,
            ${SUMS_OF_LINES}
          FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
        ) l ON true
        WHERE i.period_start = ${periodStart} AND (
          (l.subtotal, l.taxable, l.tax, l.lines, l.last) IS DISTINCT FROM
            (i.subtotal_cents::numeric, i.taxable_cents::numeric, i.tax_cents::numeric, i.total_cents::numeric, l.n::int)
          OR (i.kind = 'invoice' AND i.tax_cents <> ${TAX_OF_INVOICE}))`,
    },
    {
      id: 'kinds_add_up',
      invariant: 'I3',
      claim: 'the totals by kind that an invoice keeps are those of its lines',
      problems: sql.fragment`
        SELECT 'invoice ' || i.number || ' keeps totals by kind of (' || concat_ws(', ', ${kindsOf('i')}) ||
          '); its lines have (' || concat_ws(', ', ${kindsOf('l')}) || ') (minor units of ' || i.currency || ')' AS problem
        FROM invoices i CROSS JOIN LATERAL (
          SELECT ${KINDS_OF_LINES} FROM invoice_lines WHERE invoice_id = i.invoice_id
        ) l
        WHERE i.period_start = ${periodStart} AND (${kindsOf('i')}) IS DISTINCT FROM (${kindsOf('l')})`,
    },
    {
      id: 'models_add_up',
      invariant: 'I3',
      claim: 'the models of an LLM line add up to its exact sum, and on an invoice to its requests',
      problems: sql.fragment`
        SELECT 'line ' || l.line_no || ' of ' || i.number || ' has ' || trim_scale(l.qty) || ' requests of ' ||
          coalesce(l.meta ->> 'exact_cents', '?') || '; its models have ' || m.requests || ' of ' || m.cents AS problem
        FROM invoices i JOIN invoice_lines l USING (invoice_id)
        CROSS JOIN LATERAL (
          SELECT coalesce(sum((e ->> 'requests')::numeric), 0) AS requests,
            coalesce(trim_scale(sum((e ->> 'exact_cents')::numeric)), 0) AS cents
          FROM jsonb_array_elements(l.meta -> 'by_model') e
        ) m
        WHERE i.period_start = ${periodStart} AND l.kind = 'llm_usage' AND (
          m.cents IS DISTINCT FROM (l.meta ->> 'exact_cents')::numeric
          OR (i.kind = 'invoice' AND m.requests <> l.qty))`,
    },
    {
      id: 'tax_as_recorded',
      invariant: 'I3',
      claim:
        'every invoice is taxed by a recorded treatment, and converted by a recorded exchange rate',
      problems: sql.fragment`
        SELECT 'invoice ' || i.number || ' is taxed by ' || i.tax_treatment || ', which is not recorded with its rate of ' ||
          i.tax_rate || ', label and note' AS problem
        FROM invoices i WHERE i.period_start = ${periodStart} AND NOT EXISTS (
          SELECT FROM tax_treatments t WHERE t.treatment_code = i.tax_treatment
            AND (t.label, t.rate, t.note) IS NOT DISTINCT FROM (i.tax_label, i.tax_rate, i.tax_note)
        )
        UNION ALL
        SELECT 'invoice ' || i.number || ' has its tax in AUD by an exchange rate of ' || i.aud_rate ||
          ', which is not recorded for its month'
        FROM invoices i WHERE i.period_start = ${periodStart} AND i.aud_rate IS NOT NULL AND NOT EXISTS (
          SELECT FROM exchange_rates x
          WHERE (x.from_currency, x.to_currency, x.month) = (i.currency, ${TAX_CURRENCY}, i.period_start)
            AND (x.rate, x.source) = (i.aud_rate, i.aud_rate_source)
        )`,
    },
    {
      id: 'as_issued',
      invariant: 'I4',
      claim: 'every invoice, including superseded ones, is as it was issued',
      problems: sql.fragment`
        SELECT 'invoice ' || i.number || ' differs from what was issued' AS problem
        FROM invoices i LEFT JOIN invoice_digests d USING (invoice_id)
        WHERE i.period_start = ${periodStart} AND d.digest IS DISTINCT FROM invoice_digest(i.invoice_id)`,
    },
    {
      id: 'revisions_linked',
      invariant: 'I4',
      claim: 'revisions are numbered from 1, linked both ways, and only the last one is live',
      problems: sql.fragment`
        SELECT 'invoice ' || i.number || ', revision ' || i.revision || ', is not linked to the invoice that it replaces' AS problem
        FROM invoices i
        LEFT JOIN invoices old ON old.invoice_id = i.replaces_invoice_id
        LEFT JOIN invoices new ON new.replaces_invoice_id = i.invoice_id
        WHERE i.period_start = ${periodStart} AND i.kind = 'invoice' AND (
          (i.replaces_invoice_id IS NOT NULL AND (old.tenant_id, old.period_start, old.revision, old.superseded_by)
            IS DISTINCT FROM (i.tenant_id, i.period_start, i.revision - 1, i.invoice_id))
          OR i.superseded_by IS DISTINCT FROM new.invoice_id
          OR CASE i.status WHEN 'superseded' THEN new.invoice_id IS NULL
            WHEN 'void' THEN false ELSE new.invoice_id IS NOT NULL END)`,
    },
    {
      id: 'final_statuses_recorded',
      invariant: 'I4',
      claim: 'every void invoice has a record of who changed it',
      problems: sql.fragment`
        SELECT 'invoice ' || i.number || ' is ' || i.status || ', but recorded as ' || coalesce(c.status, 'neither') AS problem
        FROM invoices i LEFT JOIN invoice_status_changes c USING (invoice_id)
        WHERE i.period_start = ${periodStart}
          AND (CASE i.status WHEN 'void' THEN i.status END) IS DISTINCT FROM c.status`,
    },
    {
      id: 'outcomes_hold',
      invariant: 'I5',
      claim:
        'tenants that count as invoiced have a live invoice, tenants with nothing to bill have none, and parked ' +
        'tenants have a reason',
      problems: sql.fragment`
        SELECT o.tenant_id || ' is ' || o.outcome || ' and has no live invoice' AS problem
        FROM tenant_outcomes o LEFT JOIN invoices i ON i.tenant_id = o.tenant_id
          AND i.period_start = o.period_start AND ${stands('i')}
        WHERE o.period_start = ${periodStart} AND o.invoice_id IS NOT NULL AND i.invoice_id IS NULL
        UNION ALL
        SELECT o.tenant_id || ' has nothing to bill and a live invoice' FROM tenant_outcomes o
        JOIN invoices i ON i.tenant_id = o.tenant_id AND i.period_start = o.period_start
          AND ${stands('i')}
        WHERE o.period_start = ${periodStart} AND o.outcome = 'nothing_to_bill'
        UNION ALL
        SELECT o.tenant_id || ' is parked without a reason' FROM tenant_outcomes o
        WHERE o.period_start = ${periodStart} AND o.outcome = 'parked' AND o.reason IS NULL`,
    },
    ...noteChecksOf(period),
  ];
}
