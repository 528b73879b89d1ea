import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { creditLine } from '../../src/db/invoices/credit.ts';
import { showRequest } from '../../src/db/month-end/request-views.ts';
import { DEFAULT_BOUNDS } from '../../src/domain/bounds.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import {
  expectSoundBooks,
  expectVerifiedWithoutRun,
  invoicesOf,
  notesOf,
  outcomesOf,
} from '../_util/books.ts';
import {
  acceptForce,
  buildInvoices,
  forceInvoices,
  nextRun,
  settleInvoice,
} from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { MONTH, seedCatalogue } from '../_util/seed.ts';
import * as settled from './_settled.ts';

/**
 * Requests and payments around the issue of an adjustment note, on the real PostgreSQL: repeated requests, retries of
 * a run, and payments that arrive while the month is rebuilt (docs/spec.md#adjustment-notes, docs/spec.md#settled).
 */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: DEFAULT_BOUNDS });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  // Whatever the tests did to the months, their books add up.
  await expectVerifiedWithoutRun(world.db, MONTH);
  await expectVerifiedWithoutRun(world.db, '2026-06');
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

const newTenant = () => settled.newTenant(world);
const use = (tenantId: string, kind: string, amount: string) =>
  settled.use(world, tenantId, kind, amount);
const settledTenant = () => settled.settledTenant(world);
const force = (tenantId: string) => forceInvoices(world, [tenantId]);

describe('one request', () => {
  test('makes one note, also if the workflow is reset or the request is sent again', async () => {
    const { tenantId } = await settledTenant();
    await use(tenantId, 'llm_usage', '200');
    const request = { tenantIds: [tenantId], requestId: `once-${tenantId}` };
    await acceptForce(world, request);
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_usage', '300');

    expect(await acceptForce(world, request)).toMatchObject({ accepted: true });
    expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'skipped' }]);
    expect(await notesOf(world.db, tenantId)).toHaveLength(1);
  });

  test('with the id of a credit is refused for the tenant of the credit, and serves the others', async () => {
    const requestId = 'taken';
    const { tenantId, invoice } = await settledTenant();
    const { tenantId: other } = await settledTenant();
    await creditLine(world.db, {
      ...{ documentId: invoice.invoiceId, lineNo: 1, amountCents: 10 },
      ...{ reason: 'outage', requestId, actor: 'olga' },
    });
    const tenantIds = [tenantId, other];
    for (const id of tenantIds) await use(id, 'llm_usage', '200');

    const reason = `request id ${requestId} was already used for a credit of tenant ${tenantId}: use another one`;
    expect(await acceptForce(world, { tenantIds, requestId })).toMatchObject({
      ...{ accepted: true, refusals: [reason], urgentTenantIds: [other] },
    });
    expect(await buildInvoices(world, tenantIds)).toMatchObject([
      { tenantId, outcome: 'skipped' },
      { tenantId: other, outcome: 'adjusted' },
    ]);
    expect(await showRequest(world.db, MONTH, requestId)).toMatchObject({
      tenants: [
        { tenant_id: tenantId, outcome: 'refused', reason },
        { tenant_id: other, outcome: 'adjusted' },
      ],
    });
    // In another month, the id is free.
    expect(await acceptForce(world, { tenantIds: [tenantId], requestId }, '2026-06')).toMatchObject(
      { accepted: true, refusals: [] },
    );
    expect(await buildInvoices(world, [tenantId], { month: '2026-06' })).toMatchObject([
      { outcome: 'rolled' },
    ]);
  });

  test('for all tenants is refused in the same way', async () => {
    const requestId = 'taken-by-all';
    const { tenantId, invoice } = await settledTenant();
    await creditLine(world.db, {
      ...{ documentId: invoice.invoiceId, lineNo: 1, amountCents: 10 },
      ...{ reason: 'outage', requestId, actor: 'olga' },
    });
    expect(await acceptForce(world, { all: true, requestId })).toMatchObject({
      accepted: true,
      refusals: [expect.stringContaining(`a credit of tenant ${tenantId}`)],
    });
  });

  test('has the same result for each attempt of the run, before and after its commit', async () => {
    const { tenantId, invoice } = await settledTenant();
    await use(tenantId, 'llm_usage', '200');
    await acceptForce(world, { tenantIds: [tenantId] });
    const run = nextRun();
    const { openDrafts, persistInvoices, recordParked } = world.activities;
    const input = { month: MONTH, tenantIds: [tenantId], ...run };
    const { drafts } = await openDrafts(input);
    expect(await openDrafts(input)).toEqual({ drafts, settled: [] });
    const results = await buildInvoices(world, [tenantId], { run });
    expect(results).toMatchObject([{ outcome: 'adjusted', totalCents: 220 }]);

    expect(await persistInvoices({ month: MONTH, drafts, owner: run.owner })).toMatchObject({
      results,
    });
    expect(await openDrafts(input)).toEqual({ drafts: [], settled: results });
    const failure = { type: 'timed_out', reason: 'the worker died' };
    const failed = { month: MONTH, tenantId, failure, owner: run.owner, upToSeq: 1_000_000 };
    expect(await recordParked(failed)).toEqual({ outcome: 'adjusted' });
    expect(await outcomesOf(world.db, MONTH)).toContainEqual(
      expect.objectContaining({ tenantId, outcome: 'adjusted', invoiceId: invoice.invoiceId }),
    );
    expect(await notesOf(world.db, tenantId)).toHaveLength(1);
  });

  test('serves a retry after a run that was cut off, with all of its usage', async () => {
    const { tenantId } = await settledTenant();
    await use(tenantId, 'llm_usage', '200');
    await acceptForce(world, { tenantIds: [tenantId] });
    await buildInvoices(world, [tenantId], { stopAfter: 'pullLlmUsage' });
    await use(tenantId, 'llm_usage', '300');
    expect(await buildInvoices(world, [tenantId])).toMatchObject([
      { outcome: 'adjusted', totalCents: 550 },
    ]);
  });
});

describe('a payment', () => {
  /** A tenant whose unpaid invoice is being rebuilt: only the issue is left. */
  async function aboutToIssue() {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_usage', '200');
    await acceptForce(world, { tenantIds: [tenantId] });
    const run = nextRun();
    await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
    return { tenantId, run };
  }

  test('between the draft and its issue makes a note of it', async () => {
    const { tenantId, run } = await aboutToIssue();
    await settleInvoice(world, (await invoicesOf(world.db, tenantId))[0]!);

    expect(await buildInvoices(world, [tenantId], { run })).toMatchObject([
      { outcome: 'adjusted', totalCents: 220 },
    ]);
    expect(await invoicesOf(world.db, tenantId)).toMatchObject([{ supersededBy: null }]);
  });

  test('that commits while the issue waits for the invoice makes a note of it', async () => {
    const { tenantId, run } = await aboutToIssue();
    const [invoice] = await invoicesOf(world.db, tenantId);

    const issuing = await asSuperuser(world.testDatabase.superuserUrl, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT FROM invoices WHERE invoice_id = $1 FOR UPDATE', [
        invoice!.invoiceId,
      ]);
      const waiting = buildInvoices(world, [tenantId], { run });
      await untilLockIsWaitedFor(world.testDatabase.superuserUrl, (sessions) => sessions > 0);
      await client.query(
        `INSERT INTO payments (payment_id, tenant_id, period_start, invoice_id, amount_cents, received_on, actor)
         SELECT 'while-issuing', tenant_id, period_start, invoice_id, 100, '2026-06-12', 'x'
         FROM invoices WHERE invoice_id = $1`,
        [invoice!.invoiceId],
      );
      await client.query('COMMIT');
      return waiting;
    });

    expect(issuing).toMatchObject([{ outcome: 'adjusted', totalCents: 220 }]);
  });

  test('after a revision was issued settles that one', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    expect(await force(tenantId)).toMatchObject([{ outcome: 'rolled' }]);
    const [, second] = await invoicesOf(world.db, tenantId);
    await settleInvoice(world, second!);
    await use(tenantId, 'llm_usage', '200');
    expect(await force(tenantId)).toMatchObject([
      { outcome: 'adjusted', invoiceId: second!.invoiceId },
    ]);
  });
});
