import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/db/pool.ts';
import {
  findSubscriptionAddons,
  findSubscriptions,
} from '../../src/db/catalogue/stored-subscriptions.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { applySubscriptionsFile } from '../../src/catalogue/apply-subscriptions.ts';
import { ApplyError, formatProblem } from '../../src/catalogue/apply-error.ts';
import { sql } from '../../src/db/sql.ts';
import { z } from 'zod';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';

let opened: OpenTestDatabase;
let db: Database;
beforeAll(async () => {
  opened = await openTestDatabase('apiUrl', 4);
  ({ db } = opened);
  await applyAddonPrice(750);
});
afterAll(() => opened.close());

function applyAddonPrice(price_cents: number) {
  const plan = (code: string, currency: string) => ({
    code,
    versions: [1, 2].map((version) => ({
      version,
      currency,
      base_price_cents: 100,
      proration: 'daily',
      items: [],
    })),
  });
  const text = JSON.stringify({
    plans: [plan('studio', 'USD'), plan('aussie', 'AUD')],
    addons: [{ code: 'more', resource_kind: 'gb', qty: '50', price_cents }],
  });
  return applyCatalogueFile(db, { name: 'catalogue.json', bytes: Buffer.from(text) });
}

const START = '2026-01-01T00:00:00Z';
const JULY = '2026-07-01T00:00:00Z';

interface Sub {
  readonly subscription_id: string;
  readonly plan?: { readonly code: string; readonly version: number } | null;
  readonly starts_at?: string | null;
  readonly ends_at?: string | null;
  readonly addons?: readonly object[];
}

function apply(tenant_id: string, subscriptions: readonly Sub[], tenant: object = {}) {
  const full = subscriptions.map((sub) => ({
    plan: { code: 'studio', version: 1 },
    starts_at: START,
    ...sub,
  }));
  const deployments = [{ deployment_id: `${tenant_id}-a`, subscriptions: full }];
  const text = JSON.stringify({
    tenants: [{ tenant_id, name: tenant_id, currency: 'USD', deployments, ...tenant }],
  });
  return applySubscriptionsFile(db, { name: 'subscriptions.json', bytes: Buffer.from(text) });
}

async function problemsOf(applying: Promise<unknown>): Promise<string> {
  const error = await applying.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplyError)) throw new Error('was applied', { cause: error });
  return error.problems.map(formatProblem).join('\n');
}

test('applying a file again changes nothing', async () => {
  const sub = {
    subscription_id: 'twice-1',
    addons: [{ code: 'more' }, { code: 'more', allow_repeated: true }],
  };
  const first = await apply('twice', [sub]);
  expect([first.newTenants, first.newSubscriptions, first.newAddons].map((l) => l.length)).toEqual([
    1, 1, 2,
  ]);
  const second = await apply('twice', [sub]);
  const { unchangedSubscriptions, taxTreatments, ...changes } = second;
  expect(taxTreatments.created).toEqual([]);
  expect(unchangedSubscriptions).toHaveLength(1);
  expect(Object.values(changes).flat()).toEqual([]);
});

test('an attached addon keeps its terms when the catalogue changes', async () => {
  const before = { subscription_id: 'kept-1', addons: [{ code: 'more' }] };
  await apply('kept', [before]);
  await applyAddonPrice(999);
  await apply('kept', [
    {
      ...before,
      addons: [{ code: 'more' }, { code: 'more', starts_at: JULY, allow_repeated: true }],
    },
  ]);
  const prices = await db.anyFirst(sql.type(z.object({ price_cents: z.number() }))`
    SELECT price_cents FROM subscription_addons WHERE subscription_id = 'kept-1' ORDER BY position
  `);
  expect(prices).toEqual([750, 999]);
});

test('an addon ends with its ends_at, not by omission', async () => {
  const subscription_id = 'ended-1';
  await apply('ended', [{ subscription_id, addons: [{ code: 'more' }] }]);
  expect(await problemsOf(apply('ended', [{ subscription_id }]))).toContain(
    'tenants[0].deployments[0].subscriptions[0].addons: addon more, attached from 2026-01-01T00:00:00Z on, is missing',
  );
  await apply('ended', [{ subscription_id, addons: [{ code: 'more', ends_at: JULY }] }]);
  expect(await findSubscriptionAddons(db, [subscription_id])).toMatchObject([{ endsAt: JULY }]);
});

test('a change of plan ends one subscription and starts another', async () => {
  await apply('moves', [{ subscription_id: 'moves-1' }]);
  const changed = { subscription_id: 'moves-1', plan: { code: 'studio', version: 2 } };
  expect(await problemsOf(apply('moves', [changed]))).toContain('a change of plan ends it');

  await apply('moves', [
    { subscription_id: 'moves-2', plan: { code: 'studio', version: 2 }, starts_at: JULY },
    { subscription_id: 'moves-1', ends_at: JULY },
  ]);
  expect(await findSubscriptions(db, ['moves-a'], [])).toMatchObject([
    { planVersionId: 'studio-v1', endsAt: JULY },
    { planVersionId: 'studio-v2', startsAt: JULY, endsAt: null },
  ]);
});

test('one file can move the boundary between two subscriptions in either direction', async () => {
  const between = (instant: string) =>
    apply('shifts', [
      { subscription_id: 'shifts-1', ends_at: instant },
      { subscription_id: 'shifts-2', starts_at: instant },
    ]);
  await between(JULY);
  for (const instant of ['2026-08-01T00:00:00Z', '2026-06-01T00:00:00Z']) {
    expect((await between(instant)).changedSubscriptions).toHaveLength(2);
  }
});

describe('rejects, with a reason', () => {
  test('an addon while one with the same code is in force, in the file or stored', async () => {
    const [subscription_id, code] = ['again-1', 'more'];
    const second = { code, starts_at: JULY };
    expect(
      await problemsOf(apply('again', [{ subscription_id, addons: [{ code }, second] }])),
    ).toBe(
      'tenants[0].deployments[0].subscriptions[0].addons[1].starts_at: addon more is attached from ' +
        '2026-01-01T00:00:00Z to open end already, and both would be billed: end that one first, or set ' +
        '"allow_repeated": true',
    );
    await apply('again', [{ subscription_id, addons: [{ code }] }]);
    expect(
      await problemsOf(apply('again', [{ subscription_id, addons: [second, { code }] }])),
    ).toContain(
      'addons[0].starts_at: addon more is attached from 2026-01-01T00:00:00Z to open end',
    );
    const ended = { code, ends_at: JULY };
    expect(
      (await apply('again', [{ subscription_id, addons: [ended, second] }])).newAddons,
    ).toEqual([expect.objectContaining({ startsAt: JULY, allowRepeated: false })]);
  });

  test('subscriptions that overlap, in the file or with a stored one', async () => {
    await apply('laps', [{ subscription_id: 'laps-1' }]);
    expect(
      await problemsOf(apply('laps', [{ subscription_id: 'laps-2', starts_at: JULY }])),
    ).toContain('subscription laps-2 (2026-07-01T00:00:00Z to open end) overlaps with laps-1');
    const both = [{ subscription_id: 'new-1' }, { subscription_id: 'new-2', starts_at: JULY }];
    expect(await problemsOf(apply('laps2', both))).toContain('overlaps with new-1');
    const touching = [
      { subscription_id: 'new-1', ends_at: '2026-07-01T00:00:00.000001Z' },
      { subscription_id: 'new-2', starts_at: '2026-07-01T00:00:00.000001Z' },
    ];
    expect((await apply('laps2', touching)).newSubscriptions).toHaveLength(2);
  });

  test('overlaps, each reported once at the subscription that can be changed', async () => {
    await apply('long', [{ subscription_id: 'long-2', starts_at: JULY }]);
    const problems = await problemsOf(
      apply('long', [
        { subscription_id: 'long-4', starts_at: '2026-09-01T00:00:00Z' },
        { subscription_id: 'long-1' },
        {
          subscription_id: 'long-3',
          starts_at: '2026-08-01T00:00:00Z',
          ends_at: '2026-08-02T00:00:00Z',
        },
      ]),
    );
    const at = (index: number) => `tenants[0].deployments[0].subscriptions[${index}]`;
    expect(problems.split('\n').map((line) => line.replace(/ \(.*/, ''))).toEqual([
      `${at(1)}.ends_at: subscription long-1`,
      `${at(2)}.starts_at: subscription long-3`,
      `${at(0)}.starts_at: subscription long-4`,
    ]);
  });

  test('unknown plans and addons, all at once, without applying anything', async () => {
    const problems = await problemsOf(
      apply('lacks', [
        {
          subscription_id: 'lacks-1',
          plan: { code: 'gone', version: 1 },
          addons: [{ code: 'gone' }],
        },
      ]),
    );
    expect(problems).toContain('.plan: the catalogue has no plan version gone-v1');
    expect(problems).toContain('.addons[0].code: the catalogue has no addon gone');
    expect(await findSubscriptions(db, ['lacks-a'], [])).toEqual([]);
  });

  test("another tenant's deployment, and another currency", async () => {
    await apply('owner', [{ subscription_id: 'owner-1' }]);
    const deployments = [{ deployment_id: 'owner-a' }];
    expect(await problemsOf(apply('thief', [], { deployments }))).toContain(
      'deployment owner-a belongs to another tenant, owner',
    );
    expect(await problemsOf(apply('owner', [], { currency: 'AUD' }))).toContain(
      "tenant owner is billed in USD, which can't change",
    );
  });

  test.each([
    [
      'an end before the start',
      { ends_at: '2025-01-01T00:00:00Z' },
      '.ends_at: expected an instant after',
    ],
    [
      'a time without an offset',
      { starts_at: '2026-01-01T00:00:00' },
      '.starts_at: expected a local date such as "2026-05-20", or an RFC 3339 instant',
    ],
    [
      'an addon without any start',
      { starts_at: null, addons: [{ code: 'more' }] },
      '.addons[0].starts_at: required',
    ],
  ])('%s', async (_, wrong, expected) => {
    const problems = await problemsOf(apply('slips', [{ subscription_id: 'slips-1', ...wrong }]));
    expect(problems).toContain(expected);
  });
});

test('accepts subscriptions that month end will park, with a warning', async () => {
  const { warnings } = await apply('odd', [
    { subscription_id: 'odd-1', plan: { code: 'aussie', version: 1 }, ends_at: JULY },
    { subscription_id: 'odd-2', plan: null, starts_at: JULY },
  ]);
  expect(warnings.map(({ message }) => message)).toEqual([
    'aussie-v1 is in AUD, the tenant is billed in USD: month end will park tenant odd',
    'subscription odd-2 has no plan: month end will park tenant odd',
  ]);
  // The missing plan can be added later.
  const given = await apply('odd', [
    { subscription_id: 'odd-2', plan: { code: 'studio', version: 1 }, starts_at: JULY },
  ]);
  expect(given.changedSubscriptions).toHaveLength(1);
});
