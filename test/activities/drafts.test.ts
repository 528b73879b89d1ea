import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { previewMonth } from '../../src/audit/preview.ts';
import type { DraftToQuote } from '../../src/contracts/activity-types.ts';
import type { DraftRef, TenantResult } from '../../src/contracts/month-end-types.ts';
import { sql } from '../../src/db/sql.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { reconcile } from '../../src/db/month-end/reconciliation.ts';
import { periodOf } from '../_util/utc.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { expectSoundBooks, invoicesOf, linesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
});
afterEach(() => world[Symbol.asyncDispose]());

const month = MONTH;
const usage = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage' };

/** Runs start one after the other, in the order of their numbers. */
function startOf(owner: string): string {
  return new Date(Date.UTC(2026, 5, 1) + Number(owner.replace('run-', '')) * 1000).toISOString();
}
async function open(
  owner: string,
  { tenantIds = ['acme'], inMonth = month } = {},
): Promise<readonly DraftRef[]> {
  const { drafts } = await world.activities.openDrafts({
    month: inMonth,
    tenantIds,
    owner,
    ownerStartedAt: startOf(owner),
  });
  return drafts;
}
async function fill(owner: string, drafts: readonly DraftRef[], inMonth = month) {
  const input = { month: inMonth, drafts, owner };
  await world.activities.quoteSubscriptions(input);
  return world.activities.pullLlmUsage(input);
}
async function persist(
  owner: string,
  drafts: readonly DraftRef[],
  inMonth = month,
): Promise<TenantResult[]> {
  const input = { month: inMonth, drafts, owner };
  const { results } = await world.activities.persistInvoices(input);
  return [...results];
}
async function build(owner: string, inMonth = month): Promise<TenantResult[]> {
  const drafts = await open(owner, { inMonth });
  await fill(owner, drafts, inMonth);
  return persist(owner, drafts, inMonth);
}
/** A forced request for acme. */
function force(requestId = 'f1') {
  return world.activities.acceptRequest({
    month,
    signal: 'forceReRun',
    payload: { tenantIds: ['acme'], reason: 'x', requestId },
    signalId: 'unused',
  });
}

describe('drafts', () => {
  test('two workers on one draft issue one invoice with each line once', async () => {
    await seedUsage(world.db, { ...usage, amount: '5' });
    const [drafts] = await Promise.all([open('run-1'), open('run-1'), open('run-1')]);
    await Promise.all([fill('run-1', drafts), fill('run-1', drafts), fill('run-1', drafts)]);

    const results = await Promise.all([persist('run-1', drafts), persist('run-1', drafts)]);

    expect(results.flat()).toMatchObject([{ outcome: 'rolled' }, { outcome: 'rolled' }]);
    const invoices = await invoicesOf(world.db);
    expect(invoices).toHaveLength(1);
    expect(await linesOf(world.db, invoices[0]!.invoiceId)).toHaveLength(3);
    await expectSoundBooks(world.db);
  });

  test('50 concurrent runs issue one invoice', async () => {
    await seedUsage(world.db, { ...usage, amount: '5' });
    const runs = Array.from({ length: 50 }, (_, n) => `run-${n}`);

    const results = await Promise.all(
      runs.map((owner) => build(owner).catch((error: unknown) => [error])),
    );

    expect(await invoicesOf(world.db)).toMatchObject([{ status: 'issued', subtotalCents: 5005 }]);
    const outcomes = results.flat().map((result) => (result as TenantResult).outcome);
    expect(outcomes.filter((outcome) => outcome === 'rolled').length).toBeLessThanOrEqual(1);
    await expectSoundBooks(world.db);
  });

  test('a draft that another run has taken over can no longer be written or issued', async () => {
    await seedUsage(world.db, { ...usage, amount: '5' });
    const lost = await open('run-1');
    await fill('run-1', lost);
    const taken = await open('run-2');

    expect(await fill('run-1', lost)).toMatchObject({
      parked: [{ failure: { type: 'draft_lost' } }],
    });
    expect(await persist('run-1', lost)).toMatchObject([
      { outcome: 'parked', failure: { type: 'draft_lost' } },
    ]);

    await fill('run-2', taken);
    expect(await persist('run-2', taken)).toMatchObject([{ outcome: 'rolled' }]);
    // The draft of the run that took over bills what the lost draft had sealed.
    expect(await invoicesOf(world.db)).toMatchObject([{ subtotalCents: 5005 }]);
    await expectSoundBooks(world.db);
  });

  test('usage that arrives after the seal stays pending, also when steps are retried', async () => {
    await seedUsage(world.db, { ...usage, amount: '5' });
    const drafts = await open('run-1');
    await fill('run-1', drafts);
    await seedUsage(world.db, { ...usage, amount: '100' });
    expect(await open('run-1')).toEqual(drafts);
    await fill('run-1', drafts);

    await persist('run-1', drafts);

    expect(await invoicesOf(world.db)).toMatchObject([{ subtotalCents: 5005 }]);
    await expectSoundBooks(world.db);
  });

  test('a late attempt returns the invoice that its run has issued', async () => {
    const [first] = await build('run-1');
    const { settled, drafts } = await world.activities.openDrafts({
      month,
      tenantIds: ['acme'],
      owner: 'run-1',
      ownerStartedAt: startOf('run-1'),
    });
    expect(drafts).toEqual([]);
    expect(settled).toEqual([first]);
  });

  test('an invoice that is voided while its revision is being built stays', async () => {
    await build('run-1');
    const [invoice] = await invoicesOf(world.db);
    await force();
    const drafts = await open('run-2');
    await fill('run-2', drafts);
    await voidInvoice(world.db, {
      invoiceId: invoice!.invoiceId,
      actor: 'olga',
      reason: 'wrong',
    });

    expect(await persist('run-2', drafts)).toMatchObject([
      { outcome: 'skipped', invoiceId: invoice!.invoiceId },
    ]);
    expect(await invoicesOf(world.db)).toEqual([{ ...invoice, status: 'void' }]);
  });

  test("a permanent error fails at once with PostgreSQL's message", async () => {
    const drafts = await open('run-1');
    await fill('run-1', drafts);
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE tenants SET last_invoice_seq = 9223372036854775807`);

    await expect(persist('run-1', drafts)).rejects.toMatchObject({
      type: 'failed',
      nonRetryable: true,
      message: expect.stringMatching(/out of range/),
    });
    expect(await invoicesOf(world.db)).toEqual([]);
  });

  test('a late attempt of an earlier run takes nothing from a later run', async () => {
    const drafts = await open('run-2');
    const { settled } = await world.activities.openDrafts({
      month,
      tenantIds: ['acme'],
      owner: 'run-1',
      ownerStartedAt: startOf('run-1'),
    });
    expect(settled).toMatchObject([{ failure: { type: 'draft_lost' } }]);
    await fill('run-2', drafts);
    expect(await persist('run-2', drafts)).toMatchObject([{ outcome: 'rolled' }]);
  });

  test('a run that issued and then failed is recorded as rolled, not parked', async () => {
    const [built] = await build('run-1');
    const failure = { type: 'terminated', reason: 'by hand' };
    const parked = { month, upToSeq: 0, tenantId: 'acme', failure, owner: 'run-1' };
    expect(await world.activities.recordParked(parked)).toEqual({ outcome: 'rolled' });
    expect(await outcomesOf(world.db, month)).toMatchObject([{ outcome: 'rolled' }]);
    expect(built).toMatchObject({ outcome: 'rolled' });
  });

  test('parking a tenant keeps the draft of another run', async () => {
    const drafts = await open('run-2');
    await fill('run-2', drafts);
    const failure = { type: 'already_running', reason: 'not ours' };
    const tenant = { month, upToSeq: 0, tenantId: 'acme', failure };
    await world.activities.recordParked({ ...tenant, owner: null });
    await world.activities.recordParked({ ...tenant, owner: 'run-1' });
    expect(await persist('run-2', drafts)).toMatchObject([{ outcome: 'rolled' }]);
  });

  test.each(['before', 'after'] as const)(
    'a run that takes over serves the forced requests, also if the other run is parked %s the issue',
    async (when) => {
      await build('run-1');
      await force();
      const drafts = await open('run-3');
      await fill('run-3', drafts);
      const failure = { type: 'draft_lost', reason: 'a later run is building the invoice' };
      const park = () =>
        world.activities.recordParked({
          month,
          upToSeq: 9,
          tenantId: 'acme',
          failure,
          owner: 'run-2',
        });
      if (when === 'before') await park();
      expect(await persist('run-3', drafts)).toMatchObject([{ outcome: 'rolled' }]);
      if (when === 'after') await park();

      expect(await invoicesOf(world.db)).toMatchObject([
        { revision: 1, status: 'superseded' },
        { revision: 2, status: 'issued', requestId: 'f1', reason: 'x' },
      ]);
      expect(await outcomesOf(world.db, month)).toMatchObject([{ outcome: 'rolled' }]);
      expect(await force()).toMatchObject({ accepted: true, waiting: true, urgentTenantIds: [] });
    },
  );

  test('a parked request that is repeated stays with the draft that is being built for it', async () => {
    await build('run-1');
    await force();
    const drafts = await open('run-3');
    await fill('run-3', drafts);
    const failure = { type: 'terminated', reason: 'by hand' };
    const tenant = { month, upToSeq: 9, tenantId: 'acme', failure };
    // Another run of the tenant fails, and the operator retries at once.
    await world.activities.recordParked({ ...tenant, owner: 'run-2' });
    expect(await force()).toMatchObject({ waiting: true, urgentTenantIds: ['acme'] });

    expect(await persist('run-3', drafts)).toMatchObject([{ outcome: 'rolled' }]);
    await build('run-4');

    expect(await invoicesOf(world.db)).toMatchObject([
      { revision: 1, requestId: null },
      { revision: 2, requestId: 'f1', reason: 'x' },
    ]);
    expect(await force()).toMatchObject({ waiting: true, urgentTenantIds: [] });
  });

  test('a parked request that is repeated while its draft is abandoned is served by the next draft', async () => {
    await build('run-1');
    await force();
    await open('run-3');
    const failure = { type: 'terminated', reason: 'by hand' };
    const tenant = { month, upToSeq: 9, tenantId: 'acme', failure };
    await Promise.all([
      world.activities.recordParked({ ...tenant, owner: 'run-3' }),
      world.activities.recordParked({ ...tenant, owner: 'run-2' }).then(() => force()),
    ]);
    await force();
    await build('run-4');
    expect(await invoicesOf(world.db)).toMatchObject([
      { revision: 1, requestId: null },
      { revision: 2, requestId: 'f1', reason: 'x' },
    ]);
  });

  test('a request that is repeated while its draft is being built makes one revision', async () => {
    await build('run-1');
    await force();
    const drafts = await open('run-2');
    await fill('run-2', drafts);
    expect(await force()).toMatchObject({ waiting: true, urgentTenantIds: ['acme'] });
    await persist('run-2', drafts);
    await build('run-3');
    expect(await invoicesOf(world.db)).toMatchObject([
      { revision: 1 },
      { revision: 2, requestId: 'f1' },
    ]);
  });

  test('two requests for a tenant get one revision each, or share the first', async () => {
    await build('run-1');
    await force('f1');
    const drafts = await open('run-2');
    await fill('run-2', drafts);
    await force('f2');
    await persist('run-2', drafts);
    await force('f3');
    await build('run-3');
    expect(await invoicesOf(world.db)).toMatchObject([
      { revision: 1 },
      { revision: 2, requestId: 'f1' },
      { revision: 3, requestId: 'f2' },
    ]);
  });

  test('a draft is abandoned if a later run refuses its requests', async () => {
    await force();
    const drafts = await open('run-2');
    await fill('run-2', drafts);
    const subscriptionEnds = (at: string | null) =>
      world.db.query(sql.typeAlias('nothing')`UPDATE subscriptions SET ends_at = ${at}`);
    await subscriptionEnds('2026-05-01T00:00:00Z');
    expect(await open('run-3')).toEqual([]);
    await subscriptionEnds(null);

    expect(await persist('run-2', drafts)).toMatchObject([{ failure: { type: 'draft_lost' } }]);
    expect(await invoicesOf(world.db)).toEqual([]);
  });

  test('usage that an interrupted revision had sealed is not lost', async () => {
    await build('run-1');
    await seedUsage(world.db, { ...usage, amount: '700' });
    await force();
    await open('run-2');
    const stateOf = async () =>
      (await reconcile(world.db, periodOf(month))).map(({ state }) => state);
    expect(await stateOf()).toEqual(['in_draft']);

    // No request comes for May again; June is closed long after the run has ended.
    await asSuperuser(world.superuserUrl, (client) =>
      client.query("UPDATE invoice_drafts SET opened_at = now() - interval '2 days'"),
    );
    await build('run-3', '2026-06');
    expect((await invoicesOf(world.db)).at(-1)).toMatchObject({ subtotalCents: 5700 });
    await expectSoundBooks(world.db);
  });

  test('a pass that skips a tenant frees the usage that an interrupted revision had sealed', async () => {
    await build('run-1');
    await seedUsage(world.db, { ...usage, amount: '700' });
    await force();
    const failure = { type: 'terminated', reason: 'by hand' };
    // The run is parked first, and only then its late attempt commits.
    await world.activities.recordParked({
      month,
      upToSeq: 9,
      tenantId: 'acme',
      failure,
      owner: 'run-2',
    });
    await asSuperuser(world.superuserUrl, (client) =>
      client.query('UPDATE month_end_request_tenants SET outcome = NULL, reason = NULL'),
    );
    await open('run-2');
    await asSuperuser(world.superuserUrl, (client) =>
      client.query("UPDATE month_end_request_tenants SET outcome = 'parked', reason = 'x'"),
    );
    const passStartedAt = new Date(Date.now() + 60_000).toISOString();
    await world.activities.planPage({ month, passStartedAt, after: null, limit: 10 });
    await build('run-3', '2026-06');
    expect((await invoicesOf(world.db)).at(-1)).toMatchObject({ subtotalCents: 5700 });
    await expectSoundBooks(world.db);
  });

  test("a preview excludes usage that another month's draft has sealed", async () => {
    await seedUsage(world.db, { ...usage, amount: '700' });
    await open('run-1', { inMonth: '2026-06' });
    const totalOf = async () => {
      const totals: (number | null)[] = [];
      await previewMonth(world.db, month, {
        bounds: NO_BOUNDS,
        tenantIds: ['acme'],
        onTenant: ({ preview }) =>
          totals.push(preview.parked === null ? preview.subtotalCents : null),
      });
      return totals;
    };
    expect(await totalOf()).toEqual([5000]);

    await asSuperuser(world.superuserUrl, (client) =>
      client.query("UPDATE invoice_drafts SET opened_at = now() - interval '2 days'"),
    );
    expect(await totalOf()).toEqual([5700]);
    expect(await build('run-2')).toMatchObject([{ totalCents: 6270 }]);
  });

  test('a month that is not over is never billed', async () => {
    await expect(open('run-1', { inMonth: '2199-01' })).rejects.toMatchObject({
      type: 'month_not_over',
      nonRetryable: true,
    });
  });

  test('a subscription that ends between two attempts is billed in full, as in the first attempt', async () => {
    await seedTenant(world.db, 'shrinking', [
      { deploymentId: 'shrinking-a' },
      { deploymentId: 'shrinking-b' },
    ]);
    const drafts = await open('run-1', { tenantIds: ['shrinking'] });
    await fill('run-1', drafts);
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET ends_at = '2026-05-20T00:00:00Z' WHERE deployment_id = 'shrinking-b'`);
    await fill('run-1', drafts);
    expect(await persist('run-1', drafts)).toMatchObject([{ totalCents: 11_000 }]);
  });

  test('a request that is repeated during its pass is served by the next pass', async () => {
    await force();
    const pass = await world.activities.beginPass({ month });
    const failure = { type: 'terminated', reason: 'by hand' };
    const upToSeq = pass!.upToSeq;
    await world.activities.recordParked({ month, upToSeq, tenantId: 'acme', failure, owner: null });
    expect(await force()).toMatchObject({ accepted: true, waiting: true });
    await world.activities.finishPass({ month, upToSeq });
    expect(await world.activities.beginPass({ month })).toMatchObject({ requestIds: ['f1'] });
  });

  test('a forced tenant whose subscription is gone gets a revision without a charge', async () => {
    await build('run-1');
    await force();
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET ends_at = '2026-05-01T00:00:00Z'`);
    expect(await build('run-2')).toMatchObject([{ outcome: 'rolled', totalCents: 0 }]);
    expect(await outcomesOf(world.db, month)).toMatchObject([{ outcome: 'rolled' }]);
  });

  test('one tenant with bad data in a list does not affect the others', async () => {
    await seedTenant(world.db, 'bad', [{ deploymentId: 'bad-a', planVersionId: null }]);
    await seedTenant(world.db, 'globex');
    const tenantIds = ['acme', 'bad', 'globex'];
    const drafts = await open('run-1', { tenantIds });
    const { parked } = await world.activities.quoteSubscriptions({
      month,
      drafts,
      owner: 'run-1',
    });
    expect(parked).toMatchObject([{ tenantId: 'bad' }]);
    const good = drafts.filter(({ tenantId }) => tenantId !== 'bad');
    await world.activities.pullLlmUsage({ month, drafts: good, owner: 'run-1' });
    expect(await persist('run-1', good)).toMatchObject([
      { tenantId: 'acme', outcome: 'rolled' },
      { tenantId: 'globex', outcome: 'rolled' },
    ]);
    await expectSoundBooks(world.db);
  });

  test('a tenant with more subscriptions than one chunk is quoted completely', async () => {
    await seedTenant(
      world.db,
      'large',
      Array.from({ length: 1203 }, (_, n) => ({ deploymentId: `large-${n}` })),
    );
    const drafts = await open('run-1', { tenantIds: ['large'] });
    const input = { month, owner: 'run-1' };
    let calls = 0;
    for (let rest: readonly DraftToQuote[] = drafts; rest.length > 0; calls += 1) {
      rest = (await world.activities.quoteSubscriptions({ ...input, drafts: rest })).unfinished;
    }
    expect(calls).toBe(3);
    await world.activities.pullLlmUsage({ ...input, drafts });
    expect(await persist('run-1', drafts)).toMatchObject([{ totalCents: 1203 * 5500 }]);
  });
});
