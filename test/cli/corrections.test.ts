import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/sql.ts';
import { seedPlan } from '../_util/lives.ts';
import { invoicesOf, linesOf } from '../_util/books.ts';
import { MONTH, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';
import { printedBy } from './_printed-by.ts';

/** Late usage, and invoices of tenants that have left, corrected by the commands that are printed. */

let world: World;
/** Billed to a tenant that leaves then. */
let eventId: string;
beforeAll(async () => {
  world = await createWorld();
  const hours = { resourceKind: 'droplet_hours', includedQty: '0', overageUnit: 'hour' };
  await seedPlan(world.db, 'metered', {
    proration: 'none',
    basePriceCents: 0,
    items: [{ ...hours, overagePriceCents: 2 }],
  });
  for (const [tenantId, endsAt] of [
    ['leaver', '2026-06-10T00:00:00Z'],
    ['cancelled', null],
  ] as const) {
    const startsAt = '2026-04-01T00:00:00Z';
    const planVersionId = 'metered-v1';
    const deploymentId = `${tenantId}-a`;
    await seedTenant(world.db, tenantId, [{ deploymentId, planVersionId, startsAt, endsAt }]);
  }
  await use('leaver', '300');
  eventId = await use('cancelled', '5000');
  await world.startWorker();
  await say('month-end', 'start', MONTH, '--watch');
});
afterAll(() => world[Symbol.asyncDispose]());

const use = (tenantId: string, amount: string, kind = 'llm_usage') =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });

const say = (...args: string[]) =>
  printedBy(args, {
    DATABASE_URL: world.appUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
  });

/** Carries out the command that a text has, to its end. */
function carryOutCommandIn(text: string): Promise<string> {
  const [, command = 'no command'] = /^ *npm run cli -- (.*)$/m.exec(text) ?? [];
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
  return say(...words.flatMap((word) => word ?? []), '--watch');
}

/** The totals of a tenant's invoices, by revision. */
const totalsOf = async (tenantId: string) =>
  (await invoicesOf(world.db, tenantId)).map(({ totalCents, status }) => [totalCents, status]);

test('metered usage after the last invoice of a leaver is listed, and billed by the printed command', async () => {
  expect(await totalsOf('leaver')).toEqual([[330, 'issued']]);
  await use('leaver', '4000', 'droplet_hours');

  const late = await say('month-end', 'late-usage', MONTH);
  expect(late).toMatch(/leaver\s+leaver\s+needs re run\s+leaver-000001\s+\+88\.00\s+AUD/);
  expect(await say('month-end', 'status', MONTH)).toMatch(
    /droplet_hours\s+needs_re_run\s+1\s+1\s+4,000/,
  );

  await carryOutCommandIn(late);
  expect(await totalsOf('leaver')).toEqual([
    [330, 'superseded'],
    [9130, 'issued'],
  ]);
  expect(await say('month-end', 'late-usage', MONTH)).toContain('is billed, or will be.');
});

test('an issued invoice of a tenant whose subscription is gone is rebuilt by the printed command', async () => {
  await world.db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET ends_at = '2026-05-01T00:00:00Z' WHERE tenant_id = 'cancelled'`);
  const excluded = await say(
    ...['usage', 'exclude', eventId, '--source', 'llm', '--reason', 'never happened'],
  );

  expect(await say('month-end', 'late-usage', MONTH)).toMatch(/cancelled-000001\s+-55\.00\s+AUD/);
  expect(await say('month-end', 'preview', MONTH, '--tenant', 'cancelled')).toMatch(
    /cancelled would be parked \(out_of_bounds\): the total would be AUD 0\.00/,
  );
  await carryOutCommandIn(excluded);
  expect(await totalsOf('cancelled')).toEqual([
    [5500, 'superseded'],
    [0, 'issued'],
  ]);
  const [, revision] = await invoicesOf(world.db, 'cancelled');
  expect(await linesOf(world.db, revision!.invoiceId)).toEqual([]);
  expect(await say('month-end', 'verify', MONTH)).toContain('All checks passed.');
  expect(await say('month-end', 'status', MONTH)).toContain('The books add up.');
});
