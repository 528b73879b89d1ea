import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { release } from '../_util/releasing.ts';
import { seedSeller, seedUsage } from '../_util/seed.ts';
import { createTestApi, llmEvent, meteredRecord, sendUsage, type TestApi } from './_harness.ts';

/** The usage of a month by day, in Australia/Sydney. */

const HEAD = 'date,deployment_id,resource_kind,model,events,qty,charge_cents,currency';

let api: TestApi;
let activities: ReturnType<typeof createActivities>;
beforeAll(async () => {
  api = await createTestApi({ now: () => new Date('2026-05-25T02:00:00Z') });
  const { db } = api;
  activities = createActivities({ ...ACTIVITY_DEPS, db });
  await setTimeZone(db, 'Australia/Sydney');
  const events = [
    // Midnight in Sydney, and the last instant before it.
    llmEvent({ occurred_at: '2026-05-10T13:59:59.999Z', charge_cents: '1.25' }),
    llmEvent({ occurred_at: '2026-05-10T14:00:00Z', charge_cents: '0.000000000001' }),
    llmEvent({ occurred_at: '2026-05-10T15:00:00Z', charge_cents: '2' }),
    // The first and the last day of the month.
    llmEvent({ occurred_at: '2026-04-30T14:00:00Z', charge_cents: '3', model: 'small' }),
    llmEvent({ occurred_at: '2026-05-31T13:59:59Z', charge_cents: '4', model: '=small' }),
    // June there, and another tenant.
    llmEvent({ occurred_at: '2026-05-31T14:00:00Z', charge_cents: '5' }),
    llmEvent({ tenant_id: 'zeta', deployment_id: 'zeta-a', charge_cents: '6' }),
  ];
  const excluded = llmEvent({ occurred_at: '2026-05-10T15:00:00Z', charge_cents: '7' });
  const first = meteredRecord({ qty: '10.5' });
  const records = [
    first,
    meteredRecord({ qty: '4.5', replaces: first.record_id, occurred_at: '2026-05-12T00:00:00Z' }),
  ];
  await sendUsage(api, 'llm-usage', [...events, excluded]);
  await sendUsage(api, 'metered-usage', records);
  const exclusion = { source: 'llm', eventId: excluded.gateway_request_id } as const;
  await excludeEvent(db, { ...exclusion, actor: 'test', reason: 'a mistake' });
});
afterAll(() => api[Symbol.asyncDispose]());

const get = (path: string, key = api.keys.acme) =>
  api.call('get', `/api/v1/usage/${path}`, { key });

test('the export has a row per deployment, day, kind and model, without excluded events', async () => {
  const { status, text, headers } = await get('2026-05.csv');
  expect(status).toBe(200);
  expect(headers['content-type']).toContain('text/csv');
  expect(headers['content-disposition']).toBe('attachment; filename="usage-acme-2026-05.csv"');
  expect(text.split('\r\n')).toEqual([
    HEAD,
    '2026-05-01,acme-a,llm_usage,small,1,,3,AUD',
    '2026-05-10,acme-a,droplet_hours,,1,10.5,,',
    '2026-05-10,acme-a,llm_usage,large-2,1,,1.25,AUD',
    '2026-05-11,acme-a,llm_usage,large-2,2,,2.000000000001,AUD',
    // A correction counts on its own day.
    '2026-05-12,acme-a,droplet_hours,,1,-6,,',
    "2026-05-31,acme-a,llm_usage,'=small,1,,4,AUD",
    '',
  ]);
});

test('the export adds up to the running month', async () => {
  const { text } = await get('2026-05.csv');
  const charges = text
    .split('\r\n')
    .slice(1, -1)
    .map((row) => row.split(',')[6]);
  expect(charges.filter(Boolean)).toEqual(['3', '1.25', '2.000000000001', '4']);
  const { body } = await get('current');
  expect(body).toMatchObject({
    llm: { requests: 5, exact_cents: '10.250000000001' },
    deployments: [{ kinds: expect.arrayContaining([expect.objectContaining({ used: '4.5' })]) }],
  });
});

describe('the export', () => {
  test('can be read by operators, who name the tenant', async () => {
    const own = await get('2026-05.csv');
    const { text } = await get('2026-05.csv?tenant_id=acme', api.keys.operator);
    expect(text).toBe(own.text);
    expect((await get('2026-05.csv', api.keys.operator)).status).toBe(422);
    expect((await get('2026-05.csv?tenant_id=nobody', api.keys.operator)).status).toBe(404);
  });

  test('of another tenant is not found', async () => {
    expect((await get('2026-05.csv?tenant_id=acme', api.keys.zeta)).status).toBe(404);
    const { text } = await get('2026-05.csv', api.keys.zeta);
    expect(text.split('\r\n')).toEqual([HEAD, '2026-05-10,zeta-a,llm_usage,large-2,1,,6,AUD', '']);
  });

  test('can be read by the tenant once the month is released', async () => {
    const { db } = api;
    const usage = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '9' };
    await seedUsage(db, { ...usage, month: '2026-04' });
    const waiting = await get('2026-04.csv');
    expect(waiting.status).toBe(404);
    expect(waiting.text).toContain('once it is released');
    expect((await get('2026-04.csv?tenant_id=acme', api.keys.operator)).status).toBe(200);

    await seedSeller(db, { release: 'review' }, 2);
    await buildInvoices({ activities }, ['acme'], { month: '2026-04' });
    expect((await get('2026-04.csv')).status).toBe(404);
    await release(db, ['acme'], { month: '2026-04' });
    const { text } = await get('2026-04.csv');
    expect(text).toContain('2026-04-15,acme-a,llm_usage,model,1,,9,AUD');
  });

  test.each([
    ['2026-06.csv', 404],
    ['2026-13.csv', 422],
    ['1999-12.csv', 422],
    ['2026-05.csv?month=2026-05', 422],
  ])('does not exist as %s', async (path, status) => {
    expect((await get(path)).status).toBe(status);
  });
});

test('the export of a month whose events were deleted is not found, rather than incomplete', async () => {
  const superuser = new pg.Client({ connectionString: api.superuserUrl });
  await superuser.connect();
  await superuser.query(`
    INSERT INTO usage_archives (service_month, source, events, total, expired_at, digest)
    VALUES ('2019-05-01', 'llm', 1, 1, now(), sha256(''))`);
  await superuser.end();
  const { status, text } = await get('2019-05.csv?tenant_id=acme', api.keys.operator);
  expect(status).toBe(404);
  expect(text).toContain('were deleted');
});
