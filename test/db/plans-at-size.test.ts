import type { QuerySqlToken } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { NO_BOUNDS, DEFAULT_BOUNDS } from '../../src/domain/bounds.ts';
import { addMonths } from '../../src/domain/period.ts';
import { createActivities, type Activities } from '../../src/activities/create-activities.ts';
import { listLateUsage } from '../../src/audit/late-usage.ts';
import { previewMonth } from '../../src/audit/preview.ts';
import { runningMonthOf } from '../../src/audit/running-month.ts';
import { streamUsageCsv } from '../../src/audit/usage-csv.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { readCompositions } from '../../src/db/invoices/compositions.ts';
import { readDifference } from '../../src/db/invoices/invoice-difference.ts';
import { planVoid, voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { planCredit, readLeftToCredit } from '../../src/db/invoices/credit.ts';
import { listTenantBalances, readAging } from '../../src/db/invoices/balances.ts';
import { findDocument, isCreditGiven } from '../../src/db/invoices/credit-rows.ts';
import { countWaitingItems, listItems } from '../../src/db/invoices/item-views.ts';
import {
  countPayments,
  isPaymentRecorded,
  listPayments,
} from '../../src/db/invoices/payment-views.ts';
import { findDocuments } from '../../src/db/invoices/document-search.ts';
import { listTenantRows, TENANT_STATES } from '../../src/db/invoices/tenant-list.ts';
import {
  findInvoiceId,
  listInvoices,
  showInvoice,
  showInvoiceHeader,
} from '../../src/db/invoices/invoice-views.ts';
import { readInvoiceComparison } from '../../src/db/invoices/month-comparison.ts';
import {
  countQuarantined,
  listQuarantined,
  listUnpricedModels,
  readQuarantineGauges,
  showQuarantined,
} from '../../src/db/usage/quarantine-views.ts';
import { readMonthEndStatus } from '../../src/db/month-end/month-end-status.ts';
import {
  listMonthInvoices,
  listRevisions,
  listStanding,
} from '../../src/db/invoices/month-invoices.ts';
import { readMonthTotals } from '../../src/db/invoices/month-totals.ts';
import { firstMonth } from '../../src/db/month-end/closable-months.ts';
import { readLastPass } from '../../src/db/month-end/last-pass.ts';
import { sumUsage } from '../../src/db/month-end/usage-of-month.ts';
import {
  listMonths,
  listParkedTenants,
  readMonthOverview,
} from '../../src/db/month-end/month-views.ts';
import { listOutcomes } from '../../src/db/month-end/outcome-views.ts';
import { openDatabase, type Database, type Queryable } from '../../src/db/pool.ts';
import {
  findEventsBehind,
  listEventsBehind,
  readLineUsage,
} from '../../src/db/usage/provenance.ts';
import { listSortedEvents, sumLineByDay } from '../../src/db/usage/sorted-events.ts';
import { showRequest } from '../../src/db/month-end/request-views.ts';
import { sql } from '../../src/db/sql.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { acceptControlTotals } from '../../src/db/usage/accept-control-totals.ts';
import { compareControlTotals, countCompared } from '../../src/db/usage/compare-control-totals.ts';
import * as totals from '../../src/db/usage/control-totals.ts';
import { recordControlTotals } from '../../src/ingestion/record-control-totals.ts';
import {
  listThresholds,
  removeThreshold,
  setThreshold,
} from '../../src/db/usage/spend-thresholds.ts';
import { listMonthsWithUnbilledUsageOf } from '../../src/db/month-end/usage-places.ts';
import { listParkedMonths } from '../../src/db/month-end/parked-months.ts';
import { countLiveKeys } from '../../src/db/access/api-keys.ts';
import { listBuyerVersions } from '../../src/db/catalogue/buyer-details.ts';
import { listSubscriptions } from '../../src/db/catalogue/subscription-views.ts';
import { listTenantTax } from '../../src/db/tax/tax-views.ts';
import { countDeadDeliveries } from '../../src/db/webhooks/webhook-deliveries.ts';
import { listMonthsBefore } from '../../src/db/usage/usage-archive.ts';
import {
  listReadableMonths,
  listUsedDeployments,
  readUsageMonthState,
  readUsageVersion,
  sumUsageByDay,
} from '../../src/db/usage/usage-by-day.ts';
import {
  findBilling,
  findExcludedIds,
  listExclusions,
} from '../../src/db/usage/usage-exclusions.ts';
import { readMonthFacts } from '../../src/db/month-end/watchdog-facts.ts';
import { excludeEvent, planExclusion } from '../../src/ingestion/exclude-event.ts';
import { dismissQuarantined } from '../../src/ingestion/quarantine/dismiss-quarantined.ts';
import { hold } from '../../src/ingestion/quarantine/hold.ts';
import { releaseCured } from '../../src/ingestion/quarantine/release-cured.ts';
import { releaseQuarantined } from '../../src/ingestion/quarantine/release-quarantined.ts';
import { QUARANTINE_REASONS } from '../../src/domain/quarantine.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { acceptForce, buildInvoices } from '../_util/build.ts';
import { hasPlan, indexConditionsOf, planOf, wholeScansOf } from '../_util/explain.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { createLedgerWorld, ACTIVITY_DEPS, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { seedCatalogue } from '../_util/seed.ts';
import { MONTHS, writeYears } from './_years.ts';

/**
 * Each query that the product makes, on six years of books, is answered from an index: none reads a
 * table from end to end that grows with months.
 */

const GROWING = [
  'archived_usage_ids',
  'control_totals',
  'invoice_compositions',
  'invoice_digests',
  'invoice_drafts',
  'invoice_items',
  'invoice_lines',
  'invoice_usage',
  'invoices',
  'llm_usage_events',
  'metered_usage_records',
  'quarantined_events',
  'tenant_outcomes',
  'threshold_notices',
  'usage_buckets',
];
/** A partition has one month and is meant to be read whole: see `oneMonth`. */
const PARTITION = /^(?:llm|metered)_usage_archive_\d{4}_\d{2}$/;

let world: LedgerWorld;
const open: Database[] = [];
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  await writeYears(world.testDatabase.superuserUrl);
});
afterAll(async () => {
  await Promise.all(open.map((db) => db.end()));
  await world[Symbol.asyncDispose]();
});

async function openAs(url: string): Promise<Database> {
  const db = await openDatabase({ url, maxConnections: 3, applicationName: 'test-plans' });
  open.push(db);
  return db;
}

interface Uses {
  /** With the API's rights. */
  readonly api: Database;
  /** With the rights for a tenant's key. */
  readonly tenant: Queryable;
  /** With the CLI's rights. */
  readonly app: Database;
  readonly activities: Activities;
  /** With the worker's rights. */
  readonly worker: Database;
}

/** A line of LLM usage with several pages of events. */
async function someLine(month: string) {
  return world.db.one(sql.type(z.object({ invoiceId: z.string(), number: z.string() }))`
    SELECT invoice_id AS "invoiceId", number FROM invoices
    WHERE tenant_id = 't-7' AND period_start = ${`${month}-01`}
  `);
}

async function readLine(db: Queryable, month: string): Promise<void> {
  const { invoiceId } = await someLine(month);
  const calendar = await loadCalendar(db);
  for (const lineNo of [2, 3]) {
    expect(await readLineUsage(db, invoiceId, lineNo)).toMatchObject({ events: 3 });
    const page = await listEventsBehind(db, invoiceId, lineNo, { after: null, limit: 2 });
    const after = page.at(-1)?.event_id ?? '';
    expect(await listEventsBehind(db, invoiceId, lineNo, { after, limit: 2 })).toHaveLength(1);
    const filter = { order: 'largest', model: undefined } as const;
    const ids = await listSortedEvents(db, invoiceId, lineNo, filter, 1000);
    expect(await findEventsBehind(db, invoiceId, lineNo, ids)).toHaveLength(3);
    const line = { documentId: invoiceId, lineNo, month, resourceKind: 'x', currency: null };
    await sumLineByDay(db, calendar, line);
  }
  expect(await Array.fromAsync(streamUsageCsv(db, invoiceId, 3))).toHaveLength(2);
}

async function listAll(
  db: Queryable,
  filter: Parameters<typeof listInvoices>[1],
  reader: 'operator' | 'tenant',
) {
  const first = await listInvoices(db, filter, { after: null, limit: 10 }, reader);
  const after = first.at(-1) ?? null;
  expect(first).toHaveLength(10);
  await listInvoices(db, filter, { after, limit: 10 }, reader);
}

const eventOf = (month: string) => ({
  tenant_id: 't-7',
  deployment_id: 't-7-a',
  occurred_at: `${month}-10T00:00:00Z`,
});
const llmEvents = (month: string) =>
  Array.from({ length: 200 }, (_, n) => ({
    ...eventOf(month),
    gateway_request_id: `g-${n}`,
    model: 'm',
    charge_cents: '1',
  }));

/** A use, and the growing tables that it may read whole. */
const USES: Readonly<Record<string, (uses: Uses) => Promise<unknown>>> = {
  'month end: a tenant, from draft to invoice': ({ activities }) =>
    buildInvoices({ activities }, ['t-1', 't-2', 't-3'], { month: MONTHS.next }),
  'month end: a forced re-run': async ({ activities }) => {
    await acceptForce({ activities }, { tenantIds: ['t-4'] }, MONTHS.last);
    await buildInvoices({ activities }, ['t-4'], { month: MONTHS.last });
  },
  'month end: the pass': async ({ activities }) => {
    const month = MONTHS.last;
    const payload = {};
    await activities.acceptRequest({ month, signal: 'run', payload, signalId: 'again' });
    const pass = await activities.beginPass({ month });
    const { upToSeq = 0, startedAt: passStartedAt = '' } = pass ?? {};
    await activities.planPage({ month, passStartedAt, after: null, limit: 100 });
    await activities.planPage({ month, passStartedAt, after: 't-7', limit: 100 });
    await activities.finishPass({ month, upToSeq });
  },
  ingestion: async ({ api }) => {
    const ingestion = createIngestion({ db: api, now: () => new Date(), timeBounds: ANY_TIME });
    const record = { ...eventOf(MONTHS.next), resource_kind: 'droplet_hours', qty: '1' };
    await ingestion.ingest('llm', llmEvents(MONTHS.next));
    await ingestion.ingest('llm', llmEvents(MONTHS.next));
    await ingestion.ingest('metered', [
      { ...record, record_id: 'r-1' },
      { ...record, record_id: 'r-2', replaces: 'r-1' },
      { ...record, record_id: 'r-3', replaces: 'nobody' },
    ]);
    await ingestion.close();
  },
  'API: lists of invoices': async ({ api }) => {
    await listAll(api, {}, 'operator');
    await listAll(api, { periodStart: `${MONTHS.last}-01` }, 'operator');
    await listAll(api, { tenantId: 't-7' }, 'operator');
    await listAll(api, { tenantId: 't-7', includeSuperseded: true }, 'operator');
    await listAll(api, { status: 'issued' }, 'operator');
  },
  'API: an invoice': async ({ api }) => {
    const { invoiceId, number } = await someLine(MONTHS.last);
    expect(await findInvoiceId(api, number)).toBe(invoiceId);
    for (const name of [number, invoiceId, invoiceId.toUpperCase()]) {
      expect(await findDocument(api, name)).toMatchObject({ documentId: invoiceId });
    }
    await showInvoice(api, invoiceId);
    await readDifference(api, invoiceId);
    const header = await showInvoiceHeader(api, invoiceId);
    await readInvoiceComparison(api, header!);
    await readCompositions(api, [invoiceId]);
  },
  'API: the events behind a line': ({ api }) => readLine(api, MONTHS.last),
  'API: the events behind a line, from the archive': ({ api }) => readLine(api, MONTHS.first),
  "API: a tenant's key": async ({ tenant }) => {
    await listAll(tenant, { tenantId: 't-7' }, 'tenant');
    const { invoiceId } = await someLine(MONTHS.last);
    await showInvoice(tenant, invoiceId, 't-7');
    await readLine(tenant, MONTHS.last);
    await readLine(tenant, MONTHS.first);
  },
  'API: the running month': async ({ api, tenant }) => {
    const now = new Date(`${MONTHS.next}-20T00:00:00Z`);
    for (const db of [api, tenant]) {
      const running = await runningMonthOf(db, 't-7', now);
      expect(running?.deployments).toHaveLength(3);
    }
  },
  "a tenant's pages: usage by day": async ({ tenant }) => {
    const calendar = await loadCalendar(tenant);
    for (const month of [MONTHS.first, MONTHS.last]) {
      const usage = { tenantId: 't-7', month };
      const [deployment] = await listUsedDeployments(tenant, usage);
      expect(await sumUsageByDay(tenant, usage, calendar, deployment ?? '')).not.toEqual([]);
      expect(await readUsageVersion(tenant, usage)).not.toBe('0-0');
      expect(await readUsageMonthState(tenant, usage)).toMatchObject({ isExpired: false });
    }
    expect(await listReadableMonths(tenant, 't-7', 36)).toHaveLength(36);
    await listRevisions(tenant, { tenant_id: 't-7', period_start: `${MONTHS.last}-01` }, 'tenant');
  },
  'API: payments and balances': async ({ api, tenant }) => {
    const { number } = await someLine('2026-04');
    expect(await pay(api, number, 1)).toMatchObject({ status: 'recorded' });
    const page = { after: null, limit: 10 };
    const after = { recorded_at: new Date().toISOString(), payment_id: 'x' };
    await listPayments(api, {}, page);
    await listPayments(api, { invoiceNumber: number }, page);
    await listPayments(api, { tenantId: 't-7', periodStart: '2026-04-01' }, { after, limit: 10 });
    await listPayments(tenant, { tenantId: 't-7' }, page, 'tenant');
    await listInvoices(tenant, { tenantId: 't-7', overdue: true }, page, 'tenant');
    await listTenantBalances(api, ['t-7'], page);
    await listTenantBalances(tenant, ['t-7'], page);
    await readAging(api, `${MONTHS.last}-01`);
  },
  'API: invoices by what is owed': async ({ api }) => {
    await listInvoices(api, { paymentStatus: 'partly_paid' }, { after: null, limit: 10 });
    await listAll(api, { open: true }, 'operator');
    const after = { period_start: `${MONTHS.last}-01`, invoice_id: crypto.randomUUID() };
    await listInvoices(api, { overdue: true }, { after, limit: 10 });
  },
  'operator pages: what is owed by age': ({ api }) => readAging(api, null),
  'API: items that wait': async ({ api }) => {
    expect(await countWaitingItems(api, MONTHS.last)).toEqual({ items: 0, voided: 0 });
    await listItems(api, { state: 'waiting' }, { after: null, limit: 10 });
  },
  'daily notices': async ({ activities }) => {
    // Two tenants, far apart in the order, have paid nothing for six years.
    await asSuperuser(world.testDatabase.superuserUrl, async (client) => {
      await client.query('SET session_replication_role = replica');
      const late = `WHERE tenant_id IN ('t-10', 't-99') AND period_start <= '${MONTHS.last}-01'`;
      await client.query(`UPDATE invoices SET issued_on = issued_on - 60 ${late}`);
      await client.query(`UPDATE releases SET released_on = released_on - 60 ${late}`);
    });
    expect(await activities.sendDailyNotices()).toMatchObject({ overdueInvoices: 2 * 72 });
    expect(await activities.sendDailyNotices()).toMatchObject({ overdueInvoices: 0 });
  },
  'spend thresholds': async ({ api, tenant, activities }) => {
    const limit = { amountCents: 1, percentOfPlan: null };
    for (const tenantId of ['t-7', 't-8']) {
      await setThreshold(api, { tenantId, thresholdId: 'low', limit, actor: 'x' });
    }
    expect(await activities.sweepThresholds({ cursor: null })).toMatchObject({ reached: 2 });
    const page = { after: null, limit: 10 };
    await listThresholds(api, undefined, page);
    await listThresholds(api, undefined, {
      ...page,
      after: { tenant_id: 't-7', threshold_id: 'low' },
    });
    expect(await listThresholds(tenant, 't-7', page)).toHaveLength(1);
    await removeThreshold(tenant, { tenantId: 't-7', thresholdId: 'low', actor: 'x' });
  },
  'API: voiding, excluding': async ({ api }) => {
    const { invoiceId } = await someLine('2026-03');
    await voidInvoice(api, { invoiceId, actor: 'x', reason: 'x' });
    const ids = await world.db.any(sql.type(
      z.object({ source: z.enum(['llm', 'metered']), id: z.string() }),
    )`
      (SELECT 'llm' AS source, gateway_request_id AS id FROM llm_usage_events LIMIT 1) UNION ALL
      (SELECT 'llm', gateway_request_id FROM llm_usage_archive LIMIT 1) UNION ALL
      (SELECT 'metered', record_id FROM metered_usage_records LIMIT 1) UNION ALL
      (SELECT 'metered', record_id FROM metered_usage_archive LIMIT 1)`);
    for (const { source, id: eventId } of ids) {
      const request = { source, eventId, actor: 'x', reason: 'x' };
      expect(await excludeEvent(api, request)).toMatchObject({ outcome: 'excluded' });
    }
  },
  quarantine: async ({ api }) => {
    const page = { after: null, limit: 10 };
    await listQuarantined(api, {}, page);
    expect(await listQuarantined(api, { state: 'held' }, page)).toHaveLength(3);
    await listQuarantined(api, { state: 'held', heldFor: 'conflict' }, { after: 7, limit: 10 });
    await listQuarantined(api, { state: 'released', tenantId: 't-8' }, page);
    await showQuarantined(api, 7);
    expect(await countQuarantined(api)).toMatchObject([{ events: 3 }]);
    expect(await readQuarantineGauges(api)).toHaveLength(QUARANTINE_REASONS.length);
    await listUnpricedModels(api, 10);
    const by = { actor: 'x', reason: 'x' };
    expect(await releaseQuarantined(api, {}, by, { now: new Date() })).toMatchObject({
      still_held: [{ held_for: 'malformed', events: 3 }],
    });
    await dismissQuarantined(api, { heldFor: 'malformed', tenantId: 't-7' }, by);
    const held = { sourceId: 'new', reason: 'malformed', detail: 'x', fields: {} } as const;
    expect(await hold(api, null, [held, { ...held, sourceId: 'newer' }])).toBe(2);
  },
  'quarantine: what the sweep finds': ({ app }) => releaseCured(app, { now: new Date() }),
  'API and CLI: control totals': async ({ api }) => {
    const calendar = await loadCalendar(api);
    const period = calendar.periodOf(MONTHS.last);
    const page = { after: null, limit: 10 };
    const after = { tenant_id: 't-7', day: `${MONTHS.last}-02`, deployment_id: 't-7-a' };
    expect(await totals.listTotals(api, period, {}, page)).toHaveLength(10);
    expect(
      await totals.listTotals(api, period, { tenantId: 't-7' }, { after, limit: 10 }),
    ).toHaveLength(2);
    expect(await totals.listRevisions(api, 't-7-a', `${MONTHS.last}-02`)).toHaveLength(1);
    await countCompared(api, period);
    for (const month of [MONTHS.first, MONTHS.last]) {
      const first = await compareControlTotals(api, calendar, month, {}, page);
      expect(new Set(first.map(({ state }) => state))).toEqual(new Set(['different']));
      await compareControlTotals(api, calendar, month, {}, { after: first[9] ?? null, limit: 10 });
    }
    expect(await totals.findTenantsWithTotals(api, ['t-7', 'nobody'])).toEqual(new Set(['t-7']));
    const asked = { month: MONTHS.last, tenantId: 't-7', actor: 'x', reason: 'x' };
    expect(await acceptControlTotals(api, calendar, asked)).toMatchObject({ stillDifferent: 0 });
    const { tenant_id, deployment_id } = after;
    const total = { tenant_id, deployment_id, day: `${MONTHS.last}-03` };
    const stating = { actor: 'x', now: () => new Date() };
    await recordControlTotals(api, [{ ...total, requests: 1, charge_cents: '1' }], stating);
  },
  'month end: tenants with control totals': async ({ worker }) => {
    const activities = createActivities({ ...ACTIVITY_DEPS, db: worker, controlTotals: 'park' });
    const parked = await buildInvoices({ activities }, ['t-5', 't-6'], { month: MONTHS.next });
    expect(parked.map(({ outcome }) => outcome)).toEqual(['parked', 'parked']);
  },
  'operator pages: months': async ({ api }) => {
    await listMonths(api, { after: null, limit: 12 });
    await listMonths(api, { after: MONTHS.last, limit: 12 });
  },
  'operator pages: a month': async ({ api }) => {
    await readMonthOverview(api, MONTHS.last);
    await readMonthTotals(api, { from: addMonths(MONTHS.last, -11), to: MONTHS.last });
    await readLastPass(api, MONTHS.last);
    await listParkedTenants(api, MONTHS.last, { after: null, limit: 20 });
    await listParkedTenants(api, MONTHS.last, { after: 't-7', limit: 20 });
    const period = (await loadCalendar(api)).periodOf(MONTHS.last);
    expect(await listStanding(api, period, ['t-7', 't-8'])).toHaveLength(2);
    await showRequest(api, MONTHS.last, 'again');
  },
  'operator pages: the running month': async ({ api }) => {
    await firstMonth(api);
    await sumUsage(api, (await loadCalendar(api)).periodOf(MONTHS.next));
  },
  'operator pages: what an action would do': async ({ api }) => {
    const { invoiceId: documentId, number } = await someLine('2026-02');
    const credited = { documentId, lineNo: 3 };
    expect(await readLeftToCredit(api, credited)).toMatchObject({ outcome: 'creditable' });
    const planned = await planCredit(api, { ...credited, amountCents: 1 });
    expect(planned).toMatchObject({ outcome: 'possible' });
    expect(await isCreditGiven(api, 't-7', 'page:t-7:1')).toBe(false);
    expect(await planVoid(api, documentId)).toEqual({ outcome: 'possible' });
    const invoice = { tenant_id: 't-7', period_start: '2026-02-01' };
    expect(await countPayments(api, invoice)).toBe(0);
    expect(await isPaymentRecorded(api, `${number}-p1`)).toBe(false);
    const [event] = await listEventsBehind(api, documentId, 2, { after: null, limit: 1 });
    const of = { source: 'metered', eventId: event?.event_id ?? '' } as const;
    const exclusion = await planExclusion(api, of);
    if (exclusion.outcome !== 'possible') throw new Error(exclusion.outcome);
    expect(await findBilling(api, exclusion.event)).toMatchObject({ number });
    expect(await findExcludedIds(api, of.source, [of.eventId])).toEqual(new Set());
  },
  "operator pages: a month's invoices": async ({ api }) => {
    for (const order of ['change', 'tenant'] as const) {
      const first = await listMonthInvoices(api, MONTHS.last, { order }, { after: null, limit: 5 });
      const after = first.at(-1) ?? null;
      expect(first).toHaveLength(5);
      const next = await listMonthInvoices(api, MONTHS.last, { order }, { after, limit: 5 });
      const ids = [...first, ...next].map(({ invoice_id }) => invoice_id);
      expect(new Set(ids).size).toBe(10);
    }
    const filter = { search: 't-7', status: 'issued', outcome: 'rolled', order: 'change' } as const;
    await listMonthInvoices(api, MONTHS.last, filter, { after: null, limit: 5 });
  },
  'operator pages: tenants': async ({ api }) => {
    const at = new Date();
    const first = await listTenantRows(api, { at }, { after: null, limit: 10 });
    expect(first).toHaveLength(10);
    const after = first.at(-1)?.tenant_id ?? null;
    expect(await listTenantRows(api, { at }, { after, limit: 10 })).toHaveLength(10);
    for (const state of TENANT_STATES) {
      await listTenantRows(api, { search: 't-7', state, at }, { after: null, limit: 10 });
    }
  },
  'operator pages: a tenant': async ({ api }) => {
    const at = new Date();
    await listParkedMonths(api, 't-7');
    await countQuarantined(api, { tenantId: 't-7' });
    await listTenantBalances(api, ['t-7'], { after: null, limit: 10 });
    for (const isEnded of [true, false]) {
      const filter = { tenantId: 't-7', ended: { by: at, is: isEnded } };
      await listSubscriptions(api, filter, { after: null, limit: 10 });
    }
    const waiting = { tenantId: 't-7', state: 'waiting' } as const;
    await listItems(api, waiting, { after: null, limit: 10 });
    await countLiveKeys(api, 't-7', at);
    await countDeadDeliveries(api, 't-7');
    await listBuyerVersions(api, 't-7', 10);
    await listTenantTax(api, 't-7');
    await listMonthsWithUnbilledUsageOf(api, 't-7', MONTHS.last);
    await listLateUsage(api, MONTHS.last, { bounds: NO_BOUNDS, tenantId: 't-7' });
  },
  'operator pages: the search': async ({ api }) => {
    expect(await findDocuments(api, 't-7-', 10)).toHaveLength(10);
    expect(await findDocuments(api, 't-7-9', 10)).toMatchObject([{ number: 't-7-9' }]);
  },
  'operator pages: the revisions of an invoice': ({ api }) =>
    listRevisions(api, { tenant_id: 't-7', period_start: `${MONTHS.last}-01` }),
  'API: the month': ({ api }) => readMonthEndStatus(api, MONTHS.last),
  'API: the watchdog': ({ api }) => readMonthFacts(api, MONTHS.last),
  'API and CLI: late usage': ({ api }) =>
    listLateUsage(api, MONTHS.last, { bounds: DEFAULT_BOUNDS }),
  'CLI: outcomes, exclusions': async ({ app }) => {
    await listOutcomes(app, MONTHS.last, { after: null, limit: 100 });
    await listOutcomes(app, MONTHS.last, { after: 't-7', limit: 100 });
    await listExclusions(app, MONTHS.last, 100);
  },
  'CLI: preview': ({ app }) => {
    const onTenant = () => undefined;
    const tenantIds = ['t-7', 't-8'];
    return previewMonth(app, MONTHS.last, { bounds: NO_BOUNDS, tenantIds, onTenant });
  },
  'CLI: preview of everybody': ({ app }) =>
    previewMonth(app, MONTHS.next, {
      bounds: NO_BOUNDS,
      tenantIds: null,
      onTenant: () => undefined,
    }),
  'CLI: verify': ({ app }) => verifyMonth(app, MONTHS.last),
  'CLI: verify an archived month': ({ app }) => verifyMonth(app, MONTHS.first),
  'CLI: which months can be archived': ({ app }) => listMonthsBefore(app, MONTHS.last),
};

/**
 * Reports on where a whole month's usage is join each of its buckets to the invoice that holds it. As
 * long as there are fewer invoices than that is worth, the planner reads them all.
 */
const RECONCILIATION = ['invoice_drafts', 'invoices'];
const BY_DESIGN: Readonly<Record<string, readonly string[]>> = {
  'month end: the pass': RECONCILIATION,
  'API: the month': RECONCILIATION,
  'API and CLI: late usage': RECONCILIATION,
  // Balances are derived: it walks the invoices, newest first, until the page is full.
  'API: invoices by what is owed': ['invoices'],
  'operator pages: what is owed by age': ['invoices'],
  'CLI: verify': RECONCILIATION,
  'CLI: verify an archived month': RECONCILIATION,
};

interface Asked {
  readonly db: Queryable;
  readonly query: QuerySqlToken;
}

/** Runs a use and returns its statements, each once, with the database that it asked. */
async function statementsOf(use: (uses: Uses) => Promise<unknown>): Promise<readonly Asked[]> {
  const { testDatabase } = world;
  const asked = new Map<string, Asked>();
  const noted = <T extends Queryable>(db: T): T =>
    interceptQueries(db, (query) => {
      if (hasPlan(query)) asked.set(query.sql, { db, query });
      return query;
    });
  const apiDb = await openAs(testDatabase.apiUrl);
  const worker = noted(await openAs(testDatabase.workerUrl));
  await use({
    worker,
    api: noted(apiDb),
    tenant: noted(scopeToTenant(apiDb, 't-7')),
    app: noted(await openAs(testDatabase.appUrl)),
    activities: createActivities({ ...ACTIVITY_DEPS, db: worker }),
  });
  expect(asked.size).toBeGreaterThan(0);
  return [...asked.values()];
}

test.each(Object.entries(USES))('%s', async (name, use) => {
  const allowed = BY_DESIGN[name] ?? [];
  const scans: string[] = [];
  for (const { db, query } of await statementsOf(use)) {
    const tables = wholeScansOf(await planOf(db, query));
    const statement = query.sql.trim().replaceAll(/\s+/g, ' ').slice(0, 300);
    for (const table of tables.filter((scanned) => GROWING.includes(scanned))) {
      if (!allowed.includes(table)) scans.push(`${table}: ${statement}`);
    }
    // At most one month's partition of each kind.
    const months = new Set(tables.filter((table) => PARTITION.test(table)).map((t) => t.slice(-7)));
    if (months.size > 1) scans.push(`${months.size} months of the archive: ${statement}`);
  }
  expect(scans).toEqual([]);
});

/**
 * PostgreSQL knows nothing of a table in its first minute, nor after a restore, and in the first minute of a month it takes
 * nearly all usage for sealed. A plan that is good only if few buckets are open then reads all of them for each.
 */
test.each([
  [
    'no statistics',
    `SELECT pg_clear_relation_stats('public', relname) FROM pg_class
     WHERE relname LIKE 'usage_buckets%' AND relkind IN ('r', 'i');
     SELECT pg_clear_attribute_stats('public', 'usage_buckets', attname, false)
     FROM pg_attribute WHERE attrelid = 'usage_buckets'::regclass AND attnum > 0`,
  ],
  [
    'statistics of sealed usage only',
    `UPDATE pg_statistic SET stanullfrac = 0 WHERE starelid = 'usage_buckets'::regclass;
     UPDATE pg_class SET reltuples = 0, relpages = 1 WHERE relname = 'usage_buckets_one_open'`,
  ],
])('ingestion looks each bucket up by its key, with %s', async (_, forget) => {
  const { superuserUrl } = world.testDatabase;
  const asked = await statementsOf(USES.ingestion!);
  await asSuperuser(superuserUrl, (client) => client.query(forget));
  try {
    const plans = [];
    for (const { db, query } of asked) plans.push(await planOf(db, query));
    const conditions = plans.flatMap((plan) => indexConditionsOf(plan, 'usage_buckets'));
    expect(conditions.length).toBeGreaterThan(5);
    expect(conditions.filter((cond) => !/bucket_id|deployment_id/.test(cond ?? ''))).toEqual([]);
  } finally {
    await asSuperuser(superuserUrl, (client) => client.query('ANALYZE usage_buckets'));
  }
});
