import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createApp } from '../../src/api/app.ts';
import { recordItems } from '../../src/catalogue/record-items.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { sql } from '../../src/db/sql.ts';
import { digestOf, hold } from '../../src/ingestion/quarantine/hold.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';
import { read, signIn, type TestBrowser } from './_pages.ts';

/** The operators' pages of tenants, and of the running month. The running month is May 2026; April is invoiced, paid in part and adjusted. */

const APRIL = '2026-04';
const ACME = '/operator/tenants/acme';

let api: TestApi;
let operator: TestBrowser;
let clock = new Date('2026-05-16T12:00:00Z');
beforeAll(async () => {
  api = await createTestApi({ now: () => clock });
  const { db } = api;
  const activities = createActivities({ ...ACTIVITY_DEPS, db });
  await seedTenant(db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
  await seedTenant(db, 'left', [{ deploymentId: 'left-a', endsAt: '2026-02-01T00:00:00Z' }]);
  await seedTenant(db, 'stuck', [{ deploymentId: 'stuck-a', planVersionId: null }]);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO tenants (tenant_id, name, currency)
    SELECT 'x-' || to_char(n, 'FM000'), 'X', 'AUD' FROM generate_series(1, 120) n`);
  const acme = { tenantId: 'acme', deploymentId: 'acme-a', month: APRIL };
  await seedUsage(db, { ...acme, kind: 'llm_usage', amount: '100' });
  await buildInvoices({ activities }, ['acme', 'zeta', 'broken', 'stuck'], { month: APRIL });
  const [invoice] = await invoicesOf(db, 'acme');
  await settleInvoice(api, invoice!);
  await seedUsage(db, { ...acme, kind: 'llm_usage', amount: '50' });
  await forceInvoices({ activities }, ['acme'], {}, APRIL);
  await seedUsage(db, { ...acme, kind: 'llm_tokens', amount: '1500000' });
  // Without a subscription in April, no run can bill it any more.
  await db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET plan_version_id = 'studio-v1', starts_at = '2026-05-01T00:00:00Z'
    WHERE tenant_id = 'stuck'`);
  await recordItems(
    db,
    [
      {
        ...{ item_id: 'workshop-7', tenant_id: 'acme', month: '2026-07' },
        ...{ description: 'Workshop', amount_cents: 25_000 },
      },
    ],
    'key:ops',
  );
  const fields = { tenant_id: 'acme', model: 'large-2' };
  await hold(db, null, [
    { sourceId: digestOf('x'), reason: 'malformed', detail: 'it has no response_cost', fields },
  ]);
  const buyer = { legal_name: 'Acme Holdings Pty Ltd', abn: '51824753556' };
  const { operator: key } = api.keys;
  const put = async (path: string, body: object) => {
    const { status } = await api.call('put', `/api/v1/${path}`, { key, body });
    expect([200, 201], path).toContain(status);
  };
  await put('tenants/acme', { name: 'Acme Pty Ltd', currency: 'AUD', buyer });
  await put('tenants/acme', {
    ...{ name: 'Acme Pty Ltd', currency: 'AUD' },
    buyer: { ...buyer, legal_name: 'Acme Group Pty Ltd' },
  });
  await put('tax', {
    treatments: [{ code: 'nz-export', label: 'GST', rate: '0', note: 'GST-free.' }],
    assignments: [{ tenant_id: 'acme', from: '2026-06', treatment: 'nz-export' }],
  });
  await put('deployments/acme-b', { tenant_id: 'acme' });
  await put('subscriptions/acme-next', {
    ...{ deployment_id: 'acme-b', plan: { code: 'studio', version: 1 } },
    starts_at: '2026-07-01T09:30:00Z',
  });
  await api.call('post', '/api/v1/integrations/llm-usage', {
    key: api.keys.gateway,
    body: { events: [llmEvent({ charge_cents: '1200' })] },
  });
  operator = await signIn(api.app, key);
});
afterAll(() => api[Symbol.asyncDispose]());

async function pageOf(path: string, visitor = operator): Promise<string> {
  const { status, text } = await visitor.get(path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return text;
}

/** A tenant's page once its usage is there. */
function wholePage(path = ACME, visitor = operator): Promise<string> {
  return until(
    () => pageOf(path, visitor),
    (html) => !html.includes('data-live'),
  );
}

/** A visitor of an app that reads running months by another statement. */
function visitorWith(change: (statement: string) => string): Promise<TestBrowser> {
  const db = interceptQueries(api.deps.db, (query) =>
    query.sql.includes('isLastMonthSettled') ? { ...query, sql: change(query.sql) } : query,
  );
  return signIn(createApp({ ...api.deps, db }), api.keys.operator);
}

describe('the list of tenants', () => {
  const namesOn = async (query: string) =>
    [
      ...(await pageOf(`/operator/tenants${query}`)).matchAll(
        /<th scope="row"[^>]*><a href="\/operator\/tenants\/([\w-]+)">/g,
      ),
    ].map(([, id]) => id);

  test('shows what each has, owes and needs', async () => {
    const text = read(await pageOf('/operator/tenants'));
    expect(text).toMatch(/Acme Pty Ltd acme 1 acme-000001 April 2026, AUD 56\.10/);
    expect(text).toMatch(/broken broken 1 .* parked in April 2026/);
    expect(text).toMatch(/left left none in force/);
  });

  test.each([
    ['?search=PTY', ['acme']],
    ['?search=e', ['acme', 'broken', 'left', 'zeta']],
    ['?search=%25', []],
    ['?state=active', ['acme', 'broken', 'stuck', 'zeta']],
    ['?state=inactive&search=E', ['left']],
    ['?state=parked', ['broken']],
    ['?state=parked&search=acme', []],
  ])('is filtered: %s', async (query, expected) => {
    expect(await namesOn(query)).toEqual(expected);
  });

  test('has each tenant on one page', async () => {
    const seen: (string | undefined)[] = [];
    let path: string | undefined = '?search=x-';
    while (path !== undefined) {
      seen.push(...(await namesOn(path)));
      const html = await pageOf(`/operator/tenants${path}`);
      path = /href="\/operator\/tenants([^"]+)" rel="next"/
        .exec(html)?.[1]
        ?.replaceAll('&amp;', '&');
    }
    expect(seen).toHaveLength(120);
    expect(new Set(seen).size).toBe(120);
  });

  test('is searched by the API too', async () => {
    const list = async (query: string) => {
      const { body } = await api.call('get', `/api/v1/tenants?${query}`, {
        key: api.keys.operator,
      });
      return (body as { tenants: { tenant_id: string }[] }).tenants.map((each) => each.tenant_id);
    };
    expect(await list('search=pty')).toEqual(['acme']);
    expect(await list('search=e')).toEqual(['acme', 'broken', 'left', 'zeta']);
    expect(await list('search=x-&limit=500')).toHaveLength(120);
  });

  test('rejects a wrong state, cursor or text', async () => {
    for (const query of ['?state=lost', '?cursor=x', `?search=${'x'.repeat(101)}`]) {
      expect((await operator.get(`/operator/tenants${query}`)).status, query).toBe(422);
    }
  });
});

describe('the page of a tenant', () => {
  test('answers what it has, owes and uses', async () => {
    const text = read(await wholePage());
    expect(text).toContain('Acme Pty Ltd acme is invoiced in AUD.');
    // 56.10 and 0.55 on the note, less a payment of 0.01.
    expect(text).toContain('Balance AUD 56.64');
    expect(text).toMatch(/Usage is held in quarantine : 1 for malformed/);
    expect(text).toContain('May 2026 so far');
    expect(text).toContain('LLM charges AUD 12.00');
    expect(text).toMatch(/Late usage .* April 2026 ↻ needs re run .* Rerun April 2026 .*\+5\.50/);
    expect(text).toMatch(/Invoices .* acme-000001 April 2026 .* Adjustment notes .* acme-A000001/);
    expect(text).toMatch(/Payments .* for acme-000001 .* AUD 0\.01/);
    expect(text).toMatch(/Charges and credits that wait .* Workshop .* AUD 250\.00/);
    expect(text).toMatch(/acme-a sub-acme-a studio, version 1 ✓ in force from 1 January 2025/);
    expect(text).toMatch(/acme-b acme-next .* starts later from 2026-07-01 09:30 UTC/);
    expect(text).toMatch(/June 2026 nz-export GST \(0%\) GST-free\./);
    expect(text).toMatch(/2 ✓ current .* Acme Group Pty Ltd .* 1 .* Acme Holdings Pty Ltd/);
    expect(text).toContain('1 API key of its own');
    expect(text).not.toContain('zeta');
  });

  test('leads to the actions and to all of each list', async () => {
    const html = await wholePage();
    const links = new Set([...html.matchAll(/href="(\/operator\/[^"#]+)"/g)].map(([, to]) => to!));
    for (const link of ['/operator/items/new?tenant_id=acme', `/operator/months/${APRIL}/re-run`]) {
      expect(
        [...links].some((to) => to.startsWith(link)),
        link,
      ).toBe(true);
    }
    for (const link of links) {
      const path = link.replaceAll('&amp;', '&');
      expect([200, 303], path).toContain((await operator.get(path)).status);
    }
  });

  test('says why it is parked and what to do', async () => {
    const html = await pageOf('/operator/tenants/broken');
    expect(read(html)).toMatch(
      /Needs you .* April 2026 .* missing_plan_version .* Give the subscription a plan version\. Rerun April 2026/,
    );
    expect(html).toContain(`href="/operator/months/${APRIL}/re-run?tenant_id=broken"`);
    expect(read(html)).toContain('! no plan');
  });

  test('shows an ended subscription with its last day', async () => {
    expect(read(await pageOf('/operator/tenants/left'))).toMatch(
      /Ended subscriptions .* · ended 1 January 2025 to 31 January 2026/,
    );
  });

  test('does not show a month for which the tenant is not due any more', async () => {
    expect(read(await pageOf('/operator/tenants/stuck'))).not.toContain('Needs you');
  });

  test.each(['nobody', 'no id!', 'x'.repeat(300)])('says if there is no tenant %j', async (id) => {
    const { status, text } = await operator.get(`/operator/tenants/${encodeURIComponent(id)}`);
    expect(status).toBe(404);
    expect(text).toContain('There is no tenant');
  });

  test('has the lists and the running month that the tenant sees', async () => {
    const tenant = await signIn(api.app, api.keys.acme);
    for (const path of ['/invoices', '/adjustment-notes', '/payments', '/usage/2026-05']) {
      const [own, operators] = [await pageOf(`/tenant${path}`, tenant), await pageOf(ACME + path)];
      const bodyOf = (html: string) => read(/<main[\s\S]*<\/main>/.exec(html)![0]);
      for (const row of bodyOf(own).match(/acme-A?\d+ April 2026|AUD \d+\.\d\d/g) ?? []) {
        expect(bodyOf(operators), path).toContain(row);
      }
      expect(operators, path).not.toContain('href="/tenant');
      expect(operators, path).toContain(`href="${ACME}"`);
    }
    const month = await pageOf(`${ACME}/this-month`);
    expect(read(month)).toMatch(/Model Requests Charges large-2 1 AUD 12\.00/);
    expect(month).not.toContain('"/tenant');
    expect((await operator.get(`${ACME}/usage`)).headers.location).toBe(`${ACME}/usage/2026-05`);
    const csv = await operator.get(`${ACME}/usage/${APRIL}.csv`);
    expect(csv.headers['content-disposition']).toContain(`usage-acme-${APRIL}.csv`);
    expect(read(await pageOf(`${ACME}/subscriptions`))).toContain('sub-acme-a');
  });

  test('is sent before its usage is computed, which follows', async () => {
    const visitor = await visitorWith((statement) =>
      statement.replace('FROM tenants t', 'FROM pg_sleep(1), tenants t'),
    );
    const html = await pageOf(ACME, visitor);
    expect(html).toContain(`data-live="${ACME}/live"`);
    expect(read(html)).toContain('acme-000001');
    expect(await pageOf(`${ACME}/live`, visitor)).not.toContain('data-ended');
    const live = () => pageOf(`${ACME}/live`, visitor);
    await until(live, (text) => text.includes('data-ended'));
    const loaded = await pageOf(ACME, visitor);
    expect(loaded).not.toContain('data-live');
    expect(read(loaded)).toContain('LLM charges AUD 12.00');
    // The next visit computes it again.
    expect(await pageOf(ACME, visitor)).toContain('data-live');
  });

  test('has its other parts if the usage cannot be read', async () => {
    const text = read(await wholePage(ACME, await visitorWith(() => 'SELECT 1/0')));
    expect(text).toContain('can’t be shown at the moment');
    expect(text).toContain('acme-000001');
  });

  test('lets operators set and remove spend thresholds, on the record', async () => {
    const path = `${ACME}/thresholds`;
    const set = await operator.post(path, { threshold_id: 'warning', amount: '99' });
    expect(set.headers.location).toBe(path);
    expect(read(await pageOf(ACME))).toMatch(/Spend thresholds .* warning AUD 99\.00/);
    expect((await operator.post(path, { threshold_id: 'x', amount: 'many' })).status).toBe(422);
    expect((await operator.post(`${path}/warning/remove`, {})).headers.location).toBe(path);
    expect(read(await pageOf(path))).toContain('No thresholds yet.');
    const actions = await listOperatorActions(api.db, {}, { after: null, limit: 20 });
    expect(actions.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['deleteUsageThreshold', 'putUsageThreshold']),
    );
  });
});

describe('the search', () => {
  const find = (q: string) =>
    operator.get(`/operator/search?${new URLSearchParams({ q }).toString()}`);

  test('leads to what it names', async () => {
    const [invoice] = await invoicesOf(api.db, 'acme');
    const [note] = await notesOf(api.db, 'acme');
    for (const [q, path] of [
      ['acme', ACME],
      [' acme ', ACME],
      ['ACME P', ACME],
      // Also the beginning of the numbers of its documents.
      ['acm', ACME],
      ['acme-000001', `/operator/invoices/${invoice!.invoiceId}`],
      ['acme-A000001', `/operator/adjustment-notes/${note!.invoiceId}`],
      ['acme-A', `/operator/adjustment-notes/${note!.invoiceId}`],
    ] as const) {
      const { status, headers } = await find(q);
      expect({ q, status, to: headers.location }).toEqual({ q, status: 303, to: path });
    }
  });

  test('lists tenants, and the numbers that begin like it', async () => {
    const { status, text } = await find('acme-');
    expect(status).toBe(200);
    expect(read(text)).toContain('No tenants match.');
    expect(read(text)).toMatch(
      /acme-000001 Acme Pty Ltd acme April 2026 AUD 56\.10 .* acme-A000001/,
    );
    expect(text).toContain('name="q" type="search" value="acme-"');
    expect((await find('x-')).text).toContain('All tenants that match');
  });

  test.each(['nothing like it', "'; DROP TABLE tenants; --", '%', '_', '\\', '<b>'])(
    'finds nothing for %j',
    async (q) => {
      const { status, text } = await find(q);
      expect(status).toBe(200);
      expect(read(text)).toMatch(/No tenants match\. .* No numbers begin like this\./);
      expect(text).not.toContain('<b>');
    },
  );

  test('asks for a text without one, and refuses one that is too long', async () => {
    expect(read(await pageOf('/operator/search'))).toContain('Finds tenants by a part');
    expect(read(await pageOf('/operator/search?q=%20'))).toContain('Finds tenants by a part');
    expect((await find('x'.repeat(101))).status).toBe(422);
  });

  test('is on the pages of operators, and not on those of tenants', async () => {
    const tenant = await signIn(api.app, api.keys.acme);
    for (const path of ['/operator/months', '/operator/quarantine', ACME, '/quote']) {
      expect(await pageOf(path), path).toContain('action="/operator/search"');
    }
    for (const path of ['/tenant', '/quote']) {
      expect(await pageOf(path, tenant), path).not.toContain('/operator');
    }
  });
});

test('the running month says what it will be, from usage that is kept for a minute', async () => {
  let sums = 0;
  const db = interceptQueries(api.deps.db, (query) => {
    if (query.sql.includes('usage_exclusions e USING (bucket_id)')) sums += 1;
    return query;
  });
  const visitor = await signIn(createApp({ ...api.deps, db }), api.keys.operator);
  const visit = async () => read(await pageOf('/operator/months/2026-05', visitor));
  const later = (ms: number) => {
    clock = new Date(clock.getTime() + ms);
  };
  // Half of the month has passed: 12.00 of LLM usage so far, and the plans of two tenants as in April.
  const first = await visit();
  expect(first).toContain('Running: day 16 of 31, about AUD 124.00 before tax');
  expect(first).toMatch(/LLM usage AUD 1\.00 AUD 24\.00 Before tax AUD 101\.00 AUD 124\.00/);
  expect(first).toMatch(/LLM charges AUD 12\.00 AUD 24\.00.*As of 2026-05-16 12:00 UTC/);
  await api.call('post', '/api/v1/integrations/llm-usage', {
    key: api.keys.gateway,
    body: { events: [llmEvent({ charge_cents: '100' })] },
  });
  later(59_000);
  expect(await visit()).toContain('LLM charges AUD 12.00');
  expect(sums).toBe(1);
  later(1000);
  expect(await visit()).toMatch(/LLM charges AUD 13\.00.*As of 2026-05-16 12:01 UTC/);
  expect(sums).toBe(2);
});
