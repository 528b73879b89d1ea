import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { seedTenant } from '../_util/seed.ts';
import { createTestApi, llmEvent, sendUsage, type TestApi } from './_harness.ts';

/** An installation in Australia/Sydney, where it is 1 June 2026, 10:00. */
let api: TestApi;
let activities: ReturnType<typeof createActivities>;
beforeAll(async () => {
  api = await createTestApi({ now: () => new Date('2026-06-01T00:00:00Z') });
  await setTimeZone(api.db, 'Australia/Sydney');
  await seedTenant(api.db, 'duo', [{ deploymentId: 'duo-a' }, { deploymentId: 'duo-b' }]);
  await seedTenant(api.db, 'yen', [{ deploymentId: 'yen-a' }], 'JPY');
  activities = createActivities({
    ...{ ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS },
    controlTotals: 'park',
  });
});
afterAll(() => api[Symbol.asyncDispose]());

const PATH = '/api/v1/integrations/control-totals';
const put = (where: string, body: unknown, key = api.keys.gateway) =>
  api.call('put', `${PATH}${where}`, { key, body });
async function get<T>(path: string, key = api.keys.operator): Promise<T> {
  const { status, body } = await api.call('get', path, { key });
  expect(status).toBe(200);
  return body as T;
}
const TOTAL = { tenant_id: 'acme', requests: 3, charge_cents: '0.5' };

/** Sends an LLM event. */
function use(deployment_id: string, occurred_at: string, charge_cents: string): Promise<void> {
  const [tenant_id] = deployment_id.split('-');
  const event = llmEvent({ tenant_id, deployment_id, occurred_at, charge_cents });
  return sendUsage(api, 'llm-usage', [event]);
}

interface Compared {
  readonly counts: object;
  readonly deployments: readonly {
    readonly deployment_id: string;
    readonly state: string;
    readonly days: readonly { readonly day: string; readonly state: string }[];
  }[];
  readonly next_cursor: string | null;
}
const compare = (query: string, month = '2026-05') =>
  get<Compared>(`/api/v1/control-totals/${month}?${query}`);

describe('stating totals', () => {
  test('the first is revision 1, the same again changes nothing, another one is a revision', async () => {
    const first = await put('/acme-a/2026-05-20', TOTAL);
    expect([first.status, first.body]).toEqual([
      201,
      { deployment_id: 'acme-a', day: '2026-05-20', status: 'recorded', revision: 1 },
    ]);
    const again = await put('/acme-a/2026-05-20', { ...TOTAL, charge_cents: '0.500' });
    expect([again.status, again.body]).toMatchObject([200, { status: 'unchanged', revision: 1 }]);
    const more = await put('/acme-a/2026-05-20', { ...TOTAL, requests: 4 });
    expect([more.status, more.body]).toMatchObject([200, { status: 'recorded', revision: 2 }]);
    const back = await put('/acme-a/2026-05-20', TOTAL, api.keys.operator);
    expect(back.body).toMatchObject({ status: 'recorded', revision: 3 });
    const { revisions } = await get<{ revisions: object[] }>(`${PATH}/acme-a/2026-05-20`);
    expect(revisions).toEqual([
      {
        ...{ tenant_id: 'acme', deployment_id: 'acme-a', day: '2026-05-20', revision: 3 },
        ...{ requests: 3, charge_cents: '0.5', currency: 'AUD', actor: 'key:ops' },
        stated_at: expect.any(String),
      },
      expect.objectContaining({ revision: 2, requests: 4, actor: 'key:gateway' }),
      expect.objectContaining({ revision: 1, requests: 3 }),
    ]);
    const [action] = await listOperatorActions(api.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({ action: 'putControlTotal', outcome: 'done', status: 200 });
  });

  test.each([
    [{ tenant_id: 'zeta' }, { parameter: 'deployment_id' }],
    [{ tenant_id: 'nobody' }, { parameter: 'deployment_id' }],
    [{ requests: -1 }, { pointer: '/requests' }],
    [{ requests: 1.5 }, { pointer: '/requests' }],
    [{ requests: '3' }, { pointer: '/requests' }],
    [{ requests: 2 ** 53 }, { pointer: '/requests' }],
    [{ requests: 0 }, { pointer: '/requests' }],
    [{ charge_cents: 0.5 }, { pointer: '/charge_cents' }],
    [{ charge_cents: '-1' }, { pointer: '/charge_cents' }],
    [{ charge_cents: '1e3' }, { pointer: '/charge_cents' }],
    [{ charge_cents: '1000000000000' }, { pointer: '/charge_cents' }],
    [{ charge_cents: undefined }, { pointer: '/charge_cents' }],
    [{ currency: 'USD' }, { pointer: '/currency' }],
    [{ currency: 'aud' }, { pointer: '/currency' }],
    [{ day: '2026-05-20' }, { pointer: '/day' }],
    [{ revision: 7 }, { pointer: '/revision' }],
  ])('with %j a total is invalid, names the field, and is not recorded', async (change, place) => {
    const { status, body } = await put('/acme-a/2026-05-07', { ...TOTAL, ...change });
    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [place] });
    const { status: stored } = await api.call('get', `${PATH}/acme-a/2026-05-07`, {
      key: api.keys.gateway,
    });
    expect(stored).toBe(404);
  });

  test.each([
    ['/acme-a/2026-02-30', 'day'],
    ['/acme-a/20260520', 'day'],
    ['/acme-a/1999-12-31', 'day'],
    // In Sydney it is 1 June.
    ['/acme-a/2026-06-02', 'day'],
    ['/nobody-a/2026-05-20', 'deployment_id'],
    ['/acme%20a/2026-05-20', 'deployment_id'],
  ])('%s is invalid', async (where, parameter) => {
    const { status, body } = await put(where, TOTAL);
    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [{ parameter }] });
  });

  test('a day that has begun in the billing time zone has a total, and one without usage too', async () => {
    expect((await put('/zeta-a/2026-06-01', { ...TOTAL, tenant_id: 'zeta' })).status).toBe(201);
    const none = { tenant_id: 'zeta', requests: 0, charge_cents: '0' };
    expect((await put('/zeta-a/2026-05-31', none)).status).toBe(201);
  });

  test('many at once: a result for each, in order, and the good ones are recorded', async () => {
    const day = (on: string, change: object = {}) => ({
      ...{ ...TOTAL, tenant_id: 'zeta', deployment_id: 'zeta-a', day: on },
      ...change,
    });
    const totals = [
      ...[day('2026-04-01'), day('2026-04-02'), day('2026-04-01', { requests: 9 })],
      ...[day('2026-04-03', { tenant_id: 'acme' }), day('2026-04-04', { requests: null })],
      'no total',
    ];
    const { status, body } = await put('', { control_totals: totals });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      counts: { recorded: 2, unchanged: 0, rejected: 4 },
      results: [
        { index: 0, deployment_id: 'zeta-a', day: '2026-04-01', status: 'recorded', revision: 1 },
        { index: 1, status: 'recorded' },
        { index: 2, status: 'rejected', errors: [{ pointer: '/day' }] },
        { index: 3, status: 'rejected', errors: [{ pointer: '/deployment_id' }] },
        { index: 4, status: 'rejected', errors: [{ pointer: '/requests' }] },
        { index: 5, deployment_id: null, day: null, status: 'rejected' },
      ],
    });
    const again = await put('', { control_totals: totals });
    expect(again.body).toMatchObject({ counts: { recorded: 0, unchanged: 2, rejected: 4 } });
  });

  test.each([
    [{}, 422],
    [{ control_totals: [] }, 422],
    [{ control_totals: [], tenant_id: 'acme' }, 422],
    [{ control_totals: Array.from({ length: 1001 }, () => TOTAL) }, 413],
  ])('a body such as %j is refused as a whole', async (body, status) => {
    expect((await put('', body)).status).toBe(status);
  });

  test('concurrent totals of a day are revisions without a gap', async () => {
    const each = Array.from({ length: 20 }, (_, index) =>
      put('/acme-a/2026-05-19', { ...TOTAL, requests: index + 1 }),
    );
    const answers = await Promise.all(each);
    const revisions = answers.map(({ body }) => (body as { revision: number }).revision);
    expect(revisions.toSorted((a, b) => a - b)).toEqual(each.map((_, index) => index + 1));
  });

  test('the latest ones of a month are listed in pages', async () => {
    const seen: { readonly day: string; readonly revision: number }[] = [];
    let cursor: string | null = null;
    do {
      const query = `month=2026-05&tenant_id=acme&limit=1${cursor === null ? '' : `&cursor=${cursor}`}`;
      const page: { control_totals: typeof seen; next_cursor: string | null } = await get(
        `${PATH}?${query}`,
        api.keys.gateway,
      );
      seen.push(...page.control_totals);
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen.map(({ day, revision }) => [day, revision])).toEqual([
      ['2026-05-19', 20],
      ['2026-05-20', 3],
    ]);
    const unknown = await api.call('get', `${PATH}?month=2026-05&tenant_id=nobody`, {
      key: api.keys.gateway,
    });
    expect(unknown.status).toBe(404);
  });
});

describe('comparing', () => {
  test('a month without totals reads no usage', async () => {
    await use('duo-a', '2026-03-10T00:00:00Z', '1');
    expect(await compare('all=true', '2026-03')).toMatchObject({
      counts: { equal: 0, unequal: 0, unstated: 0 },
      deployments: [],
    });
  });

  test('days are those of the billing time zone, and states tell missing totals from wrong ones', async () => {
    // The first and the last instant of 20 May in Sydney, and the first of 21 May.
    await use('duo-a', '2026-05-19T14:00:00Z', '10.5');
    await use('duo-a', '2026-05-20T13:59:59.999999Z', '0.25');
    await use('duo-a', '2026-05-20T14:00:00Z', '3');
    await use('duo-a', '2026-05-21T14:00:00Z', '1');
    // The last instant of May, and the first of June.
    await use('duo-a', '2026-05-31T13:59:59Z', '7');
    await use('duo-a', '2026-05-31T14:00:00Z', '100');
    await use('duo-b', '2026-05-20T00:00:00Z', '1');
    const state = (day: string, requests: number, charge_cents: string) =>
      put(`/duo-a/2026-05-${day}`, { tenant_id: 'duo', requests, charge_cents });
    await state('20', 2, '10.75');
    await state('21', 2, '5');
    await state('23', 1, '0');
    await state('31', 1, '7');

    const { counts, deployments } = await compare('tenant_id=duo');
    expect(counts).toEqual({ equal: 0, unequal: 1, unstated: 1 });
    const none = { requests: '0', charge_cents: '0' };
    expect(deployments).toEqual([
      {
        ...{ tenant_id: 'duo', deployment_id: 'duo-a', currency: 'AUD', state: 'different' },
        stated_days: 4,
        stated: { requests: '6', charge_cents: '22.75' },
        ledger: { requests: '5', charge_cents: '21.75' },
        days: [
          {
            ...{ deployment_id: 'duo-a', day: '2026-05-21', state: 'different', held: none },
            ...{ stated: { requests: '2', charge_cents: '5' }, revision: 1 },
            ledger: { requests: '1', charge_cents: '3' },
            acceptance: null,
          },
          {
            ...{ deployment_id: 'duo-a', day: '2026-05-22', state: 'missing', held: none },
            ...{ stated: null, revision: null, acceptance: null },
            ledger: { requests: '1', charge_cents: '1' },
          },
          {
            ...{ deployment_id: 'duo-a', day: '2026-05-23', state: 'different', held: none },
            ...{ stated: { requests: '1', charge_cents: '0' }, revision: 1 },
            ...{ ledger: none, acceptance: null },
          },
        ],
      },
      expect.objectContaining({ deployment_id: 'duo-b', state: 'unstated', days: [] }),
    ]);
  });

  test('the status of the month has the same', async () => {
    const status = await get<{ gateway_totals: Compared }>('/api/v1/roll-ups/2026-05');
    const { deployments } = await compare('');
    expect(status.gateway_totals.deployments).toEqual(deployments);
    expect(status.gateway_totals).toMatchObject({ unequal: 2, unstated: 1 });
    const none = await get<{ gateway_totals: unknown }>('/api/v1/roll-ups/2026-03');
    expect(none.gateway_totals).toBeNull();
  });

  test('pages have each deployment once', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Compared = await compare(
        `all=true&limit=1${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.deployments.map(({ deployment_id }) => deployment_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(['acme-a', 'duo-a', 'duo-b', 'zeta-a']);
  });

  test('a deployment whose sums agree is equal, whatever its days', async () => {
    await use('yen-a', '2026-05-20T00:00:00Z', '5');
    const total = { tenant_id: 'yen', requests: 1, charge_cents: '5' };
    await put('/yen-a/2026-05-19', total);
    const { counts, deployments } = await compare('tenant_id=yen&all=true');
    expect(counts).toEqual({ equal: 1, unequal: 0, unstated: 0 });
    expect(deployments).toMatchObject([{ currency: 'JPY', state: 'equal', days: [] }]);
  });
});

describe('accepting', () => {
  const accept = (body: object, month = '2026-05') =>
    api.call('post', `/api/v1/control-totals/${month}/acceptances`, {
      key: api.keys.operator,
      body: { tenant_id: 'duo', reason: 'counted retries', ...body },
    });
  const daysOf = async (state: string) => {
    const { deployments } = await compare('tenant_id=duo');
    const days = deployments.flatMap((deployment) => deployment.days);
    return days.flatMap((day) => (day.state === state ? day.day : []));
  };

  test.each([
    [{ tenant_id: 'nobody' }, '/tenant_id'],
    [{ deployment_id: 'acme-a' }, '/deployment_id'],
    [{ reason: ' ' }, '/reason'],
    [{ day: '2026-05-32' }, '/day'],
    [{ days: [] }, '/days'],
    [{ days: [{ deployment_id: 'duo-a', day: '2026-05-21' }] }, '/days/0/stated'],
  ])('with %j nothing is accepted', async (change, pointer) => {
    const { status, body } = await accept(change);
    expect(status).toBe(422);
    expect((body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
    expect(await daysOf('accepted')).toEqual([]);
  });

  test('figures that are not the present ones are refused as a whole', async () => {
    const day = (on: string, requests: string) => ({
      ...{ deployment_id: 'duo-a', day: on, stated: { requests: '2', charge_cents: '5' } },
      ledger: { requests, charge_cents: '3' },
    });
    const { status, body } = await accept({
      days: [day('2026-05-21', '1'), day('2026-05-23', '1')],
    });
    expect([status, body]).toMatchObject([
      409,
      { type: 'urn:arcadia:problem:data-conflict', detail: expect.stringContaining('2026-05-23') },
    ]);
    expect(await daysOf('accepted')).toEqual([]);
  });

  test('the figures that were reviewed are accepted, also if they are sent twice', async () => {
    const days = [
      {
        ...{ deployment_id: 'duo-a', day: '2026-05-21' },
        stated: { requests: '2', charge_cents: '5.0' },
        ledger: { requests: '1', charge_cents: '3' },
      },
    ];
    const first = await accept({ days });
    expect([first.status, first.body]).toMatchObject([
      200,
      { accepted_days: [{ day: '2026-05-21' }], still_different: 1 },
    ]);
    const again = await accept({ days, reason: 'another' });
    expect([again.status, again.body]).toMatchObject([
      200,
      { accepted_days: [], still_different: 1 },
    ]);
    expect(await daysOf('accepted')).toEqual(['2026-05-21']);
    const { deployments } = await compare('tenant_id=duo');
    expect(deployments[0]?.days[0]).toMatchObject({
      acceptance: { actor: 'key:ops', reason: 'counted retries' },
    });
  });

  test('a parked tenant is invoiced once all differences are accepted, and missing totals do not matter', async () => {
    const [parked] = await buildInvoices({ activities }, ['duo']);
    expect(parked).toMatchObject({
      outcome: 'parked',
      failure: {
        type: 'control_total_mismatch',
        reason: expect.stringContaining('duo-a on 2026-05-23: the gateway stated 1 request'),
      },
    });
    const { body } = await accept({ day: '2026-05-23' });
    expect(body).toMatchObject({ accepted_days: [{ day: '2026-05-23' }], still_different: 0 });
    expect(await daysOf('missing')).toEqual(['2026-05-22']);
    const [built] = await buildInvoices({ activities }, ['duo']);
    expect(built).toMatchObject({ outcome: 'rolled' });
  });

  test('a corrected total and late usage need another acceptance', async () => {
    await put('/duo-a/2026-05-21', { tenant_id: 'duo', requests: 3, charge_cents: '5' });
    await use('duo-a', '2026-05-23T00:00:00Z', '2');
    expect(await daysOf('different')).toEqual(['2026-05-21', '2026-05-23']);
    // What was accepted, corrected, and stated again is a new revision.
    await put('/duo-a/2026-05-21', { tenant_id: 'duo', requests: 2, charge_cents: '5' });
    expect(await daysOf('different')).toEqual(['2026-05-21', '2026-05-23']);
    const { body } = await accept({});
    expect(body).toMatchObject({
      ...{ accepted_days: [{ day: '2026-05-21' }, { day: '2026-05-23' }], still_different: 0 },
    });
  });
});

test('stating a total fixes the billing time zone, and a rejected one does not', async () => {
  await using fresh = await createTestApi();
  const state = async (requests: number) => {
    const { status } = await fresh.call('put', `${PATH}/acme-a/2026-05-20`, {
      key: fresh.keys.gateway,
      body: { ...TOTAL, requests },
    });
    const { body } = await fresh.call('get', '/api/v1/settings', { key: fresh.keys.operator });
    return [status, (body as { time_zone_fixed_at: string | null }).time_zone_fixed_at];
  };
  expect(await state(0)).toEqual([422, null]);
  expect(await state(3)).toEqual([201, expect.any(String)]);
});

test('with the comparison off, the status has none', async () => {
  await using off = await createTestApi({ controlTotals: 'off' });
  const { status } = await off.call('put', `${PATH}/acme-a/2026-05-20`, {
    ...{ key: off.keys.gateway, body: TOTAL },
  });
  expect(status).toBe(201);
  const { body } = await off.call('get', '/api/v1/roll-ups/2026-05', { key: off.keys.operator });
  expect(body).toMatchObject({ gateway_totals: null });
});
