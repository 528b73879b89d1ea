import { Temporal } from 'temporal-polyfill';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyMonth } from '../../src/audit/verify.ts';
import { SCHEDULE_ID } from '../../src/contracts/ids.ts';
import { listInvoices, showInvoice } from '../../src/db/invoices/invoice-views.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { applySchedule, backfillMonth } from '../../src/temporal/schedule.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

/** The month end of an installation whose billing time zone is Australia/Sydney, on the real servers. */

const SYDNEY = 'Australia/Sydney';
const MAY = '2026-05';

let world: World;
let api: Database;
beforeAll(async () => {
  world = await createWorld();
  api = await openDatabase({ url: world.apiUrl, maxConnections: 4, applicationName: 'api' });
  // Processes that run since before the zone was set.
  for (const db of [world.db, api]) expect((await loadCalendar(db)).timeZone).toBe('UTC');
  await setTimeZone(world.db, SYDNEY);
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
});
afterAll(async () => {
  await api.end();
  await world[Symbol.asyncDispose]();
});

function llm(id: string, occurred_at: string, charge_cents: string) {
  const of = { tenant_id: 'acme', deployment_id: 'acme-a', model: 'm' };
  return { gateway_request_id: id, ...of, occurred_at, charge_cents };
}

test('an event belongs to the month of Sydney, to the microsecond', async () => {
  const ingestion = createIngestion({ db: api, now: () => new Date(), timeBounds: ANY_TIME });
  const results = await ingestion.ingest('llm', [
    llm('last-of-april', '2026-04-30T13:59:59.999999Z', '100'),
    llm('first-of-may', '2026-04-30T14:00:00Z', '1000'),
    llm('may-at-night', '2026-04-30T14:30:00Z', '2000'),
    llm('may-in-another-offset', '2026-05-01T00:00:00.000001+10:00', '4000'),
    llm('last-of-may', '2026-05-31T13:59:59.999999Z', '8000'),
    llm('first-of-june', '2026-05-31T14:00:00Z', '16000'),
  ]);
  expect(results.every(({ status }) => status === 'accepted')).toBe(true);
});

test('the Schedule fires at 06:00 in Sydney, whatever the season', async () => {
  await applySchedule(world.client, SYDNEY);
  const { info, spec } = await world.client.schedule.getHandle(SCHEDULE_ID).describe();
  const local = info.nextActionTimes.map((time) =>
    Temporal.Instant.fromEpochMilliseconds(time.getTime()).toZonedDateTimeISO(SYDNEY),
  );
  expect(spec.timezone).toBe(SYDNEY);
  expect(local.length).toBeGreaterThan(5);
  expect(local.every(({ day, hour, minute }) => day === 1 && hour === 6 && minute === 0)).toBe(
    true,
  );
});

test('a firing bills the month that has ended in Sydney', async () => {
  // Scheduled for 06:00 on 1 June in Sydney, which is 20:00 on 31 May in UTC.
  await backfillMonth(world.client, await loadCalendar(world.db), MAY);
  await world.startWorker();
  await closed(world, MAY);

  const invoices = await listInvoices(world.db, {}, { after: null, limit: 10 });
  expect(invoices).toMatchObject([{ period_start: '2026-05-01', period_end: '2026-05-31' }]);
  const invoice = await showInvoice(world.db, invoices[0]!.invoice_id);
  const usage = invoice!.lines.filter(({ kind }) => kind === 'llm_usage');
  expect(usage.map(({ qty, amount_cents }) => ({ qty, amount_cents }))).toEqual([
    { qty: '1', amount_cents: 100 },
    { qty: '4', amount_cents: 15_000 },
  ]);
  expect(await verifyMonth(world.db, MAY)).toMatchObject({ ok: true });
});

test('a zone can no longer be set', async () => {
  await expect(setTimeZone(world.db, 'UTC')).rejects.toThrow(
    /stays Australia\/Sydney: there are invoices/,
  );
});
