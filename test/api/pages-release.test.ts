import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { MONTH, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

const PATH = `/operator/months/${MONTH}/release`;

let api: TestApi;
let operator: TestBrowser;
let activities: ReturnType<typeof createActivities>;
beforeAll(async () => {
  api = await createTestApi({}, { seller: false });
  const { db, app, keys } = api;
  activities = createActivities({ ...ACTIVITY_DEPS, db });
  await seedSeller(db, { release: 'review' });
  await seedTenant(db, 'globex');
  await seedTenant(db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
  // Globex is the outlier.
  const usage = { tenantId: 'globex', deploymentId: 'globex-a', kind: 'llm_usage' };
  await seedUsage(db, { ...usage, amount: '10000' });
  const tenantIds = ['acme', 'globex', 'zeta'];
  await buildInvoices({ activities }, tenantIds, { month: '2026-04' });
  await buildInvoices({ activities }, [...tenantIds, 'broken']);
  operator = await signIn(app, keys.operator);
});
afterAll(() => api[Symbol.asyncDispose]());

/** The hidden fields of the form, as a browser sends them. */
async function hiddenFields(): Promise<Record<string, string>> {
  const { text } = await operator.get(PATH);
  const form = text.slice(text.indexOf(`action="${PATH}"`));
  return Object.fromEntries(
    [...form.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
      name!,
      value!,
    ]),
  );
}
const waiting = async () => (await operator.get(`/operator/months/${MONTH}`)).text;

describe('the page of a month under review', () => {
  test('shows the totals, the largest change first, and the parked tenants', async () => {
    const { status, text } = await operator.get(PATH);
    expect(status).toBe(200);
    expect(text).toContain('<dt>Waiting</dt><dd>3</dd>');
    // Three times 50.00 and 100.00 of LLM usage, plus GST.
    expect(text).toContain('<dt>3 invoices</dt><dd>AUD 275.00</dd>');
    const order = ['globex-000002', 'acme-000002'].map((number) => text.indexOf(number));
    expect(order[0]).toBeGreaterThan(0);
    expect(order[1]).toBeGreaterThan(order[0]!);
    expect(text).toContain('+110.00');
    expect(text).toMatch(/Parked, so not part of this review: <span class="id">broken<\/span>/);
  });

  test('is linked from the month, which says how many wait', async () => {
    const text = await waiting();
    expect(text).toContain('<dt>Waiting for release</dt><dd>3</dd>');
    expect(text).toContain(`<a href="${PATH}">3 invoices wait for release</a>`);
    expect(text).toContain(`href="${PATH}"`);
  });

  test('filters the list of invoices', async () => {
    const { text } = await operator.get(`/operator/months/${MONTH}/invoices?release=waiting`);
    expect(text).toContain('globex-000002');
    expect(text).toContain('<option value="waiting" selected>');
  });
});

describe('the page of one invoice that waits', () => {
  const hrefOf = async (tenantId: string) => {
    const invoice = (await invoicesOf(api.db, tenantId)).find(({ month }) => month === '2026-04');
    return `/operator/invoices/${invoice!.invoiceId}`;
  };

  test('releases it to its tenant, and nothing else', async () => {
    const [acme, zeta] = [await hrefOf('acme'), await hrefOf('zeta')];
    expect((await operator.get(acme)).text).toContain(`href="${acme}/release"`);
    const opened = await operator.get(`${acme}/release`);
    expect(opened.text).toContain('acme sees invoice acme-000001 of AUD 55.00 at once');
    expect(opened.text).toContain('The other 2 invoices of April 2026 that wait stay unreleased.');
    const without = await operator.fill(`${acme}/release`, { reason: 'reviewed' });
    expect([without.status, without.text]).toEqual([422, expect.stringContaining('Tick the box')]);
    const answer = await operator.act(`${acme}/release`, { reason: 'reviewed' });
    expect(answer.headers.location).toBe(`${acme}?done=released`);
    const [action] = await listOperatorActions(api.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({ action: 'postRelease', tenant_ids: ['acme'], outcome: 'done' });
    expect((await operator.get(acme)).text).not.toContain(`href="${acme}/release"`);
    expect((await operator.get(zeta)).text).toContain(`href="${zeta}/release"`);
    expect((await operator.get(`${acme}/release`)).text).toContain(
      'The tenant has seen acme-000001',
    );
  });

  test('does so once if the form is sent twice, and asks again if another one was released since', async () => {
    const [globex, zeta] = [await hrefOf('globex'), await hrefOf('zeta')];
    const [first, second] = [
      await operator.get(`${globex}/release`),
      await operator.get(`${zeta}/release`),
    ];
    const fields = { reason: 'reviewed' };
    const answers = [
      await operator.confirm(`${globex}/release`, first, fields),
      await operator.confirm(`${globex}/release`, first, fields),
    ];
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    const again = await operator.confirm(`${zeta}/release`, second, fields);
    expect([again.status, again.text]).toEqual([
      200,
      expect.stringContaining('No other invoice of April 2026 waits.'),
    ]);
    expect((await operator.confirm(`${zeta}/release`, again)).status).toBe(303);
  });
});

describe('its form', () => {
  test.each([
    [{ scope: 'all', reason: 'reviewed' }, 'Confirm that tenants will see these invoices'],
    [{ scope: 'selected', reason: 'reviewed', confirmed: 'true' }, 'Select at least one invoice'],
    [{ scope: 'all', reason: ' ', confirmed: 'true' }, 'Reason: '],
    [{ scope: 'all', reason: 'x', confirmed: 'true', seen: '2, AUD 1' }, 'have changed since'],
  ])('releases nothing with %j, and says why', async (fields, message) => {
    const { status, text } = await operator.post(PATH, { ...(await hiddenFields()), ...fields });
    expect(status).toBe(422);
    expect(text).toContain(message);
    expect(text).toContain('<title>Error: ');
    expect(await waiting()).toContain('<dt>Waiting for release</dt><dd>3</dd>');
  });

  test('releases the selected tenants, and the rest after that', async () => {
    const confirmed = { reason: 'reviewed', confirmed: 'true' };
    const some = {
      ...(await hiddenFields()),
      ...confirmed,
      scope: 'selected',
      tenant_id: ['acme'],
    };
    const { status, headers } = await operator.post(PATH, some);
    expect([status, headers.location]).toEqual([303, PATH]);
    expect(await waiting()).toContain('<dt>Waiting for release</dt><dd>2</dd>');
    const [action] = await listOperatorActions(api.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({
      action: 'postRelease',
      actor: 'key:ops',
      tenant_ids: ['acme'],
      reason: 'reviewed',
      outcome: 'done',
    });

    const all = { ...(await hiddenFields()), ...confirmed, scope: 'all' };
    expect((await operator.post(PATH, all)).status).toBe(303);
    expect((await operator.get(PATH)).text).toContain('No invoice of May 2026 waits for release.');
    expect(await waiting()).not.toContain('Waiting for release');
    // Sent twice, it changes nothing.
    expect((await operator.post(PATH, all)).status).toBe(303);
  });

  test('is not for tenants', async () => {
    const tenant = await signIn(api.app, api.keys.acme);
    expect((await tenant.get(PATH)).status).toBe(403);
  });
});
