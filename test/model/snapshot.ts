import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from '../_util/utc.ts';
import { numberOf } from './note-rules.ts';
import { leftOf } from './item-rules.ts';
import { monthKey, monthText, type Invoice, type Model, type Note } from './model.ts';
import type { Real } from './real.ts';
import { balanceOf, isReleased } from './standing-rules.ts';

/** All that PostgreSQL holds of a sequence but its usage, and the same from the model. */

const storedLine = z.object({
  deployment: z.string().nullable(),
  subscription: z.string().nullable(),
  item: z.string().nullable(),
  kind: z.string(),
  resourceKind: z.string().nullable(),
  description: z.string(),
  qty: z.string(),
  unit: z.string().nullable(),
  unitPriceCents: z.string().nullable(),
  amountCents: z.number(),
  isTaxable: z.boolean(),
  meta: z.record(z.string(), z.unknown()),
});
export type StoredLine = z.infer<typeof storedLine>;

const storedDocument = z.object({
  id: z.string(),
  kind: z.string(),
  adjusts: z.string().nullable(),
  origin: z.string().nullable(),
  tenant: z.string(),
  month: z.string(),
  revision: z.number(),
  status: z.string(),
  number: z.string(),
  subtotalCents: z.number(),
  taxableCents: z.number(),
  taxCents: z.number(),
  totalCents: z.number(),
  treatment: z.string(),
  replaces: z.string().nullable(),
  supersededBy: z.string().nullable(),
  request: z.string().nullable(),
  lines: z.array(storedLine),
});
export type StoredDocument = z.infer<typeof storedDocument>;

const snapshot = z.object({
  documents: z.array(storedDocument),
  events: z.record(z.string(), z.string().nullable()),
  drafts: z.record(z.string(), z.string()),
  outcomes: z.record(z.string(), z.unknown()),
  requests: z.record(z.string(), z.string().nullable()),
  items: z.record(z.string(), z.unknown()),
  payments: z.record(z.string(), z.unknown()),
  balances: z.record(z.string(), z.unknown()),
  releases: z.record(z.string(), z.boolean()),
});
export type Snapshot = z.infer<typeof snapshot>;

/** In place of null where there is nothing to aggregate. */
const or = (empty: '[]' | '{}') => sql.fragment`${empty}::jsonb`;

export async function readSnapshot({ world }: Real, { fleet }: Model): Promise<Snapshot> {
  const tenants = sql.array([...fleet.tenants], 'text');
  const periods = sql.array(
    fleet.months.map((month) => periodOf(month).periodStart),
    'date',
  );
  return world.db.one(sql.type(snapshot)`
    SELECT (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', i.invoice_id, 'kind', i.kind, 'adjusts', i.adjusts_invoice_id, 'origin', i.note_origin,
        'tenant', i.tenant_id, 'month', to_char(i.period_start, 'YYYY-MM'),
        'revision', i.revision, 'status', i.status, 'number', i.number,
        'subtotalCents', i.subtotal_cents, 'taxableCents', i.taxable_cents, 'taxCents', i.tax_cents,
        'totalCents', i.total_cents, 'treatment', i.tax_treatment, 'replaces', i.replaces_invoice_id,
        'supersededBy', i.superseded_by, 'request', i.request_id, 'lines', (
          SELECT coalesce(jsonb_agg(jsonb_build_object('deployment', l.deployment_id,
            'subscription', l.subscription_id, 'item', l.item_id, 'kind', l.kind,
            'resourceKind', l.resource_kind, 'description', l.description,
            'qty', trim_scale(l.qty)::text, 'unit', l.unit,
            'unitPriceCents', trim_scale(l.unit_price_cents)::text, 'amountCents', l.amount_cents,
            'isTaxable', l.taxable, 'meta', l.meta) ORDER BY l.line_no), ${or('[]')})
          FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
        )) ORDER BY i.tenant_id, i.kind DESC, i.tenant_seq), ${or('[]')})
      FROM invoices i WHERE i.tenant_id = ANY(${tenants})
    ) AS documents, (
      SELECT coalesce(jsonb_object_agg(e.id, b.sealed_for), ${or('{}')})
      FROM usage_buckets b JOIN (
        SELECT bucket_id, gateway_request_id AS id FROM llm_usage_events
        UNION ALL SELECT bucket_id, record_id FROM metered_usage_records
      ) e USING (bucket_id)
      WHERE b.tenant_id = ANY(${tenants}) AND b.service_month = ANY(${periods})
    ) AS events, (
      SELECT coalesce(jsonb_object_agg(draft_id, state), ${or('{}')})
      FROM invoice_drafts WHERE tenant_id = ANY(${tenants})
    ) AS drafts, (
      SELECT coalesce(jsonb_object_agg(to_char(period_start, 'YYYY-MM ') || tenant_id,
        jsonb_build_object('outcome', outcome, 'invoice', invoice_id, 'failure', reason_type)), ${or('{}')})
      FROM tenant_outcomes WHERE period_start = ANY(${periods})
    ) AS outcomes, (
      SELECT coalesce(jsonb_object_agg(to_char(r.period_start, 'YYYY-MM ') || r.request_id || ' ' || f.tenant_id,
        f.outcome), ${or('{}')})
      FROM month_end_requests r JOIN month_end_request_tenants f USING (request_seq)
      WHERE r.period_start = ANY(${periods})
    ) AS requests, (
      SELECT coalesce(jsonb_object_agg(item_id, jsonb_build_object(
        'applied', applied_cents, 'isWithdrawn', withdrawn_at IS NOT NULL)), ${or('{}')})
      FROM invoice_items WHERE tenant_id = ANY(${tenants})
    ) AS items, (
      SELECT coalesce(jsonb_object_agg(payment_id, jsonb_build_object(
        'invoice', invoice_id, 'cents', amount_cents)), ${or('{}')})
      FROM payments WHERE tenant_id = ANY(${tenants})
    ) AS payments, (
      SELECT coalesce(jsonb_object_agg(to_char(period_start, 'YYYY-MM ') || tenant_id,
        jsonb_build_object('invoice', invoice_id, 'total', total_cents, 'notes', notes_cents,
          'paid', paid_cents, 'balance', balance_cents, 'status', payment_status,
          'isSettled', is_settled, 'isDated', due_on IS NOT NULL)), ${or('{}')})
      FROM invoice_balances WHERE tenant_id = ANY(${tenants})
    ) AS balances, (
      SELECT coalesce(jsonb_object_agg(to_char(period_start, 'YYYY-MM ') || tenant_id, true), ${or('{}')})
      FROM releases WHERE tenant_id = ANY(${tenants})
    ) AS releases
  `);
}

export function expectedSnapshot(model: Model): Snapshot {
  const { events, drafts, invoices, notes, outcomes, requests, fleet } = model;
  const place = (tenant: string, index: number) => `${monthText(model, index)} ${tenant}`;
  const everyMonth = fleet.months.flatMap((_, index) =>
    fleet.tenants.map((tenant) => ({ tenant, index })),
  );
  return {
    documents: fleet.tenants.flatMap((tenant) =>
      [...invoices, ...notes]
        .filter((document) => document.tenant === tenant)
        .map((document) => asStored(model, document)),
    ),
    events: Object.fromEntries(events.map(({ id, holder }) => [id, holder?.id ?? null])),
    // A credit is issued with a draft of its own, which nobody has seen open.
    drafts: Object.fromEntries([
      ...drafts.map(({ id, state }) => [id, state]),
      ...notes.flatMap(({ id, draft }) => (draft === null ? [[id, 'issued']] : [])),
    ]) as Readonly<Record<string, string>>,
    outcomes: Object.fromEntries(
      everyMonth.flatMap(({ tenant, index }) => {
        const found = outcomes.get(monthKey(tenant, index));
        if (!found) return [];
        const { outcome, invoice, failure } = found;
        return [[place(tenant, index), { outcome, failure, invoice: invoice?.id ?? null }]];
      }),
    ),
    requests: Object.fromEntries(
      requests.flatMap((request) =>
        request.rows.map(({ tenant, outcome }) => [
          `${monthText(model, request.month)} ${request.id} ${tenant}`,
          outcome,
        ]),
      ),
    ),
    items: Object.fromEntries(
      model.items.map((item) => {
        const { id, cents, isWithdrawn } = item;
        return [id, { applied: isWithdrawn ? 0 : cents - leftOf(model, item), isWithdrawn }];
      }),
    ),
    payments: Object.fromEntries(
      model.payments.map(({ id, invoice, cents }) => [id, { invoice: invoice.id, cents }]),
    ),
    balances: Object.fromEntries(
      invoices
        .filter(({ supersededBy }) => supersededBy === null)
        .map((invoice) => [place(invoice.tenant, invoice.month), balanceRow(model, invoice)]),
    ),
    releases: Object.fromEntries(
      everyMonth
        .filter(({ tenant, index }) => model.released.has(monthKey(tenant, index)))
        .map(({ tenant, index }) => [place(tenant, index), true]),
    ),
  };
}

function balanceRow(model: Model, invoice: Invoice) {
  const { totalCents, notesCents, paidCents, balanceCents, status, isSettled } = balanceOf(
    model,
    invoice,
  );
  return {
    invoice: invoice.id,
    total: totalCents,
    notes: notesCents,
    paid: paidCents,
    balance: balanceCents,
    status,
    isSettled,
    isDated: isReleased(model, invoice),
  };
}

function asStored(model: Model, document: Invoice | Note): StoredDocument {
  const { id, kind, tenant, month, revision, lines, treatment, requestId } = document;
  const { subtotalCents, taxableCents, taxCents, totalCents } = document;
  const isNote = kind === 'adjustment_note';
  return {
    id,
    kind,
    adjusts: isNote ? document.adjusts.id : null,
    origin: isNote ? document.origin : null,
    tenant,
    month: monthText(model, month),
    revision,
    status: isNote ? 'issued' : document.status,
    number: numberOf(document),
    ...{ subtotalCents, taxableCents, taxCents, totalCents, treatment },
    replaces: isNote ? null : (document.draft.replaces?.id ?? null),
    supersededBy: isNote ? null : (document.supersededBy?.id ?? null),
    request: requestId,
    lines: [...lines],
  };
}
