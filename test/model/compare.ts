import { expect } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { reconcile, usageByState } from '../../src/db/month-end/reconciliation.ts';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from '../_util/utc.ts';
import { exact, exactText } from './exact.ts';
import { monthText, outcomeKey, type Invoice, type Model } from './model.ts';
import { placesOf, type Place } from './place-rules.ts';
import type { Real } from './real.ts';

/** Compares all that PostgreSQL holds of a sequence with the model. */

const snapshot = z.object({
  invoices: z.array(z.record(z.string(), z.unknown())),
  events: z.record(z.string(), z.string().nullable()),
  drafts: z.record(z.string(), z.string()),
  outcomes: z.record(z.string(), z.unknown()),
  requests: z.record(z.string(), z.string().nullable()),
});

/** In place of null where there is nothing to aggregate. */
const or = (empty: '[]' | '{}') => sql.fragment`${empty}::jsonb`;

async function readSnapshot({ world }: Real, { fleet }: Model) {
  const tenants = sql.array([...fleet.tenants], 'text');
  const periods = sql.array(
    fleet.months.map((month) => periodOf(month).periodStart),
    'date',
  );
  return world.db.one(sql.type(snapshot)`
    SELECT (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', i.invoice_id, 'tenant', i.tenant_id, 'month', to_char(i.period_start, 'YYYY-MM'),
        'revision', i.revision, 'status', i.status, 'number', i.number,
        'subtotalCents', i.subtotal_cents, 'taxCents', i.tax_cents, 'totalCents', i.total_cents,
        'replaces', i.replaces_invoice_id, 'request', i.request_id, 'lines', (
          SELECT coalesce(jsonb_agg(jsonb_build_object('deployment', l.deployment_id,
            'subscription', l.subscription_id, 'kind', l.kind, 'resourceKind', l.resource_kind,
            'description', l.description, 'qty', trim_scale(l.qty)::text, 'unit', l.unit,
            'unitPriceCents', trim_scale(l.unit_price_cents)::text, 'amountCents', l.amount_cents, 'meta', l.meta)
            ORDER BY l.line_no), ${or('[]')})
          FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
        )) ORDER BY i.tenant_id, i.tenant_seq), ${or('[]')})
      FROM invoices i WHERE i.tenant_id = ANY(${tenants})
    ) AS invoices, (
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
    ) AS requests
  `);
}

function expectedSnapshot(model: Model): z.infer<typeof snapshot> {
  const { events, drafts, invoices, outcomes, requests, fleet } = model;
  const month = (index: number) => monthText(model, index);
  return {
    invoices: fleet.tenants.flatMap((tenant) =>
      invoices.filter((invoice) => invoice.tenant === tenant).map((i) => asStored(model, i)),
    ),
    events: Object.fromEntries(events.map(({ id, holder }) => [id, holder?.id ?? null])),
    drafts: Object.fromEntries(drafts.map(({ id, state }) => [id, state])),
    outcomes: Object.fromEntries(
      fleet.months.flatMap((text, index) =>
        fleet.tenants.flatMap((tenant) => {
          const found = outcomes.get(outcomeKey(tenant, index));
          if (!found) return [];
          const { outcome, invoice, failure } = found;
          return [[`${text} ${tenant}`, { outcome, failure, invoice: invoice?.draft.id ?? null }]];
        }),
      ),
    ),
    requests: Object.fromEntries(
      requests.flatMap((request) =>
        request.rows.map(({ tenant, outcome }) => [
          `${month(request.month)} ${request.id} ${tenant}`,
          outcome,
        ]),
      ),
    ),
  };
}

function asStored(model: Model, invoice: Invoice) {
  const { draft, tenant, revision, status, lines, number, month, request } = invoice;
  const { subtotalCents, taxCents, totalCents } = invoice;
  return {
    id: draft.id,
    tenant,
    month: monthText(model, month),
    revision,
    status,
    number: numberText(tenant, number),
    subtotalCents,
    taxCents,
    totalCents,
    lines,
    replaces: draft.replaces?.draft.id ?? null,
    request: request?.id ?? null,
  };
}

function numberText(tenant: string, number: number): string {
  return `${tenant}-${String(number).padStart(6, '0')}`;
}

export async function expectSameLedger(model: Model, real: Real): Promise<void> {
  const [actual, places] = await Promise.all([
    readSnapshot(real, model),
    readPlaces(real, model.fleet.months),
  ]);
  expect(actual).toEqual(expectedSnapshot(model));
  const expected = model.fleet.months.flatMap((month, index) =>
    placesOf(model, index).map(({ invoice, ...place }) => ({
      ...place,
      month,
      invoice: invoice === null ? null : numberText(place.tenant, invoice),
    })),
  );
  expect(byText(places)).toEqual(byText(expected));
}

const place = z.object({
  month: z.string(),
  tenant: z.string(),
  deployment: z.string(),
  source: z.string(),
  kind: z.string(),
  state: z.string(),
  events: z.number(),
  total: z.string(),
  invoice: z.string().nullable(),
});

/** What `listUsagePlaces` lists, of several months at once. */
function readPlaces({ world }: Real, months: readonly string[]) {
  const byMonth = months.map(
    (month) =>
      sql.fragment`SELECT ${month} AS month, u.* FROM (${usageByState(periodOf(month))}) u`,
  );
  return world.db.any(sql.type(place)`
    SELECT u.month, u.tenant_id AS tenant, u.deployment_id AS deployment, u.source,
      u.resource_kind AS kind, u.state, sum(u.events)::int AS events,
      trim_scale(sum(u.total)) AS total, i.number AS invoice
    FROM (${sql.join(byMonth, sql.fragment` UNION ALL `)}) u
    LEFT JOIN invoices i ON i.invoice_id = u.live_invoice_id
    GROUP BY u.month, u.tenant_id, u.deployment_id, u.source, u.resource_kind, u.state, i.number
    HAVING sum(u.events) > 0 OR sum(u.total) <> 0
  `);
}

function byText(rows: readonly z.infer<typeof place>[]) {
  const text = ({ month, deployment, source, kind, state }: z.infer<typeof place>) =>
    [month, deployment, source, kind, state].join();
  return rows.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** The product's own proofs, of each month. */
export async function expectProvable(model: Model, real: Real): Promise<void> {
  for (const [index, month] of model.fleet.months.entries()) {
    const { checks } = await verifyMonth(real.world.db, month);
    const wrong = checks.flatMap(({ id, examples }) => examples.map((text) => `${id}: ${text}`));
    expect(wrong).toEqual([]);
    const rows = await reconcile(real.world.db, periodOf(month));
    expect(
      rows
        .map(({ source, resource_kind, state, events, total }) => ({
          key: [source, resource_kind, state].join(),
          events: Number(events),
          total,
        }))
        .filter(({ events, total }) => events > 0 || total !== '0')
        .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    ).toEqual(reconciled(placesOf(model, index)));
  }
}

function reconciled(places: readonly Place[]) {
  const groups = Map.groupBy(places, ({ source, kind, state }) => [source, kind, state].join());
  return [...groups]
    .map(([key, group]) => ({
      key,
      events: group.reduce((events, place) => events + place.events, 0),
      total: exactText(group.reduce((total, place) => total + exact(place.total), 0n)),
    }))
    .filter(({ events, total }) => events > 0 || total !== '0')
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
