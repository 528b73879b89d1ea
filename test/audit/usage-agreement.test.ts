import { afterAll, beforeAll, expect, test } from 'vitest';
import { listLateUsage, type LateUsage } from '../../src/audit/late-usage.ts';
import { checkUnbilled } from '../../src/cli/doctor/check-months.ts';
import { readMonthEndStatus } from '../../src/db/month-end/month-end-status.ts';
import { sql } from '../../src/db/sql.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { Decimal, sumDecimals, toDecimalString } from '../../src/domain/decimal.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { seedPlan } from '../_util/lives.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { buildInvoices, nextRun, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

/** A month with usage in every state: the listing by name, the control totals and doctor count the same usage. */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  const hours = { resourceKind: 'droplet_hours', includedQty: '0', overageUnit: 'hour' };
  await seedPlan(world.db, 'flat', {
    proration: 'none',
    basePriceCents: 5000,
    items: [{ ...hours, overagePriceCents: 2 }],
  });
});
afterAll(async () => {
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

const use = (tenantId: string, kind: string, amount: string, deployment = 'a') =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-${deployment}`, kind, amount });
const build = (tenantIds: readonly string[], options: Parameters<typeof buildInvoices>[2] = {}) =>
  buildInvoices(world, tenantIds, options);
const list = () => listLateUsage(world.db, MONTH, { bounds: NO_BOUNDS });

async function closeMonth(requestId: string): Promise<void> {
  const { activities } = world;
  const payload = { requestId, actor: 'test' };
  await activities.acceptRequest({ month: MONTH, signal: 'run', payload, signalId: 'unused' });
  const pass = await activities.beginPass({ month: MONTH });
  await activities.finishPass({ month: MONTH, upToSeq: pass!.upToSeq });
}

/** The tenant's draft for the month after seals its usage, and is given up. */
async function abandonJune(tenantId: string): Promise<void> {
  const run = nextRun();
  const failure = { type: 'a_test', reason: 'a test' };
  const month = '2026-06';
  await build([tenantId], { month, stopAfter: 'openDrafts', run });
  await world.activities.recordParked({ month, tenantId, failure, owner: run.owner, upToSeq: 0 });
}

/** Events and exact total by state. */
function sums(
  places: readonly { readonly state: string; readonly events: string; readonly total: string }[],
) {
  return Object.fromEntries(
    [...Map.groupBy(places, ({ state }) => state)]
      .map(([state, own]) => {
        const sum = (field: 'events' | 'total') =>
          toDecimalString(sumDecimals(own.map((place) => new Decimal(place[field]))));
        return [state, [sum('events'), sum('total')]] as const;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function expectAgreement(): Promise<readonly LateUsage[]> {
  const entries = await list();
  const status = await readMonthEndStatus(world.db, MONTH);
  expect(status).toMatchObject({ balanced: true, imbalances: [] });
  const open = status.control_totals.usage.flatMap(({ places }) =>
    places.filter((place) => place.class === 'pending' || place.class === 'unbilled'),
  );
  const listed = sums(entries.flatMap(({ late }) => late));
  expect(listed).toEqual(sums(open));
  const reconciled = status.reconciliation.filter(({ state }) => state in listed);
  expect(sums(reconciled)).toEqual(listed);

  const stuck = entries.filter(({ action }) => action !== 'none');
  const [check] = await checkUnbilled(world.db, new Date('2026-06-15T00:00:00Z'), NO_BOUNDS);
  const [, named = '', more = '0'] =
    /automatically: (.*?)(?:; and (\d+) more)?$/.exec(check?.detail ?? '') ?? [];
  const shown = named === '' ? 0 : named.split('; ').length;
  expect(shown + Number(more)).toBe(stuck.length);
  return entries;
}

test('the listing, the control totals and doctor agree on a month with usage in every state', async () => {
  const { db } = world;
  const all = ['settled', 'late', 'paid', 'half', 'unknown', 'free', 'cut', 'corrected'];
  for (const tenantId of all) await seedTenant(db, tenantId);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO deployments (deployment_id, tenant_id) VALUES ('half-b', 'half')`);
  const away = { deploymentId: 'away-a', endsAt: `${MONTH}-01T00:00:00Z` };
  await seedTenant(db, 'away', [away]);
  await seedTenant(db, 'llm', [{ ...away, deploymentId: 'llm-a' }]);
  // They have nothing to bill when the month is closed.
  const empty = ['calm', 'gap', 'quiet'];
  const left = { planVersionId: 'flat-v1', endsAt: `${MONTH}-30T00:00:00Z` };
  for (const tenantId of empty) {
    await seedTenant(db, tenantId, [{ deploymentId: `${tenantId}-a`, ...left }]);
  }

  for (const tenantId of all) await use(tenantId, 'droplet_hours', '800');
  await use('settled', 'llm_usage', '12.5');
  await use('half', 'droplet_hours', '10', 'b');
  await use('unknown', 'gpu_hours', '7');
  await use('free', 'snapshots', '2');
  const wrong = await use('corrected', 'llm_usage', '500');
  await build([...all, ...empty]);
  await closeMonth('first');
  expect(await expectAgreement()).toMatchObject([
    { tenant_id: 'half', reason: 'no_subscription' },
    { tenant_id: 'unknown', reason: 'unpriced_kind' },
  ]);

  // Usage and subscriptions that arrive after the close.
  await use('late', 'droplet_hours', '100');
  await use('late', 'llm_usage', '80');
  const [paid] = await invoicesOf(db, 'paid');
  await settleInvoice(world, paid!);
  await use('paid', 'droplet_hours', '50');
  await use('settled', 'llm_usage', '40');
  await use('cut', 'llm_usage', '70');
  await build(['cut'], { month: '2026-06', stopAfter: 'openDrafts' });
  await use('away', 'droplet_hours', '3');
  await use('llm', 'llm_usage', '90');
  await seedTenant(db, 'fresh');
  await use('fresh', 'droplet_hours', '900');
  await use('quiet', 'droplet_hours', '30');
  await use('gap', 'llm_usage', '60');
  await abandonJune('gap');
  const poison = await use('calm', 'llm_usage', '5');
  for (const eventId of [wrong, poison]) {
    await excludeEvent(db, { source: 'llm', eventId, actor: 'a', reason: 'a test' });
  }
  const entries = await expectAgreement();
  expect(
    entries.map(({ tenant_id, reason, action, would_add_cents: cents }) => [
      tenant_id,
      reason,
      action,
      cents,
    ]),
  ).toEqual([
    ['corrected', 'needs_re_run', 're_run', -550],
    ['late', 'needs_re_run', 're_run', 220 + 88],
    ['paid', 'needs_re_run', 're_run', 110],
    ['away', 'tenant_not_due', 'give_subscription', null],
    ['half', 'no_subscription', 'give_subscription', null],
    ['cut', 'in_draft', 'run_month', 77],
    ['fresh', 'not_yet_invoiced', 'run_month', 5500 + 343],
    ['gap', 'not_yet_invoiced', 'run_month', 66],
    ['llm', 'not_yet_invoiced', 'run_month', 99],
    ['quiet', 'not_yet_invoiced', 'run_month', 66],
    ['unknown', 'unpriced_kind', 'change_plan', null],
    ['settled', 'next_invoice', 'none', 44],
  ]);
  const { due_tenants, outcomes, not_looked_at, to_do, to_invoice } = await readMonthEndStatus(
    db,
    MONTH,
  );
  expect({ due_tenants, not_looked_at }).toEqual({ due_tenants: 13, not_looked_at: 4 });
  // Usage that was excluded is nothing to bill either.
  expect(outcomes).toMatchObject({ nothing_to_bill: 1 });
  expect(to_do).toEqual([
    `4 due tenants have no outcome yet: run ${MONTH} again (month-end start ${MONTH})`,
  ]);
  expect(to_invoice.map(({ tenant_id }) => tenant_id)).toEqual(['fresh', 'gap', 'llm', 'quiet']);

  // The printed actions, as far as a month end carries them out.
  await build(['fresh', 'gap', 'llm', 'quiet']);
  await build(['cut', 'settled'], { month: '2026-06' });
  await closeMonth('second');
  expect(await readMonthEndStatus(db, MONTH)).toMatchObject({ not_looked_at: 0, to_do: [] });
  const unbilled = await expectAgreement();
  expect(unbilled.map(({ tenant_id }) => tenant_id)).toEqual([
    'corrected',
    'late',
    'paid',
    'away',
    'half',
    'unknown',
  ]);
});
