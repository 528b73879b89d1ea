import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listLateUsage } from '../../src/audit/late-usage.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { recordPayments } from '../../src/db/invoices/payments.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { readControlTotals } from '../../src/db/month-end/read-control-totals.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { expectSoundBooks, expectVerifiedWithoutRun, invoicesOf, linesOf } from '../_util/books.ts';
import { acceptForce, buildInvoices, forceInvoices, nextRun } from '../_util/build.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { periodOf } from '../_util/utc.ts';
import { createWorld, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
});
afterAll(async () => {
  // Whatever the tests did, the books of both months add up.
  for (const month of [MONTH, '2026-06']) await expectVerifiedWithoutRun(world.db, month);
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

let lastTenant = 0;
/** A tenant whose month is invoiced, with LLM usage of 7 cents. */
async function invoiced(): Promise<string> {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  await seedTenant(world.db, tenantId);
  await use(tenantId, 'llm_usage', '7');
  await buildInvoices(world, [tenantId]);
  return tenantId;
}
const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });

async function voidOf(tenantId: string) {
  const last = (await invoicesOf(world.db, tenantId)).filter(({ month }) => month === MONTH).at(-1);
  const request = { invoiceId: last!.invoiceId, actor: 'olga', reason: 'wrong company' };
  return voidInvoice(world.db, request);
}
const statuses = async (tenantId: string) =>
  (await invoicesOf(world.db, tenantId)).map(
    ({ number, status }) => `${number.slice(-1)} ${status}`,
  );
const kindsOf = async (invoiceId: string) =>
  (await linesOf(world.db, invoiceId)).map(({ kind }) => kind);

describe('voiding an invoice', () => {
  test('is final, and repeating it changes nothing', async () => {
    const tenantId = await invoiced();
    expect(await voidOf(tenantId)).toEqual({ outcome: 'voided' });
    expect(await voidOf(tenantId)).toEqual({ outcome: 'unchanged' });
    expect(await statuses(tenantId)).toEqual(['1 void']);
    const unknown = { invoiceId: crypto.randomUUID(), actor: 'olga', reason: 'x' };
    expect(await voidInvoice(world.db, unknown)).toEqual({ outcome: 'unknown' });
  });

  test('is refused for a superseded invoice, and the refusal names its successor', async () => {
    const tenantId = await invoiced();
    await forceInvoices(world, [tenantId]);
    const [first] = await invoicesOf(world.db, tenantId);
    const request = { invoiceId: first!.invoiceId, actor: 'olga', reason: 'x' };
    expect(await voidInvoice(world.db, request)).toEqual({
      outcome: 'replaced',
      reason: `invoice ${tenantId}-000001 was replaced by ${tenantId}-000002: void that one`,
    });
  });

  test('makes ordinary runs skip the month, and the next month takes none of its usage', async () => {
    const tenantId = await invoiced();
    await voidOf(tenantId);
    expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'skipped' }]);
    await buildInvoices(world, [tenantId], { month: '2026-06' });
    const june = (await invoicesOf(world.db, tenantId)).at(-1)!;
    expect(await kindsOf(june.invoiceId)).toEqual(['plan_base', 'tax']);
  });

  test('lists its usage as pending, with the command that bills it', async () => {
    const tenantId = await invoiced();
    await voidOf(tenantId);
    const late = await listLateUsage(world.db, MONTH, { bounds: NO_BOUNDS });
    expect(late.filter(({ tenant_id }) => tenant_id === tenantId)).toMatchObject([
      {
        reason: 'voided',
        invoice: `${tenantId}-000001`,
        command: expect.stringContaining(`month-end force ${MONTH} --tenant ${tenantId} `),
        // The whole invoice: 50.07 and GST.
        would_add_cents: 5508,
      },
    ]);
    const { usage } = await readControlTotals(world.db, periodOf(MONTH));
    expect(usage.flatMap(({ places }) => places)).toContainEqual(
      expect.objectContaining({ state: 'voided', class: 'pending' }),
    );
  });
});

describe('a forced rerun that names the tenant', () => {
  test('issues the next revision, which takes over the usage, late usage and exclusions', async () => {
    const tenantId = await invoiced();
    const eventId = await use(tenantId, 'llm_usage', '1000');
    await forceInvoices(world, [tenantId]);
    await voidOf(tenantId);
    const exclusion = { source: 'llm', eventId, actor: 'olga', reason: 'sent twice' } as const;
    expect(await excludeEvent(world.db, exclusion)).toMatchObject({
      // A void invoice bills nothing.
      exclusion: { still_billed_on: null },
    });
    await use(tenantId, 'llm_usage', '3');

    expect(await forceInvoices(world, [tenantId])).toMatchObject([{ outcome: 'rolled' }]);

    const [, voided, next] = await invoicesOf(world.db, tenantId);
    expect(await statuses(tenantId)).toEqual(['1 superseded', '2 void', '3 issued']);
    expect(voided).toMatchObject({ supersededBy: next!.invoiceId });
    expect(next).toMatchObject({ revision: 3, replacesInvoiceId: voided!.invoiceId });
    const llm = (await linesOf(world.db, next!.invoiceId)).find(({ kind }) => kind === 'llm_usage');
    expect(llm).toMatchObject({ qty: '2', amountCents: 10 });
    // The month is an ordinary one again.
    expect(await forceInvoices(world, [tenantId])).toMatchObject([{ outcome: 'rolled' }]);
  });

  test('issues it even if nothing would change, and only once per request', async () => {
    const tenantId = await invoiced();
    await voidOf(tenantId);
    const request = { tenantIds: [tenantId], onlyIfChanged: true, requestId: `again-${tenantId}` };
    await acceptForce(world, request);
    const run = nextRun();
    expect(await buildInvoices(world, [tenantId], { run })).toMatchObject([{ outcome: 'rolled' }]);
    await acceptForce(world, request);
    expect(await buildInvoices(world, [tenantId], { run })).toMatchObject([{ outcome: 'rolled' }]);
    expect(await statuses(tenantId)).toEqual(['1 void', '2 issued']);
  });

  test('is compared with an earlier month, not with the void total', async () => {
    const tenantId = `tenant-${(lastTenant += 1)}`;
    await seedTenant(world.db, tenantId);
    await use(tenantId, 'llm_usage', '1000', '2026-04');
    await buildInvoices(world, [tenantId], { month: '2026-04' });
    const eventId = await use(tenantId, 'llm_usage', '54000');
    await buildInvoices(world, [tenantId]);
    await voidOf(tenantId);
    await excludeEvent(world.db, { source: 'llm', eventId, actor: 'olga', reason: 'in dollars' });
    // 55.00 is below a tenth of the void 649.00, but not of April's 66.00.
    expect(await forceInvoices(world, [tenantId])).toMatchObject([{ outcome: 'rolled' }]);
  });
});

test('a forced rerun of all tenants leaves a void month alone, and says how to bill it', async () => {
  const [voided, other] = [await invoiced(), await invoiced()];
  await voidOf(voided);
  const accepted = await acceptForce(world, { all: true });
  expect(accepted).toMatchObject({ accepted: true });
  const [skipped, rolled] = await buildInvoices(world, [voided, other]);
  expect([skipped?.outcome, rolled?.outcome]).toEqual(['skipped', 'rolled']);
  expect(await statuses(voided)).toEqual(['1 void']);

  // Also if it is voided after the request was accepted.
  await acceptForce(world, { all: true });
  await voidOf(other);
  expect(await buildInvoices(world, [other])).toMatchObject([{ outcome: 'skipped' }]);
  expect(await statuses(other)).toEqual(['1 superseded', '2 void']);
});

describe('an invoice that is voided while its revision is being built', () => {
  test.each(['openDrafts', 'quoteSubscriptions', 'pullLlmUsage'] as const)(
    'after %s: the revision is refused with a reason, and a new request issues it',
    async (stopAfter) => {
      const tenantId = await invoiced();
      await acceptForce(world, { tenantIds: [tenantId] });
      const run = nextRun();
      await buildInvoices(world, [tenantId], { run, stopAfter });
      await voidOf(tenantId);
      const newer = await acceptForce(world, { tenantIds: [tenantId] });
      expect(newer).toMatchObject({ accepted: true });

      expect(await buildInvoices(world, [tenantId], { run })).toMatchObject([
        { outcome: 'skipped' },
      ]);
      expect(await statuses(tenantId)).toEqual(['1 void']);
      // The request that came after the void still waits, and is served by the next run.
      expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'rolled' }]);
      expect(await statuses(tenantId)).toEqual(['1 void', '2 issued']);
    },
  );

  test('voiding and issuing at the same time: one of them comes first, and the books add up', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const tenantId = await invoiced();
        await acceptForce(world, { tenantIds: [tenantId] });
        const run = nextRun();
        await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
        const [voided, [built]] = await Promise.all([
          voidOf(tenantId),
          buildInvoices(world, [tenantId], { run }),
        ]);
        return { voided: voided.outcome, built: built?.outcome, is: await statuses(tenantId) };
      }),
    );
    for (const outcome of outcomes) {
      expect([
        { voided: 'voided', built: 'skipped', is: ['1 void'] },
        { voided: 'replaced', built: 'rolled', is: ['1 superseded', '2 issued'] },
      ]).toContainEqual(outcome);
    }
  });
});

describe('a settled invoice', () => {
  const pay = async (tenantId: string, amountCents = 100) => {
    const [result] = await recordPayments(
      world.db,
      [
        {
          paymentId: `${tenantId} ${amountCents}`,
          invoiceNumber: `${tenantId}-000001`,
          amountCents,
          receivedOn: '2026-06-12',
          method: null,
          reference: null,
        },
      ],
      { actor: 'olga' },
    );
    return result?.status;
  };

  test('is never voided, even if its payment was reversed', async () => {
    const tenantId = await invoiced();
    expect(await pay(tenantId)).toBe('recorded');
    expect(await pay(tenantId, -100)).toBe('recorded');
    expect(await voidOf(tenantId)).toMatchObject({
      outcome: 'settled',
      reason: expect.stringContaining(`invoice ${tenantId}-000001 is settled`),
    });
    expect(await statuses(tenantId)).toEqual(['1 issued']);
  });

  test('has either a payment or is void, if both come at the same time', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const tenantId = await invoiced();
        const [voided, paid] = await Promise.all([voidOf(tenantId), pay(tenantId)]);
        return { voided: voided.outcome, paid };
      }),
    );
    for (const outcome of outcomes) {
      expect([
        { voided: 'voided', paid: 'rejected' },
        { voided: 'settled', paid: 'recorded' },
      ]).toContainEqual(outcome);
    }
  });

  test('with a payment, a void and a forced rerun at the same time: the books add up', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const tenantId = await invoiced();
        await use(tenantId, 'llm_usage', '100');
        await acceptForce(world, { tenantIds: [tenantId] });
        const run = nextRun();
        await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
        const [voided, paid, [built]] = await Promise.all([
          voidOf(tenantId),
          pay(tenantId),
          buildInvoices(world, [tenantId], { run }),
        ]);
        return { voided: voided.outcome, paid, built: built?.outcome };
      }),
    );
    for (const outcome of outcomes) {
      expect([
        { voided: 'voided', paid: 'rejected', built: 'skipped' },
        { voided: 'settled', paid: 'recorded', built: 'adjusted' },
        // The revision came first, and the payment counts for it.
        { voided: 'replaced', paid: 'recorded', built: 'rolled' },
      ]).toContainEqual(outcome);
    }
  });
});
