import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { recordControlTotals } from '../../src/ingestion/record-control-totals.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { MONTH, seedUsage } from '../_util/seed.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

const PATH = `/operator/months/${MONTH}/control-totals`;
const ACCEPT = `${PATH}/acme-a/accept`;

let api: TestApi;
let operator: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  operator = await signIn(api.app, api.keys.operator);
});
afterAll(() => api[Symbol.asyncDispose]());

const use = () =>
  seedUsage(api.db, {
    ...{ tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '150.5' },
  });
const state = (day: string, requests: number) =>
  recordControlTotals(
    api.db,
    [{ tenant_id: 'acme', deployment_id: 'acme-a', day, requests, charge_cents: '301' }],
    { actor: 'key:gateway', now: () => new Date() },
  );

/** The hidden fields of the form, as a browser sends them. */
async function hiddenFields(): Promise<Record<string, string>> {
  const { text } = await operator.get(ACCEPT);
  const form = text.slice(text.indexOf(`action="${ACCEPT}"`));
  return Object.fromEntries(
    [...form.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
      name!,
      value!.replaceAll('&quot;', '"').replaceAll('&#34;', '"'),
    ]),
  );
}

test('without totals the page says so, and the month links to it', async () => {
  const { status, text } = await operator.get(PATH);
  expect(status).toBe(200);
  expect(text).toContain('The gateway stated no control totals for May 2026.');
  expect((await operator.get(`/operator/months/${MONTH}`)).text).toContain(`href="${PATH}"`);
});

describe('with a total that differs', () => {
  beforeAll(async () => {
    await use();
    await state(`${MONTH}-15`, 2);
    await buildInvoices(
      { activities: createActivities({ ...ACTIVITY_DEPS, db: api.db, controlTotals: 'park' }) },
      ['acme'],
    );
  });

  test('the page shows both figures, and the parked tenant says why', async () => {
    const { text } = await operator.get(PATH);
    expect(text).toContain('Deployments: 0 equal, 1 not equal, 0 with LLM usage but no total.');
    expect(text).toContain('2<span class="sub">AUD 3.01</span>');
    expect(text).toContain('1<span class="sub">AUD 1.505</span>');
    expect(text).toContain(`href="${ACCEPT}"`);
    const month = await operator.get(`/operator/months/${MONTH}`);
    expect(month.text).toContain('control_total_mismatch');
    expect(month.text).toContain(`<a href="${PATH}">Compare and accept</a>`);
  });

  test.each([
    [{ reason: ' ' }, 'Reason: '],
    [{ reason: 'x', days: 'no json' }, 'There is a problem'],
    [{ reason: 'x', tenant_id: 'nobody' }, 'there is no tenant nobody'],
  ])('a form with %j accepts nothing, and says why', async (fields, message) => {
    const { status, text } = await operator.post(ACCEPT, { ...(await hiddenFields()), ...fields });
    expect(status).toBe(422);
    expect(text).toContain(message);
    expect((await operator.get(PATH)).text).toContain('different');
  });

  test('figures that have changed since are not accepted', async () => {
    const seen = await hiddenFields();
    await state(`${MONTH}-15`, 3);
    const { status, text } = await operator.post(ACCEPT, { ...seen, reason: 'counted retries' });
    expect(status).toBe(422);
    expect(text).toContain('The figures have changed since this page was loaded');
    expect(text).toContain('3<span class="sub">AUD 3.01</span>');
  });

  test('the shown figures are accepted, also by a form that is sent twice', async () => {
    const fields = { ...(await hiddenFields()), reason: 'counted <retries>' };
    for (const time of ['once', 'twice']) {
      const { status, headers } = await operator.post(ACCEPT, fields);
      expect([status, headers.location], time).toEqual([303, PATH]);
    }
    const { text } = await operator.get(PATH);
    expect(text).toContain('By key:ops: counted &lt;retries&gt;');
    expect(text).not.toContain(`href="${ACCEPT}"`);
    const again = await operator.get(ACCEPT);
    expect(again.text).toContain('No control total of acme-a differs any more.');
  });

  test('an unknown deployment is not found, and a tenant can not open the pages', async () => {
    expect((await operator.get(`${PATH}/nobody-a/accept`)).status).toBe(404);
    const tenant = await signIn(api.app, api.keys.acme);
    for (const path of [PATH, ACCEPT]) expect((await tenant.get(path)).status).toBe(403);
  });
});
