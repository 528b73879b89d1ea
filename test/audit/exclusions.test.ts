import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { listEventsBehind, readLineUsage } from '../../src/db/usage/provenance.ts';
import { reconcile } from '../../src/db/month-end/reconciliation.ts';
import { periodOf } from '../_util/utc.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { createIngestion, type Ingestion } from '../../src/ingestion/ingestion.ts';
import { invoicesOf, linesOf, expectVerifiedWithoutRun } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { ANY_TIME } from '../_util/any-time.ts';

let world: LedgerWorld;
let ingestion: Ingestion;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
  ingestion = createIngestion({ db: world.db, now: () => new Date(), timeBounds: ANY_TIME });
});
afterAll(async () => {
  await expectVerifiedWithoutRun(world.db, MONTH);
  await ingestion.close();
  await world[Symbol.asyncDispose]();
});

let last = 0;
async function newTenant(): Promise<string> {
  const tenantId = `tenant-${(last += 1)}`;
  await seedTenant(world.db, tenantId);
  return tenantId;
}
const use = (tenantId: string, kind: string, amount: string) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });
const exclude = (source: 'llm' | 'metered', eventId: string, reason = 'poison') =>
  excludeEvent(world.db, { source, eventId, actor: 'olga', reason });
async function meter(tenantId: string, id: string, qty: string, replaces?: string) {
  const [result] = await ingestion.ingest('metered', [
    {
      record_id: id,
      tenant_id: tenantId,
      deployment_id: `${tenantId}-a`,
      resource_kind: 'llm_tokens',
      qty,
      occurred_at: `${MONTH}-10T00:00:00Z`,
      ...(replaces && { replaces }),
    },
  ]);
  return result;
}
async function lastLines(tenantId: string) {
  const invoice = (await invoicesOf(world.db, tenantId)).at(-1);
  return { invoice: invoice!, lines: await linesOf(world.db, invoice!.invoiceId) };
}

describe('an excluded event', () => {
  test('that is unbilled stays off invoices and stays visible', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '5');
    const poison = await use(tenantId, 'llm_usage', '999999');
    expect(await exclude('llm', poison)).toMatchObject({ exclusion: { still_billed_on: null } });

    await buildInvoices(world, [tenantId]);

    const { invoice, lines } = await lastLines(tenantId);
    expect(lines.find(({ kind }) => kind === 'llm_usage')).toMatchObject({
      qty: '1',
      amountCents: 5,
      meta: { exact_cents: '5' },
    });
    expect(await readLineUsage(world.db, invoice.invoiceId, 2)).toMatchObject({
      events: 1,
      excluded_events: 1,
      exact_sum: '5',
    });
    expect(
      await listEventsBehind(world.db, invoice.invoiceId, 2, { after: null, limit: 10 }),
    ).toMatchObject([
      { amount: '5', excluded: '0' },
      { amount: '999999', excluded: '999999' },
    ]);
    expect(await reconcile(world.db, periodOf(MONTH))).toContainEqual(
      expect.objectContaining({ source: 'llm', state: 'excluded' }),
    );
  });

  test('with a charge of 0 is no longer counted on the line', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '5');
    await exclude('llm', await use(tenantId, 'llm_usage', '0'));

    await buildInvoices(world, [tenantId]);

    const { invoice, lines } = await lastLines(tenantId);
    expect(lines.find(({ kind }) => kind === 'llm_usage')).toMatchObject({ qty: '1' });
    expect(await readLineUsage(world.db, invoice.invoiceId, 2)).toMatchObject({
      events: 1,
      excluded_events: 1,
    });
    expect(
      await listEventsBehind(world.db, invoice.invoiceId, 2, { after: null, limit: 10 }),
    ).toMatchObject([{ is_excluded: false }, { is_excluded: true }]);
  });

  test('that parked its tenant no longer prevents the invoice', async () => {
    const tenantId = await newTenant();
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push(await use(tenantId, 'llm_usage', '999999999999'));
    // A single line may be this large; with GST and another hundred the total may not.
    await buildInvoices(world, [tenantId], { stopAfter: 'pullLlmUsage' });
    for (const id of ids) await exclude('llm', id);

    await buildInvoices(world, [tenantId]);

    const { lines } = await lastLines(tenantId);
    expect(lines.map(({ kind }) => kind)).toEqual(['plan_base', 'tax']);
  });

  test('stays billed until the rerun, and stays excluded in later revisions', async () => {
    const tenantId = await newTenant();
    const poison = await use(tenantId, 'llm_usage', '100');
    await use(tenantId, 'llm_usage', '1');
    await buildInvoices(world, [tenantId]);
    await exclude('llm', poison);
    // An interrupted rerun does not count.
    await forceInvoices(world, [tenantId]);
    await forceInvoices(world, [tenantId]);

    const amounts = [];
    for (const { invoiceId } of await invoicesOf(world.db, tenantId)) {
      const lines = await linesOf(world.db, invoiceId);
      amounts.push(lines.find(({ kind }) => kind === 'llm_usage')?.amountCents);
    }
    expect(amounts).toEqual([101, 1, 1]);
  });

  test('is excluded once and keeps the first reason', async () => {
    const tenantId = await newTenant();
    const id = await use(tenantId, 'llm_usage', '100');
    await exclude('llm', id, 'first');
    expect(await exclude('llm', id, 'second')).toMatchObject({
      isNew: false,
      exclusion: { reason: 'first' },
    });
    expect(await exclude('metered', id)).toEqual({ outcome: 'unknown' });
  });
});

describe('an excluded metered record', () => {
  test('also excludes the records it replaced, and can no longer be corrected', async () => {
    const tenantId = await newTenant();
    const [first, second] = [`${tenantId}-r1`, `${tenantId}-r2`];
    await meter(tenantId, first, '9000000');
    await buildInvoices(world, [tenantId]);
    await meter(tenantId, second, '5000000', first);

    expect(await exclude('metered', first)).toMatchObject({
      outcome: 'refused',
      reason: `record ${first} was replaced by ${second}: exclude that one`,
    });
    expect(await exclude('metered', second)).toMatchObject({ exclusion: { amount: '5000000' } });
    expect(await meter(tenantId, `${tenantId}-r3`, '1', second)).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('was excluded from billing'),
    });

    await forceInvoices(world, [tenantId]);
    const { lines } = await lastLines(tenantId);
    expect(lines.map(({ kind }) => kind)).toEqual(['plan_base', 'tax']);
  });

  test('and a concurrent correction of it: one of the two is rejected', async () => {
    for (let n = 0; n < 10; n += 1) {
      const tenantId = await newTenant();
      const id = `${tenantId}-r1`;
      await meter(tenantId, id, '9000000');
      const [excluded, corrected] = await Promise.all([
        exclude('metered', id),
        meter(tenantId, `${tenantId}-r2`, '1', id),
      ]);
      expect([excluded.outcome, corrected?.status]).toBeOneOf([
        ['excluded', 'rejected'],
        ['refused', 'accepted'],
      ]);
    }
  });
});
