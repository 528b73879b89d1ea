import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { previewMonth } from '../../src/audit/preview.ts';
import type { DraftToQuote } from '../../src/contracts/activity-types.ts';
import { sql } from '../../src/db/sql.ts';
import { expectSoundBooks, invoicesOf, linesOf } from '../_util/books.ts';
import { acceptForce, buildInvoices, nextRun } from '../_util/build.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
});
afterEach(() => world[Symbol.asyncDispose]());

const build = (tenantIds: readonly string[], run = nextRun()) =>
  buildInvoices(world, tenantIds, { run });

async function seedThree(): Promise<void> {
  for (const tenantId of ['acme', 'globex', 'initech']) {
    await seedTenant(world.db, tenantId, [
      { deploymentId: `${tenantId}-b` },
      { deploymentId: `${tenantId}-a` },
    ]);
    const usage = { tenantId, deploymentId: `${tenantId}-a` };
    await seedUsage(world.db, { ...usage, kind: 'llm_usage', amount: '12.5' });
    await seedUsage(world.db, { ...usage, kind: 'llm_tokens', amount: '1500000' });
  }
}

test('builds the invoices of several tenants as previewed, and ties their usage to them', async () => {
  await seedThree();
  const previews = new Map<string, unknown>();
  await previewMonth(world.db, MONTH, {
    bounds: NO_BOUNDS,
    tenantIds: null,
    onTenant: ({ tenantId, preview }) =>
      previews.set(tenantId, preview.parked === null ? preview.lines : null),
  });

  const results = await build(['acme', 'globex', 'initech']);

  expect(results).toMatchObject([
    { tenantId: 'acme', outcome: 'rolled' },
    { tenantId: 'globex', outcome: 'rolled' },
    { tenantId: 'initech', outcome: 'rolled' },
  ]);
  for (const { tenantId, invoiceId } of await invoicesOf(world.db)) {
    const lines = await linesOf(world.db, invoiceId);
    expect(lines).toHaveLength(5);
    expect(previews.get(tenantId)).toMatchObject(
      lines.map(({ kind, amountCents }) => ({ kind, amountCents })),
    );
  }
  await expectSoundBooks(world.db);
});

test('persistInvoices retried after its commit returns the same result and issues nothing', async () => {
  await seedThree();
  const run = nextRun();
  const first = await build(['acme', 'globex'], run);

  expect(await build(['acme', 'globex'], run)).toEqual(first);
  expect(await invoicesOf(world.db)).toHaveLength(2);
});

test('bad data parks only its own tenant', async () => {
  await seedThree();
  await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);

  const results = await build(['acme', 'planless', 'nobody']);

  expect(results).toMatchObject([
    { tenantId: 'planless', outcome: 'parked', failure: { type: 'missing_plan_version' } },
    { tenantId: 'acme', outcome: 'rolled' },
  ]);
  expect(await invoicesOf(world.db)).toMatchObject([{ tenantId: 'acme' }]);
  await expectSoundBooks(world.db);
});

test('several forced tenants: one replaced, one unchanged, one skipped', async () => {
  await seedThree();
  await build(['acme', 'globex', 'initech']);
  await seedUsage(world.db, {
    tenantId: 'acme',
    deploymentId: 'acme-a',
    kind: 'llm_usage',
    amount: '7',
  });
  await acceptForce(world, { tenantIds: ['acme', 'globex'], onlyIfChanged: true });

  const results = await build(['acme', 'globex', 'initech']);

  expect(new Map(results.map(({ tenantId, outcome }) => [tenantId, outcome]))).toEqual(
    new Map([
      ['acme', 'rolled'],
      ['globex', 'unchanged'],
      ['initech', 'skipped'],
    ]),
  );
  expect(await invoicesOf(world.db, 'acme')).toMatchObject([
    { revision: 1, status: 'superseded' },
    { revision: 2, status: 'issued' },
  ]);
  await expectSoundBooks(world.db);
});

test('a tenant with more subscriptions than one chunk gets one invoice, together with other tenants', async () => {
  await seedThree();
  await seedLarge('huge-corp', 1_201);

  const results = await build(['acme', 'huge-corp', 'globex']);

  expect(results.map(({ outcome }) => outcome)).toEqual(['rolled', 'rolled', 'rolled']);
  await expectLargeInvoice('huge-corp', 1_201);
  await expectSoundBooks(world.db);
});

test('subscriptions that start and end between two attempts leave no gap and no duplicate', async () => {
  await seedLarge('huge-corp', 1_001);
  const run = nextRun();
  const [draft] = (
    await world.activities.openDrafts({ month: MONTH, tenantIds: ['huge-corp'], ...run })
  ).drafts;
  const quote = (drafts: readonly DraftToQuote[]) =>
    world.activities.quoteSubscriptions({ month: MONTH, drafts, owner: run.owner });
  const first = await quote([draft!]);
  // The worker died before it reported this; since then the tenant got more deployments, sorted before the first.
  await addDeployments('huge-corp', 'a-', 300);

  const second = await quote([draft!]);

  expect(second.unfinished).toEqual(first.unfinished);
  let rest = second.unfinished;
  while (rest.length > 0) rest = (await quote(rest)).unfinished;
  const input = { month: MONTH, drafts: [draft!], owner: run.owner };
  await world.activities.pullLlmUsage(input);
  await world.activities.persistInvoices(input);
  await expectLargeInvoice('huge-corp', 1_001);
});

test('a draft that lacks a step is never issued', async () => {
  await seedThree();
  for (const skipped of ['quoteSubscriptions', 'pullLlmUsage'] as const) {
    const run = nextRun();
    const opened = await world.activities.openDrafts({ month: MONTH, tenantIds: ['acme'], ...run });
    const input = { month: MONTH, drafts: opened.drafts, owner: run.owner };
    if (skipped !== 'quoteSubscriptions') await world.activities.quoteSubscriptions(input);
    if (skipped !== 'pullLlmUsage') await world.activities.pullLlmUsage(input);
    await expect(world.activities.persistInvoices(input)).rejects.toThrow('lacks a step');
  }
  expect(await invoicesOf(world.db)).toEqual([]);
});

test('a run whose draft was taken over writes nothing to it, at any step', async () => {
  await seedThree();
  const old = nextRun();
  const opened = await world.activities.openDrafts({ month: MONTH, tenantIds: ['acme'], ...old });
  const input = { month: MONTH, drafts: opened.drafts, owner: old.owner };
  await world.activities.quoteSubscriptions(input);
  await build(['acme']);

  const lost = [{ tenantId: 'acme', failure: { type: 'draft_lost' } }];
  expect(await world.activities.quoteSubscriptions(input)).toMatchObject({
    parked: lost,
    unfinished: [],
  });
  expect(await world.activities.pullLlmUsage(input)).toMatchObject({ parked: lost });
  expect(await world.activities.persistInvoices(input)).toMatchObject({ results: lost });
  expect(await chunksLeft()).toBe(0);
  await expectSoundBooks(world.db);
});

test('closed drafts leave no chunks', async () => {
  await seedThree();
  await build(['acme', 'globex']);
  await acceptForce(world, { tenantIds: ['acme'], onlyIfChanged: true });
  await build(['acme', 'initech']);
  expect(await chunksLeft()).toBe(0);
});

function chunksLeft(): Promise<number> {
  return world.db.oneFirst(
    sql.type(z.object({ n: z.number() }))`SELECT count(*) AS n FROM invoice_draft_chunks`,
  );
}

/** A tenant with subscriptions of 5,000 cents each, and no usage. */
async function seedLarge(tenantId: string, subscriptions: number): Promise<void> {
  await seedTenant(world.db, tenantId, []);
  await addDeployments(tenantId, `${tenantId}-`, subscriptions);
}

async function addDeployments(
  tenantId: string,
  prefix: string,
  subscriptions: number,
): Promise<void> {
  await world.db.query(sql.typeAlias('nothing')`
    WITH d AS (
      INSERT INTO deployments (deployment_id, tenant_id)
      SELECT ${prefix} || n, ${tenantId} FROM generate_series(1, ${subscriptions}) n
      RETURNING deployment_id
    )
    INSERT INTO subscriptions
      (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
    SELECT 'sub-' || deployment_id, ${tenantId}, deployment_id, 'studio-v1', '2025-01-01' FROM d`);
}

async function expectLargeInvoice(tenantId: string, subscriptions: number): Promise<void> {
  const [invoice] = await invoicesOf(world.db, tenantId);
  expect(invoice).toMatchObject({ subtotalCents: subscriptions * 5000 });
  expect(await linesOf(world.db, invoice!.invoiceId)).toHaveLength(subscriptions + 1);
}
