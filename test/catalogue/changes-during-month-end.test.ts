import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { applySubscriptionsFile } from '../../src/catalogue/apply-subscriptions.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, nextRun } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

const STARTS = '2025-01-01T00:00:00Z';
const ON_10_MAY = '2026-05-10T00:00:00Z';

interface SentTenant {
  readonly tenantId: string;
  readonly name?: string;
  readonly plan?: string;
  readonly endsAt: string | null;
}

/** Applies tenants with the subscription that `seedTenant` gave each of them, and returns the warnings. */
async function apply(...tenants: readonly SentTenant[]): Promise<readonly string[]> {
  const file = {
    tenants: tenants.map(({ tenantId, name = tenantId, plan = 'studio', endsAt }) => ({
      tenant_id: tenantId,
      name,
      currency: 'AUD',
      deployments: [
        {
          deployment_id: `${tenantId}-a`,
          subscriptions: [
            {
              subscription_id: `sub-${tenantId}-a`,
              plan: { code: plan, version: 1 },
              starts_at: STARTS,
              ends_at: endsAt,
            },
          ],
        },
      ],
    })),
  };
  const bytes = Buffer.from(JSON.stringify(file));
  const { warnings } = await applySubscriptionsFile(world.db, { name: 'feed.json', bytes });
  return warnings.map(({ message }) => message);
}

const commandsFor = (tenantId: string) =>
  `check it (month-end preview 2026-05 --tenant ${tenantId} --lines) and force a rerun ` +
  `(month-end force 2026-05 --tenant ${tenantId} --reason ...)`;

async function liveSubtotals(tenantId: string): Promise<readonly number[]> {
  const invoices = await invoicesOf(world.db, tenantId);
  return invoices
    .filter(({ status }) => status === 'issued')
    .map(({ subtotalCents }) => subtotalCents);
}

/**
 * Calls `work` while the rows that `statement` locks are locked. What it starts is returned in an object, because
 * promises would be awaited before the rows are released.
 */
function whileLocked<T extends object>(
  statement: string,
  work: (holder: pg.Client) => Promise<T>,
): Promise<T> {
  return asSuperuser(world.testDatabase.superuserUrl, async (holder) => {
    await holder.query('BEGIN');
    await holder.query(statement);
    const started = await work(holder);
    await holder.query('COMMIT');
    return started;
  });
}

/** Waits until so many transactions wait for locks. */
const waiting = (count: number) =>
  untilLockIsWaitedFor(world.testDatabase.superuserUrl, (sessions) => sessions === count);

test('a change between quote and issue warns, and the rerun that the warning names bills it', async () => {
  await seedTenant(world.db, 'quoted');
  const run = nextRun();
  await buildInvoices(world, ['quoted'], { run, stopAfter: 'quoteSubscriptions' });

  expect(await apply({ tenantId: 'quoted', endsAt: ON_10_MAY })).toEqual([
    'subscription sub-quoted-a may differ from what is being invoiced for 2026-05: once the invoice is issued, ' +
      `${commandsFor('quoted')} if it differs`,
  ]);

  await buildInvoices(world, ['quoted'], { run });
  expect(await liveSubtotals('quoted')).toEqual([5000]);
  await forceInvoices(world, ['quoted']);
  // 9 of 31 days.
  expect(await liveSubtotals('quoted')).toEqual([1452]);
});

test('a change waits for an invoice that is being issued, and its warning names the invoice', async () => {
  const tenantId = 'issued';
  await seedTenant(world.db, tenantId);
  const run = nextRun();
  await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
  const { activities } = world;
  const { drafts } = await activities.openDrafts({ month: MONTH, tenantIds: [tenantId], ...run });
  const { issuing, ending } = await whileLocked(
    `SELECT FROM tenants WHERE tenant_id = 'issued' FOR NO KEY UPDATE`,
    async () => {
      const issuing = activities.persistInvoices({ month: MONTH, drafts, owner: run.owner });
      await waiting(1);
      // The lock is granted in the order in which it was asked for.
      const ending = apply({ tenantId, endsAt: ON_10_MAY });
      await waiting(2);
      return { issuing, ending };
    },
  );
  expect((await issuing).results).toMatchObject([{ outcome: 'rolled' }]);
  expect(await ending).toEqual([
    `subscription sub-issued-a differs from what is invoiced for 2026-05 (issued-000001): ${commandsFor(tenantId)}`,
  ]);
});

test('a draft is opened after a change that is being applied, and bills it', async () => {
  const tenantId = 'changed';
  await seedTenant(world.db, tenantId);
  const { ending, building } = await whileLocked(
    // Stops the change once it has locked the tenant.
    `SELECT FROM subscriptions WHERE subscription_id = 'sub-changed-a' FOR UPDATE`,
    async () => {
      const ending = apply({ tenantId, endsAt: ON_10_MAY });
      await waiting(1);
      const building = buildInvoices(world, [tenantId]);
      await waiting(2);
      return { ending, building };
    },
  );
  expect(await ending).toEqual([]);
  expect(await building).toMatchObject([{ outcome: 'rolled' }]);
  expect(await liveSubtotals(tenantId)).toEqual([1452]);
});

test('a change after the month had nothing to bill for the tenant warns that it must be run again', async () => {
  // Without proration, a subscription that ended within the month costs nothing.
  const item = { resource_kind: 'gb', included_qty: '1' };
  const version = { version: 1, currency: 'AUD', base_price_cents: 5000, proration: 'none' };
  const plans = [{ code: 'whole', versions: [{ ...version, items: [item] }] }];
  const bytes = Buffer.from(JSON.stringify({ plans, addons: [] }));
  await applyCatalogueFile(world.db, { name: 'catalogue.json', bytes });
  const tenantId = 'nothing';
  const deploymentId = 'nothing-a';
  await seedTenant(world.db, tenantId, [
    { deploymentId, planVersionId: 'whole-v1', startsAt: STARTS, endsAt: ON_10_MAY },
  ]);
  expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'nothing_to_bill' }]);

  expect(await apply({ tenantId, plan: 'whole', endsAt: null })).toEqual([
    'subscription sub-nothing-a is in force in 2026-05, closed without an invoice for tenant nothing: ' +
      'run it again (month-end start 2026-05)',
  ]);
});

test('a file locks the tenants that it renames and those whose subscriptions change in one order', async () => {
  await seedTenant(world.db, 'order-1');
  await seedTenant(world.db, 'order-2');
  const { applied } = await whileLocked(
    `SELECT FROM tenants WHERE tenant_id = 'order-1' FOR NO KEY UPDATE`,
    async (holder) => {
      const applied = apply(
        { tenantId: 'order-2', endsAt: '2026-07-01T00:00:00Z' },
        { tenantId: 'order-1', name: 'another name', endsAt: null },
      );
      await waiting(1);
      // A month end that has the first of them gets the second.
      await holder.query(
        `SELECT FROM tenants WHERE tenant_id = 'order-2' FOR NO KEY UPDATE NOWAIT`,
      );
      return { applied };
    },
  );
  expect(await applied).toEqual([]);
});
