import { afterAll, beforeAll, expect, test } from 'vitest';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { createTenant, operatorOf, problemOf, type Operator } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

/** The API of an installation whose billing time zone is Australia/Sydney. */

let api: TestApi;
let operator: Operator;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
  await setTimeZone(api.db, 'Australia/Sydney');
});
afterAll(() => api[Symbol.asyncDispose]());

const verb = (id: string, name: string, body: object) =>
  operator.post(`subscriptions/${id}/${name}`, body);

test.each(['gateway', 'metering', 'operator', 'acme'] as const)(
  'a key of %s reads the zone',
  async (name) => {
    const { status, body } = await api.call('get', '/api/v1/settings', { key: api.keys[name] });
    expect([status, body]).toEqual([
      200,
      { time_zone: 'Australia/Sydney', time_zone_fixed_at: null },
    ]);
  },
);

test('a local date is the first instant of that day, and equals that instant', async () => {
  const id = await createTenant(operator, 'by-date', { starts_at: '2026-05-20' });
  const { body } = await operator.get(`subscriptions/${id}`);
  expect(body).toMatchObject({ starts_at: '2026-05-19T14:00:00Z', ends_at: null });
  const { deployment_id, plan } = body as { deployment_id: string; plan: object };
  const terms = { deployment_id, plan };
  for (const starts_at of ['2026-05-20', '2026-05-19T14:00:00Z', '2026-05-20T00:00:00+10:00']) {
    const again = await operator.put(`subscriptions/${id}`, { ...terms, starts_at });
    expect([again.status, again.body]).toEqual([200, { ...body, warnings: [] }]);
  }

  // On 1 October, before the clocks change, and on 5 October, after.
  const attached = await verb(id, 'addons', { code: 'more', starts_at: '2026-10-01' });
  expect(attached.body).toMatchObject({
    addons: [{ code: 'more', starts_at: '2026-09-30T14:00:00Z' }],
    warnings: [],
  });
  const detached = await verb(id, 'addons/more/detach', { ends_at: '2026-10-05' });
  expect(detached.body).toMatchObject({ addons: [{ ends_at: '2026-10-04T13:00:00Z' }] });
  const cancelled = await verb(id, 'cancel', { ends_at: '2026-11-01' });
  expect(cancelled.body).toMatchObject({ ends_at: '2026-10-31T13:00:00Z', warnings: [] });
  expect((await verb(id, 'cancel', { ends_at: '2026-10-31T13:00:00Z' })).status).toBe(200);
});

test('a start or an end that is not midnight is accepted once with a warning', async () => {
  const id = await createTenant(operator, 'by-instant', { starts_at: null });
  const { body: started } = await verb(id, 'activate', { starts_at: '2026-05-20T00:00:00Z' });
  expect(started).toMatchObject({
    starts_at: '2026-05-20T00:00:00Z',
    warnings: [
      {
        pointer: '/starts_at',
        detail:
          '2026-05-20T00:00:00Z is not midnight in Australia/Sydney: all of 2026-05-20 is billed. ' +
          'Send "2026-05-20" for that day',
      },
    ],
  });
  const { body: ended } = await verb(id, 'cancel', { ends_at: '2026-06-10T03:00:00Z' });
  expect(ended).toMatchObject({
    warnings: [
      {
        pointer: '/ends_at',
        detail:
          '2026-06-10T03:00:00Z is not midnight in Australia/Sydney: 2026-06-10 is not billed. ' +
          'Send "2026-06-10" for that day',
      },
    ],
  });
});

test('an end that is not after its start is refused, also as a date with an instant', async () => {
  const id = await createTenant(operator, 'order', { starts_at: null });
  const terms = { deployment_id: 'order', plan: { code: 'basic', version: 1 } };
  for (const [starts_at, ends_at] of [
    ['2026-05-20', '2026-05-20'],
    ['2026-05-20', '2026-05-19'],
    ['2026-05-20', '2026-05-19T14:00:00Z'],
    ['2026-05-19T14:00:00.000001Z', '2026-05-20'],
  ]) {
    const refused = await operator.put(`subscriptions/${id}`, { ...terms, starts_at, ends_at });
    expect(problemOf(refused)).toMatchObject({ status: 422, places: ['/ends_at'] });
  }
});

test.each(['2026-02-30', '2026-5-1', '20260501', '1999-12-31', '2026-05-20T00:00:00', 'tomorrow'])(
  'refuses %s, and says what is accepted',
  async (starts_at) => {
    const refused = await verb('no-such-subscription', 'activate', { starts_at });
    expect(problemOf(refused)).toMatchObject({ status: 422, places: ['/starts_at'] });
    expect(JSON.stringify(refused.body)).toContain('expected a local date such as');
  },
);
