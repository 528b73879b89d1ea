import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runningMonthOf, type RunningMonth } from '../../src/audit/running-month.ts';
import { recordItems } from '../../src/catalogue/record-items.ts';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { readInvoiceLines } from '../../src/db/invoices/invoices.ts';
import { openDatabase, type Database, type Queryable } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { insertAssignments, insertTreatments } from '../../src/db/tax/tax-data.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';
import { nextMonth, previousMonth } from '../../src/domain/period.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { createIngestion, type Ingestion } from '../../src/ingestion/ingestion.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { invoicesOf, type Invoice } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { release } from '../_util/releasing.ts';
import { MONTH, seedCatalogue, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';

const LAST = previousMonth(MONTH);
const LAST_INSTANT = new Date(`${MONTH}-31T23:59:59.999Z`);
const MIDDLE = new Date(`${MONTH}-17T00:00:00Z`);

let world: LedgerWorld;
/** With the API's rights. */
let apiDb: Database;
let ingestion: Ingestion;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS });
  const { apiUrl: url } = world.testDatabase;
  apiDb = await openDatabase({ url, maxConnections: 4, applicationName: 'test-running' });
  ingestion = createIngestion({ db: apiDb, now: () => new Date(), timeBounds: ANY_TIME });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  await apiDb.end();
  await world[Symbol.asyncDispose]();
});

let lastId = 0;
const nextId = () => (lastId += 1);

/** A tenant with two deployments, whose last month is invoiced. */
async function newTenant({ isLastInvoiced = true } = {}): Promise<string> {
  const tenantId = `tenant-${nextId()}`;
  const addons = [{ code: 'gb', resourceKind: 'spaces_gb_month', qty: '50', priceCents: 750 }];
  await seedTenant(world.db, tenantId, [
    { deploymentId: `${tenantId}-a`, addons },
    { deploymentId: `${tenantId}-b` },
  ]);
  if (isLastInvoiced) await buildInvoices(world, [tenantId], { month: LAST });
  return tenantId;
}

const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });

/** LLM requests that come in as a gateway sends them. @returns their ids */
async function request(
  tenantId: string,
  model: string,
  charges: readonly string[],
): Promise<readonly string[]> {
  const events = charges.map((charge_cents) => ({
    gateway_request_id: `request-${nextId()}`,
    ...{ tenant_id: tenantId, deployment_id: `${tenantId}-a`, model, charge_cents },
    occurred_at: `${MONTH}-10T12:00:00Z`,
  }));
  for (const { status } of await ingestion.ingest('llm', events)) expect(status).toBe('accepted');
  return events.map(({ gateway_request_id }) => gateway_request_id);
}

function record(tenantId: string, cents: number, month = MONTH, taxable = true) {
  const item = { item_id: `item-${nextId()}`, tenant_id: tenantId, month, description: 'Item' };
  return recordItems(world.db, [{ ...item, amount_cents: cents, taxable }], 'test');
}

async function running(
  tenantId: string,
  now = LAST_INSTANT,
  db: Queryable = apiDb,
): Promise<RunningMonth> {
  const found = await runningMonthOf(db, tenantId, now);
  if (found === null) throw new Error(`there is no tenant ${tenantId}`);
  return found;
}

/** Closes the month as the month end does. @returns the tenant's invoice */
async function close(tenantId: string): Promise<Invoice> {
  await buildInvoices(world, [tenantId]);
  const invoice = (await invoicesOf(world.db, tenantId)).find(({ month }) => month === MONTH);
  if (!invoice) throw new Error('there is no invoice');
  return invoice;
}

async function linesOf({ invoiceId }: Invoice): Promise<readonly PlacedLine[]> {
  const lines = (await readInvoiceLines(world.db, [invoiceId])).get(invoiceId) ?? [];
  return lines.map(({ ownerId: _ownerId, ...line }) => line);
}

const llmLines = ({ invoice }: RunningMonth) =>
  invoice?.lines
    .filter(({ kind }) => kind === 'llm_usage')
    .map(({ description, qty, amountCents }) => [description, qty, amountCents]);

describe('the last answer of a month', () => {
  test('is its invoice, to the line', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'droplet_hours', '800.123456789');
    await use(tenantId, 'spaces_gb_month', '170');
    await use(tenantId, 'coffee', '3');
    await request(tenantId, 'large', ['12.3456', '0.000000000001']);
    await request(tenantId, 'small', ['99.5']);
    const [excluded = ''] = await request(tenantId, 'wrong', ['5000']);
    const because = { actor: 'test', reason: 'a mistake' };
    await excludeEvent(world.db, { source: 'llm', eventId: excluded, ...because });
    await record(tenantId, 2000, MONTH, false);
    await record(tenantId, -5000, LAST);
    await record(tenantId, -500, MONTH, false);
    const treatment = { code: 'reduced', label: 'GST', rate: '0.05', note: null };
    await world.db.transaction(async (tx) => {
      await insertTreatments(tx, [treatment]);
      await insertAssignments(tx, [{ tenantId, from: MONTH, entry: 1, treatment: 'reduced' }]);
    });

    const { invoice, includesEarlierMonths, deployments } = await running(tenantId);
    const issued = await close(tenantId);
    expect(includesEarlierMonths).toBe(true);
    expect(invoice?.lines).toEqual(await linesOf(issued));
    const { subtotalCents, taxCents, totalCents } = issued;
    expect(invoice).toMatchObject({ subtotalCents, taxCents, totalCents });
    expect(deployments[0]?.llm).toMatchObject({
      requests: 3,
      exactCents: '111.845600000001',
      byModel: [
        { model: 'small', requests: 1, exactCents: '99.5' },
        { model: 'large', requests: 2, exactCents: '12.345600000001' },
      ],
    });
  });

  test('has late usage, charges and credits of earlier months as the invoice has', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '7', LAST);
    // Late metered usage waits for a forced rerun of its own month.
    await use(tenantId, 'droplet_hours', '5000', LAST);
    await use(tenantId, 'llm_usage', '3');
    await record(tenantId, 1000, LAST);
    const answer = await running(tenantId);
    expect(llmLines(answer)).toEqual([
      [`LLM usage, late for ${LAST}`, '1', 7],
      ['LLM usage', '1', 3],
    ]);
    expect(answer.llm).toMatchObject({ requests: 1, exactCents: '3' });
    expect(answer.invoice?.lines).toEqual(await linesOf(await close(tenantId)));
  });

  test('is followed by an empty month', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'droplet_hours', '800');
    await close(tenantId);
    const answer = await running(tenantId, new Date(`${nextMonth(MONTH)}-01T00:00:00Z`));
    expect(answer).toMatchObject({ elapsed: '0', includesEarlierMonths: true });
    expect(answer.period.month).toBe(nextMonth(MONTH));
    expect(answer.deployments[0]?.kinds[0]).toMatchObject({ used: '0', overage: '0' });
    // What the closed month's rerun would bill is not shown either.
    await use(tenantId, 'droplet_hours', '100');
    expect(await running(tenantId, new Date(answer.asOf))).toEqual(answer);
  });
});

describe('until the last month is invoiced', () => {
  test('its usage, charges and credits are not in the running month', async () => {
    const tenantId = await newTenant({ isLastInvoiced: false });
    await use(tenantId, 'llm_usage', '7', LAST);
    await use(tenantId, 'llm_usage', '3');
    await record(tenantId, 1000, LAST);
    await record(tenantId, 100);
    const before = await running(tenantId);
    expect(before.includesEarlierMonths).toBe(false);
    expect(llmLines(before)).toEqual([['LLM usage', '1', 3]]);
    // Two base prices, an addon, LLM usage, and the charge of this month.
    expect(before.invoice?.subtotalCents).toBe(10_000 + 750 + 3 + 100);

    await buildInvoices(world, [tenantId], { month: LAST });
    const after = await running(tenantId);
    expect(after).toEqual({ ...before, includesEarlierMonths: true });
    expect(after.invoice?.lines).toEqual(await linesOf(await close(tenantId)));
  });

  test('a tenant without anything in it is not affected', async () => {
    const tenantId = `tenant-${nextId()}`;
    const startsAt = `${MONTH}-10T00:00:00Z`;
    await seedTenant(world.db, tenantId, [{ deploymentId: `${tenantId}-a`, startsAt }]);
    const { includesEarlierMonths, invoice } = await running(tenantId);
    expect(includesEarlierMonths).toBe(true);
    expect(invoice?.lines.map(({ kind }) => kind)).toEqual(['plan_base', 'tax']);
  });
});

describe('under review', () => {
  test('nothing of the last month is seen before its release, not even by operators', async () => {
    await seedSeller(world.db, { release: 'review' });
    try {
      const tenantId = await newTenant({ isLastInvoiced: false });
      await record(tenantId, -15_000, LAST);
      await buildInvoices(world, [tenantId], { month: LAST });
      // Late for the invoice that waits; and of the credit, its lines of 107.50 took a part.
      await use(tenantId, 'llm_usage', '7', LAST);
      const both = async () => {
        const view = scopeToTenant(apiDb, tenantId);
        const own = await running(tenantId, LAST_INSTANT, view);
        expect(own).toEqual(await running(tenantId));
        return own;
      };
      const before = await both();
      expect(before).toMatchObject({ includesEarlierMonths: false });
      expect(before.invoice?.subtotalCents).toBe(10_750);
      expect(llmLines(before)).toEqual([]);

      await release(world.db, [tenantId], { month: LAST });
      const after = await both();
      expect(after).toMatchObject({ includesEarlierMonths: true });
      expect(llmLines(after)).toEqual([[`LLM usage, late for ${LAST}`, '1', 7]]);
      expect(after.invoice?.lines.find(({ kind }) => kind === 'item')?.amountCents).toBe(-4250);
    } finally {
      await seedSeller(world.db, { release: 'immediate' }, 2);
    }
  });
});

describe("in a tenant's scope", () => {
  test('the answer is the same as for an operator', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'droplet_hours', '800');
    await request(tenantId, 'large', ['1', '2']);
    await record(tenantId, 100);
    const own = await running(tenantId, MIDDLE, scopeToTenant(apiDb, tenantId));
    expect(own).toEqual(await running(tenantId, MIDDLE));
    expect(own.invoice?.lines).toHaveLength(7);
  });

  test('another tenant does not exist', async () => {
    const [own, other] = [await newTenant(), await newTenant()];
    expect(await runningMonthOf(scopeToTenant(apiDb, own), other, MIDDLE)).toBeNull();
    expect(await runningMonthOf(apiDb, 'nobody', MIDDLE)).toBeNull();
  });

  test("without any filter by tenant, no other tenant's rows are read", async () => {
    const [own, other] = [await newTenant(), await newTenant()];
    for (const tenantId of [own, other]) {
      await use(tenantId, 'droplet_hours', '800');
      await request(tenantId, 'large', ['1']);
      await record(tenantId, 100);
    }
    let changed = 0;
    const forgetful = interceptQueries(apiDb, (query) => {
      const text = query.sql
        .replaceAll(/\b[a-z]+\.tenant_id = ANY\(([^()]*)\)/g, '($1 IS NULL OR true)')
        .replaceAll(/\b[abe]\.tenant_id = (\$\w+)/g, '($1::text IS NULL OR true)');
      if (text !== query.sql) changed += 1;
      return { ...query, sql: text };
    });
    const expected = await running(own);
    expect(await running(own, LAST_INSTANT, scopeToTenant(forgetful, own))).toEqual(expected);
    expect(changed).toBe(2);
    // Which can fail: without the scope, the other tenant's rows are read too.
    expect(await running(own, LAST_INSTANT, forgetful)).not.toEqual(expected);
  });
});

describe.each([
  ['a pool', (db: Database) => db],
  ["a tenant's scope", (db: Database, tenantId: string) => scopeToTenant(db, tenantId)],
])('through %s', (_name, through) => {
  test('one snapshot is read, whatever arrives during the read', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'droplet_hours', '800');
    const before = await running(tenantId);
    let arrived = 0;
    // Slonik refuses queries of a pool within a transaction of another one.
    const outside = AsyncLocalStorage.snapshot();
    const busy = afterTenantIsRead(apiDb, () => outside(write));
    const write = async () => {
      arrived += 1;
      await use(tenantId, 'droplet_hours', '100');
      await world.db.query(sql.typeAlias('nothing')`
        UPDATE subscriptions SET ends_at = ${`${MONTH}-02T00:00:00Z`} WHERE tenant_id = ${tenantId}`);
    };
    expect(await running(tenantId, LAST_INSTANT, through(busy, tenantId))).toEqual(before);
    expect(arrived).toBe(1);
    expect(await running(tenantId)).not.toEqual(before);
  });
});

/** A database that others write to once a transaction has read its first row. */
function afterTenantIsRead(db: Database, write: () => Promise<void>): Database {
  const wrap = <T extends Queryable>(target: T): T =>
    new Proxy(target, {
      get(inner, name) {
        const member: unknown = Reflect.get(inner, name);
        if (typeof member !== 'function') return member;
        if (name === 'transaction') {
          return (work: (tx: Queryable) => Promise<unknown>) =>
            inner.transaction((tx) => work(wrap(tx)));
        }
        return async (...args: unknown[]): Promise<unknown> => {
          const result: unknown = await member.apply(inner, args);
          if (name === 'maybeOne') await write();
          return result;
        };
      },
    });
  return wrap(db);
}

test('what would park the tenant is a problem, and writes nothing', async () => {
  const tenantId = `tenant-${nextId()}`;
  const deployments = [{ deploymentId: `${tenantId}-a`, planVersionId: null }];
  await seedTenant(world.db, tenantId, deployments);
  await use(tenantId, 'droplet_hours', '5');
  const rows = () =>
    world.db.oneFirst(sql.type(z.object({ rows: z.number() }))`
      SELECT (SELECT count(*) FROM invoice_drafts) + (SELECT count(*) FROM usage_buckets) AS rows`);
  const before = await rows();
  expect(await running(tenantId)).toMatchObject({
    invoice: null,
    projection: null,
    problem: { code: 'missing_plan_version' },
    deployments: [{ kinds: [{ resourceKind: 'droplet_hours', used: '5', allowance: null }] }],
  });
  expect(await rows()).toBe(before);
});

test('a month of another time zone begins and ends at its local midnight', async () => {
  await using sydney = await createLedgerWorld();
  await setTimeZone(sydney.db, 'Australia/Sydney');
  await seedCatalogue(sydney.db);
  await seedTenant(sydney.db, 'acme');
  const at = (instant: string) => running('acme', new Date(instant), sydney.db);
  expect((await at('2026-05-31T13:59:59.999Z')).period.month).toBe('2026-05');
  expect(await at('2026-05-31T14:00:00Z')).toMatchObject({
    period: { month: '2026-06', startsAt: '2026-05-31T14:00:00Z' },
    elapsed: '0',
  });
});
