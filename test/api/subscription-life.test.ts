import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ADDON,
  JULY,
  JUNE,
  MAY,
  createTenant,
  operatorOf,
  problemOf,
  type Operator,
} from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let operator: Operator;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
});
afterAll(() => api[Symbol.asyncDispose]());

const conflictAt = (place: string) => ({
  status: 409,
  problem: 'data-conflict',
  places: [place],
});
const show = async (id: string) => (await operator.get(`subscriptions/${id}`)).body as object;
const verb = (id: string, name: string, body: object) =>
  operator.post(`subscriptions/${id}/${name}`, body);

describe('activate and cancel', () => {
  test('set their instant once: repeats change nothing, another instant is rejected', async () => {
    const id = await createTenant(operator, 'life', { starts_at: null });
    expect(await show(id)).toMatchObject({ status: 'pending', starts_at: null });

    expect(problemOf(await verb(id, 'cancel', { ends_at: JULY }))).toEqual(conflictAt('/ends_at'));
    const active = await verb(id, 'activate', { starts_at: MAY });
    expect([active.status, active.body]).toEqual([
      200,
      expect.objectContaining({ status: 'active', starts_at: MAY, ends_at: null, warnings: [] }),
    ]);
    // The same instant in another notation.
    const again = await verb(id, 'activate', { starts_at: '2026-05-01T10:00:00.000+10:00' });
    expect([again.status, again.body]).toEqual([200, active.body]);
    const moved = await verb(id, 'activate', { starts_at: JUNE });
    expect(problemOf(moved)).toEqual(conflictAt('/starts_at'));

    expect(problemOf(await verb(id, 'cancel', { ends_at: MAY }))).toEqual(conflictAt('/ends_at'));
    const cancelled = await verb(id, 'cancel', { ends_at: JULY });
    expect([cancelled.status, cancelled.body]).toEqual([
      200,
      expect.objectContaining({ status: 'cancelled', starts_at: MAY, ends_at: JULY }),
    ]);
    expect((await verb(id, 'cancel', { ends_at: JULY })).body).toEqual(cancelled.body);
    // A late or repeated request must not undo what followed.
    expect((await verb(id, 'activate', { starts_at: MAY })).body).toEqual(cancelled.body);
    expect(problemOf(await verb(id, 'cancel', { ends_at: JUNE }))).toEqual(conflictAt('/ends_at'));
    expect(cancelled.body).toEqual({ ...(await show(id)), warnings: [] });
  });

  test('reject a start that would overlap with another subscription', async () => {
    await createTenant(operator, 'busy');
    const pending = { deployment_id: 'busy', plan: { code: 'basic', version: 1 }, starts_at: null };
    expect((await operator.put('subscriptions/busy-2', pending)).status).toBe(201);
    const refused = await verb('busy-2', 'activate', { starts_at: JUNE });
    expect(problemOf(refused)).toEqual(conflictAt('/starts_at'));
    await verb('busy-1', 'cancel', { ends_at: JUNE });
    expect((await verb('busy-2', 'activate', { starts_at: JUNE })).status).toBe(200);
  });

  test('accept a start without a plan, with a warning', async () => {
    const id = await createTenant(operator, 'unplanned', { starts_at: null, plan: null });
    expect((await verb(id, 'activate', { starts_at: MAY })).body).toMatchObject({
      status: 'active',
      warnings: [{ pointer: '/plan' }],
    });
  });
});

describe('addons', () => {
  test('are attached once, with the terms of that moment', async () => {
    const id = await createTenant(operator, 'attach');
    await operator.put('addons/snap', ADDON);
    const first = await verb(id, 'addons', { code: 'snap', starts_at: MAY });
    const snapshot = {
      ...{ code: 'snap', ...ADDON, starts_at: MAY, ends_at: null, allow_repeated: false },
    };
    expect([first.status, first.body]).toEqual([
      201,
      expect.objectContaining({ subscription_id: id, addons: [snapshot] }),
    ]);

    await operator.put('addons/snap', { ...ADDON, price_cents: 999 });
    const again = await verb(id, 'addons', { code: 'snap', starts_at: MAY });
    expect([again.status, again.body]).toEqual([200, first.body]);
    const other = await verb(id, 'addons', { code: 'snap', starts_at: MAY, ends_at: JULY });
    expect(problemOf(other)).toEqual(conflictAt('/ends_at'));
    const more = { starts_at: JUNE, ends_at: JULY, allow_repeated: true };
    const second = await verb(id, 'addons', { code: 'snap', ...more });
    expect([second.status, second.body]).toEqual([
      201,
      expect.objectContaining({
        addons: [snapshot, { ...snapshot, price_cents: 999, ...more }],
      }),
    ]);
  });

  test('are detached once, and a late attach does not restore them', async () => {
    const id = await createTenant(operator, 'detach');
    await verb(id, 'addons', { code: 'more', starts_at: MAY });
    expect(problemOf(await verb(id, 'addons/more/detach', { ends_at: MAY }))).toEqual(
      conflictAt('/ends_at'),
    );
    const ended = await verb(id, 'addons/more/detach', { ends_at: JUNE });
    expect([ended.status, ended.body]).toEqual([
      200,
      expect.objectContaining({ addons: [expect.objectContaining({ ends_at: JUNE })] }),
    ]);
    expect((await verb(id, 'addons/more/detach', { ends_at: JUNE })).body).toEqual(ended.body);
    expect(problemOf(await verb(id, 'addons/more/detach', { ends_at: JULY }))).toEqual(
      conflictAt('/ends_at'),
    );
    const late = await verb(id, 'addons', { code: 'more', starts_at: MAY });
    expect([late.status, late.body]).toEqual([200, ended.body]);
  });

  test('attached more than once have to be named precisely', async () => {
    const id = await createTenant(operator, 'twice');
    for (const starts_at of [MAY, JUNE]) {
      await verb(id, 'addons', { code: 'more', starts_at, allow_repeated: true });
    }
    const detach = (body: object) => verb(id, 'addons/more/detach', { ends_at: JULY, ...body });
    const invalid = { status: 422, problem: 'invalid-request', places: ['/starts_at'] };
    expect(problemOf(await detach({}))).toEqual(invalid);
    expect(problemOf(await detach({ starts_at: JULY }))).toEqual(invalid);
    for (const starts_at of [JUNE, JUNE]) {
      expect((await detach({ starts_at })).body).toMatchObject({
        addons: [
          { starts_at: MAY, ends_at: null },
          { starts_at: JUNE, ends_at: JULY },
        ],
      });
    }
  });

  describe('with a code that is already in force', () => {
    const LATER = '2026-05-01T00:00:01Z';
    const refused = { status: 409, problem: 'data-conflict', places: ['/starts_at'] };

    test('are rejected a second later, unless the request allows it', async () => {
      const id = await createTenant(operator, 'again');
      await verb(id, 'addons', { code: 'more', starts_at: MAY });
      const second = await verb(id, 'addons', { code: 'more', starts_at: LATER });
      expect(problemOf(second)).toEqual(refused);
      expect(JSON.stringify(second.body)).toContain(
        `addon more is attached from ${MAY} to open end already`,
      );
      // One that starts earlier or has an end would overlap too.
      const before = { starts_at: '2026-04-01T00:00:00Z', ends_at: LATER };
      expect(problemOf(await verb(id, 'addons', { code: 'more', ...before }))).toEqual(refused);
      expect(await show(id)).toMatchObject({ addons: [{ starts_at: MAY }] });

      const insisting = { code: 'more', starts_at: LATER, allow_repeated: true };
      expect((await verb(id, 'addons', insisting)).status).toBe(201);
      expect(await show(id)).toMatchObject({
        addons: [
          { starts_at: MAY, allow_repeated: false },
          { starts_at: LATER, allow_repeated: true },
        ],
      });
    });

    test('can follow from the end of the first', async () => {
      const id = await createTenant(operator, 'follows');
      await verb(id, 'addons', { code: 'more', starts_at: MAY });
      await verb(id, 'addons/more/detach', { ends_at: JUNE });
      expect((await verb(id, 'addons', { code: 'more', starts_at: JUNE })).status).toBe(201);
    });

    test('are attached once by ten concurrent requests with ten starts', async () => {
      const id = await createTenant(operator, 'starts');
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, second) =>
          verb(id, 'addons', { code: 'more', starts_at: `2026-05-01T00:00:0${second}Z` }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([
        201,
        ...Array<number>(9).fill(409),
      ]);
    });

    test('are rejected by PUT and in bulk, and an end cannot move past another start', async () => {
      const id = await createTenant(operator, 'stated');
      const body = { deployment_id: 'stated', plan: { code: 'basic', version: 1 }, starts_at: MAY };
      const first = { code: 'more', starts_at: MAY, ends_at: JUNE };
      const second = { code: 'more', starts_at: JUNE };
      const put = (...addons: object[]) => operator.put(`subscriptions/${id}`, { ...body, addons });
      expect((await put(first, second)).status).toBe(200);

      const over = { ...first, ends_at: '2026-06-01T00:00:01Z' };
      expect(problemOf(await put(over, second))).toMatchObject({
        ...{ status: 409, places: ['/addons/1/starts_at'] },
      });
      const third = { code: 'more', starts_at: JULY };
      expect(problemOf(await put(first, second, third))).toMatchObject({
        ...{ status: 409, places: ['/addons/2/starts_at'] },
      });
      expect((await put(over, { ...second, allow_repeated: true })).status).toBe(200);
      // Omitted fields keep their stored value.
      expect((await put(over, second)).body).toMatchObject({
        addons: [{ allow_repeated: false }, { allow_repeated: true }],
      });

      const twice = [{ code: 'more' }, { code: 'more', starts_at: LATER }];
      const { plan, starts_at } = body;
      const subscription = { subscription_id: 'bulk-1', plan, starts_at, addons: twice };
      const bulk = await operator.put('subscriptions', {
        tenants: [
          {
            ...{ tenant_id: 'bulk', name: 'bulk', currency: 'AUD' },
            deployments: [{ deployment_id: 'bulk', subscriptions: [subscription] }],
          },
        ],
      });
      expect(problemOf(bulk)).toEqual({
        ...{ status: 422, problem: 'invalid-request' },
        places: ['/tenants/0/deployments/0/subscriptions/0/addons/1/starts_at'],
      });
    });
  });

  test('unknown names in a body are 422 with a pointer', async () => {
    const id = await createTenant(operator, 'lacks');
    await verb(id, 'addons', { code: 'more', starts_at: MAY });
    const refused = await verb(id, 'addons', { code: 'gone', starts_at: MAY });
    expect(problemOf(refused)).toEqual({
      status: 422,
      problem: 'invalid-request',
      places: ['/code'],
    });
    const backwards = { code: 'more', starts_at: JULY, ends_at: JUNE };
    expect(problemOf(await verb(id, 'addons', backwards))).toMatchObject({
      status: 422,
      places: ['/ends_at'],
    });
  });

  test('ten concurrent requests attach it once', async () => {
    const id = await createTenant(operator, 'burst');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => verb(id, 'addons', { code: 'more', starts_at: MAY })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(9).fill(200),
      201,
    ]);
    expect(await show(id)).toMatchObject({ addons: [{ code: 'more' }] });
  });
});

test.each<[string, object]>([
  ['activate', { starts_at: MAY }],
  ['cancel', { ends_at: MAY }],
  ['addons', { code: 'more', starts_at: MAY }],
  ['addons/more/detach', { ends_at: MAY }],
])('%s of an unknown subscription is 404', async (name, body) => {
  expect(problemOf(await verb('nothing', name, body))).toMatchObject({ status: 404 });
});

test('detaching an addon that the subscription never had is 404', async () => {
  const id = await createTenant(operator, 'never');
  expect((await verb(id, 'addons/more/detach', { ends_at: JULY })).status).toBe(404);
});
