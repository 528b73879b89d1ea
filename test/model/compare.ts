import { expect } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { reconcile, usageByState } from '../../src/db/month-end/reconciliation.ts';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from '../_util/utc.ts';
import { expectComposition } from './composition-checks.ts';
import { exact, exactText } from './exact.ts';
import { numberOf } from './note-rules.ts';
import type { Model } from './model.ts';
import { placesOf, type Place } from './place-rules.ts';
import type { Real } from './real.ts';
import { expectedSnapshot, readSnapshot } from './snapshot.ts';
import { isReleased } from './standing-rules.ts';

/** Compares all that PostgreSQL holds of a sequence, and all that tenants see of it, with the model. */

export async function expectSameLedger(model: Model, real: Real): Promise<void> {
  const [actual, places, visible] = await Promise.all([
    readSnapshot(real, model),
    readPlaces(real, model.fleet.months),
    readVisible(real, model),
  ]);
  expect(actual).toEqual(expectedSnapshot(model));
  expectComposition(model, actual.documents);
  expect(visible).toEqual(visibleIn(model));
  const expected = model.fleet.months.flatMap((month, index) =>
    placesOf(model, index).map(({ invoice, ...place }) => ({
      ...place,
      month,
      invoice: invoice === null ? null : numberOf(invoice),
    })),
  );
  expect(byText(places)).toEqual(byText(expected));
}

/** What a tenant's own role sees of the sequence's documents: `table tenant`, with the ids. */
type Visible = Readonly<Record<string, readonly string[]>>;

const SEEN = {
  invoices: 'invoice_id',
  invoice_lines: 'DISTINCT invoice_id',
  invoice_balances: 'invoice_id',
} as const;

/**
 * Reads all documents of the sequence as each of its tenants, in one round trip: row level security alone decides what
 * comes back.
 */
async function readVisible({ superuser }: Real, model: Model): Promise<Visible> {
  const { tenants } = model.fleet;
  const ids = [...model.invoices, ...model.notes].map(({ id }) => `'${id}'`).join();
  if (ids === '') return {};
  const statements = tenants.flatMap((tenant) => [
    `SELECT set_config('arcadia.tenant_id', '${tenant}', true)`,
    ...Object.entries(SEEN).map(
      ([
        table,
        id,
      ]) => `SELECT '${table} ${tenant}' AS key, coalesce(array_agg(id::text ORDER BY id), '{}') AS ids
        FROM (SELECT ${id} AS id FROM ${table} WHERE invoice_id IN (${ids})) seen`,
    ),
  ]);
  const results = (await superuser.query(
    ['BEGIN', 'SET LOCAL ROLE arcadia_tenant', ...statements, 'COMMIT'].join(';'),
  )) as unknown as readonly { readonly rows: readonly { key?: string; ids?: string[] }[] }[];
  const rows = results.flatMap((result) => result.rows);
  return Object.fromEntries(rows.flatMap(({ key, ids: seen }) => (key ? [[key, seen ?? []]] : [])));
}

/** Documents of released months only, and of the tenant's own. */
function visibleIn(model: Model): Visible {
  const documents = [...model.invoices, ...model.notes];
  if (documents.length === 0) return {};
  return Object.fromEntries(
    model.fleet.tenants.flatMap((tenant) => {
      const own = documents.filter((each) => each.tenant === tenant && isReleased(model, each));
      const ids = (those: typeof own) => those.map(({ id }) => id).sort();
      const standing = own.filter((each) => each.kind === 'invoice' && each.supersededBy === null);
      return [
        [`invoices ${tenant}`, ids(own)],
        [`invoice_lines ${tenant}`, ids(own.filter(({ lines }) => lines.length > 0))],
        [`invoice_balances ${tenant}`, ids(standing)],
      ];
    }),
  );
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
