import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { previewMonth } from '../../src/audit/preview.ts';
import type { QuoteCursor } from '../../src/contracts/activities.ts';
import { sql } from '../../src/db/sql.ts';
import { asSuperuser } from '../../src/local/postgres-roles.ts';
import { expectSoundBooks, invoicesOf, linesOf } from '../_util/books.ts';
import { acceptForce, nextRun } from '../_util/build.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
});
afterEach(() => world[Symbol.asyncDispose]());

const build = (tenantIds: readonly string[], run = nextRun()) =>
  world.activities.invoiceTenants({ month: MONTH, tenantIds, ...run });

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

test('builds the invoices of several tenants, as previewed, and ties their usage', async () => {
  await seedThree();
  const previews = new Map<string, unknown>();
  await previewMonth(world.db, MONTH, {
    bounds: NO_BOUNDS,
    tenantIds: null,
    onTenant: ({ tenantId, preview }) =>
      previews.set(tenantId, preview.parked === null ? preview.lines : null),
  });

  const { results, unfinished } = await build(['acme', 'globex', 'initech']);

  expect(unfinished).toEqual([]);
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

test('tried again after its commit, it reports the same and issues nothing', async () => {
  await seedThree();
  const run = nextRun();
  const first = await build(['acme', 'globex'], run);

  expect(await build(['acme', 'globex'], run)).toEqual(first);
  expect(await invoicesOf(world.db)).toHaveLength(2);
});

test('bad data parks its own tenant and nobody else', async () => {
  await seedThree();
  await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);

  const { results } = await build(['acme', 'planless', 'nobody']);

  expect(results).toMatchObject([
    { tenantId: 'acme', outcome: 'rolled' },
    { tenantId: 'planless', outcome: 'parked', failure: { type: 'missing_plan_version' } },
  ]);
  expect(await invoicesOf(world.db)).toMatchObject([{ tenantId: 'acme' }]);
  await expectSoundBooks(world.db);
});

test('an error that the database makes of one tenant costs the others nothing', async () => {
  await seedThree();
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`
      CREATE FUNCTION refuse_globex() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no invoice for globex'; END $$;
      CREATE TRIGGER refuse_globex BEFORE INSERT ON invoices FOR EACH ROW
        WHEN (NEW.tenant_id = 'globex') EXECUTE FUNCTION refuse_globex()`),
  );

  const { results } = await build(['acme', 'globex', 'initech']);

  expect(results).toMatchObject([
    { tenantId: 'acme', outcome: 'rolled' },
    { tenantId: 'globex', outcome: 'parked', failure: { type: 'failed' } },
    { tenantId: 'initech', outcome: 'rolled' },
  ]);
  const [globex] = results.filter(({ tenantId }) => tenantId === 'globex');
  expect(JSON.stringify(globex)).toContain('no invoice for globex');
  // Alone, it is for its child to fail.
  await expect(build(['globex'])).rejects.toThrow('no invoice for globex');
});

test('a forced revision of one among several: replaced, unchanged, and left alone', async () => {
  await seedThree();
  await build(['acme', 'globex', 'initech']);
  await seedUsage(world.db, {
    tenantId: 'acme',
    deploymentId: 'acme-a',
    kind: 'llm_usage',
    amount: '7',
  });
  await acceptForce(world, { tenantIds: ['acme', 'globex'], onlyIfChanged: true });

  const { results } = await build(['acme', 'globex', 'initech']);

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

test('a large tenant is sealed first, and issued in a transaction of its own', async () => {
  await seedThree();
  await seedLarge('huge-corp', 501);

  const { results, unfinished } = await build(['acme', 'huge-corp']);

  expect(unfinished).toEqual([]);
  expect(results).toMatchObject([
    { tenantId: 'acme', outcome: 'rolled' },
    { tenantId: 'huge-corp', outcome: 'rolled' },
  ]);
  await expectLargeInvoice('huge-corp', 501);
  await expectSoundBooks(world.db);
});

test('a large tenant whose worker died after the first transaction is issued by the next try', async () => {
  await seedLarge('huge-corp', 501);
  const run = nextRun();
  const tenantIds = ['huge-corp'];
  const { drafts } = await world.activities.openDrafts({ month: MONTH, tenantIds, ...run });

  const { results } = await build(tenantIds, run);

  expect(results).toMatchObject([{ outcome: 'rolled', invoiceId: drafts[0]?.draftId }]);
  expect((await build(tenantIds, run)).results).toEqual(results);
  await expectLargeInvoice('huge-corp', 501);
});

test('a tenant that is too large for memory gets its draft, and the steps finish it', async () => {
  await seedThree();
  await seedLarge('huge-corp', 5_001);
  const run = nextRun();

  const { results, unfinished } = await build(['acme', 'huge-corp'], run);

  expect(results).toMatchObject([{ tenantId: 'acme', outcome: 'rolled' }]);
  expect(unfinished).toMatchObject([{ tenantId: 'huge-corp' }]);
  const input = { month: MONTH, drafts: unfinished, owner: run.owner };
  let after: QuoteCursor | null = null;
  let chunks = 0;
  do {
    const quoted = await world.activities.quoteSubscriptions({ ...input, after });
    expect(quoted.parked).toEqual([]);
    after = quoted.next;
    chunks += 1;
  } while (after !== null);
  expect(chunks).toBe(11);
  await world.activities.pullLlmUsage(input);
  await world.activities.persistInvoices(input);
  await expectLargeInvoice('huge-corp', 5_001);
  await expectSoundBooks(world.db);
});

/** A tenant with subscriptions of 5,000 cents each, and no usage. */
async function seedLarge(tenantId: string, subscriptions: number): Promise<void> {
  await seedTenant(world.db, tenantId, []);
  await world.db.query(sql.typeAlias('nothing')`
    WITH d AS (
      INSERT INTO deployments (deployment_id, tenant_id)
      SELECT ${tenantId} || '-' || n, ${tenantId} FROM generate_series(1, ${subscriptions}) n
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
