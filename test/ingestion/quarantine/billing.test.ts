import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMonthEndStatus } from '../../../src/db/month-end/month-end-status.ts';
import { openDatabase, type Database } from '../../../src/db/pool.ts';
import { releaseCured } from '../../../src/ingestion/quarantine/release-cured.ts';
import { ANY_TIME } from '../../_util/any-time.ts';
import { expectSoundBooks, invoicesOf, linesOf } from '../../_util/books.ts';
import { buildInvoices } from '../../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant } from '../../_util/seed.ts';
import { addDeployment, ledgerOf, send } from './_held.ts';

let world: LedgerWorld;
let apiDb: Database;
let workerDb: Database;
beforeAll(async () => {
  world = await createLedgerWorld();
  const open = (url: string) => openDatabase({ url, maxConnections: 4, applicationName: 'test' });
  apiDb = await open(world.testDatabase.apiUrl);
  workerDb = await open(world.testDatabase.workerUrl);
  await seedCatalogue(world.db);
});
afterAll(async () => {
  await Promise.all([apiDb.end(), workerDb.end()]);
  await world[Symbol.asyncDispose]();
});

const sweep = () => releaseCured(workerDb, { now: new Date(), timeBounds: ANY_TIME });

function eventOf(tenantId: string, id: string, chargeCents: string) {
  return {
    gateway_request_id: `litellm:${tenantId}:${id}`,
    tenant_id: tenantId,
    deployment_id: `${tenantId}-a`,
    model: 'large-2',
    occurred_at: `${MONTH}-30T12:00:00Z`,
    charge_cents: chargeCents,
    currency: 'AUD',
  };
}

async function llmLinesOf(tenantId: string, month: string) {
  const invoice = (await invoicesOf(world.db, tenantId)).find((each) => each.month === month);
  const lines = await linesOf(world.db, invoice!.invoiceId);
  return lines
    .filter(({ kind }) => kind === 'llm_usage')
    .map(({ qty, amountCents, description }) => ({ qty, amountCents, description }));
}

async function quarantinedIn(month: string) {
  return (await readMonthEndStatus(world.db, month)).quarantined;
}

test('usage of an unknown tenant becomes a line of its invoice, once the tenant exists', async () => {
  await send(apiDb, [eventOf('newco', '1', '120.4'), eventOf('newco', '2', '0.2')]);
  expect(await quarantinedIn(MONTH)).toEqual([
    { held_for: 'unknown_tenant', currency: 'AUD', events: 2, charge_cents: '120.6' },
  ]);
  expect(await quarantinedIn('2026-06')).toEqual([]);

  await seedTenant(world.db, 'newco');
  expect(await sweep()).toMatchObject({ released: 2 });
  expect(await quarantinedIn(MONTH)).toEqual([]);
  await buildInvoices(world, ['newco']);
  expect(await llmLinesOf('newco', MONTH)).toEqual([
    { qty: '2', amountCents: 121, description: expect.stringContaining('LLM usage') as string },
  ]);
  await expectSoundBooks(world.db);
});

test('usage that is released after its month was invoiced is late usage of the next invoice', async () => {
  await seedTenant(world.db, 'late', [{ deploymentId: 'late-other' }]);
  await send(apiDb, [eventOf('late', '1', '50')]);
  await buildInvoices(world, ['late']);
  expect(await llmLinesOf('late', MONTH)).toEqual([]);

  await addDeployment(world.db, 'late-a', 'late');
  expect(await sweep()).toMatchObject({ released: 1 });
  expect(await ledgerOf(world.db, 'late')).toEqual({ events: 1, total: '50' });
  const { reconciliation } = await readMonthEndStatus(world.db, MONTH);
  expect(reconciliation).toContainEqual(
    expect.objectContaining({ state: 'next_invoice', events: '1', total: '50' }),
  );

  await buildInvoices(world, ['late'], { month: '2026-06' });
  expect(await llmLinesOf('late', '2026-06')).toEqual([
    { qty: '1', amountCents: 50, description: expect.stringContaining(MONTH) as string },
  ]);
  await expectSoundBooks(world.db);
});
