import { afterAll, beforeAll, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { releaseCured } from '../../src/ingestion/quarantine/release-cured.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { litellmEvent } from '../_util/litellm-event.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let gateway: string;
beforeAll(async () => {
  api = await createTestApi();
  const key = { label: 'litellm', scope: 'gateway', currency: 'AUD' } as const;
  gateway = (await createKey(api.db, key)).plainKey;
});
afterAll(() => api[Symbol.asyncDispose]());

function eventOf(id: string, cost: number) {
  return litellmEvent({
    ...{ id: `chatcmpl-${id}`, litellm_call_id: `call-${id}`, response_cost: cost },
    startTime: Date.parse('2026-05-30T12:00:00.250Z') / 1000,
    metadata: {
      ...{ user_api_key_alias: 'newco-a', user_api_key_team_id: 'newco' },
      user_api_key_user_email: 'anna@example.test',
    },
  });
}

async function sendBatch() {
  const { status, body } = await api.call('post', '/api/v1/integrations/litellm', {
    key: gateway,
    body: [eventOf('1', 1.204), eventOf('2', 0.002)],
  });
  expect(status).toBe(200);
  return (body as { counts: object }).counts;
}

async function read<Body>(path: string): Promise<Body> {
  const { status, body } = await api.call('get', path, { key: api.keys.operator });
  expect(status, path).toBe(200);
  return body as Body;
}

const put = async (path: string, body: object) => {
  const { status } = await api.call('put', path, { key: api.keys.operator, body });
  expect([200, 201], path).toContain(status);
};

async function heldInMay() {
  const { quarantined } = await read<{ quarantined: object[] }>('/api/v1/roll-ups/2026-05');
  return quarantined;
}

test('usage of an unknown tenant of LiteLLM becomes a line of its invoice', async () => {
  expect(await sendBatch()).toMatchObject({ accepted: 0, quarantined: 2 });
  // LiteLLM sends a batch again if the answer is lost.
  await sendBatch();
  const { events } = await read<{ events: object[] }>('/api/v1/quarantined-usage?tenant_id=newco');
  expect(events).toMatchObject([
    { held_for: 'unknown_tenant', gateway_key: 'litellm', charge_cents: '0.2', model: 'large' },
    { held_for: 'unknown_tenant', source_id: 'litellm:call-1:chatcmpl-1', charge_cents: '120.4' },
  ]);
  expect(JSON.stringify(events)).not.toContain('anna@example.test');
  expect(await heldInMay()).toEqual([
    { held_for: 'unknown_tenant', currency: 'AUD', events: 2, charge_cents: '120.6' },
  ]);

  await put('/api/v1/tenants/newco', { name: 'Newco', currency: 'AUD' });
  await put('/api/v1/deployments/newco-a', { tenant_id: 'newco' });
  const sweep = () => releaseCured(api.db, { now: new Date(), timeBounds: ANY_TIME });
  expect(await sweep()).toMatchObject({
    released: 2,
    added: [{ currency: 'AUD', charge_cents: '120.6' }],
  });
  expect(await sweep()).toMatchObject({ released: 0 });
  expect(await heldInMay()).toEqual([]);
  expect(await sendBatch()).toMatchObject({ accepted: 0, duplicates: 2, quarantined: 0 });

  const deps = { ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS };
  const world = { activities: createActivities(deps) };
  await buildInvoices(world, ['newco']);
  const [invoice] = await invoicesOf(api.db, 'newco');
  const path = `/api/v1/invoices/${invoice!.invoiceId}`;
  const { lines } = await read<{ lines: { kind: string; line_no: number }[] }>(path);
  const line = lines.find(({ kind }) => kind === 'llm_usage')!;
  expect(line).toMatchObject({
    deployment_id: 'newco-a',
    qty: '2',
    amount_cents: 121,
    meta: { exact_cents: '120.6' },
  });
  const usage = await read<{ events: object[] }>(`${path}/lines/${line.line_no}/usage`);
  expect(usage.events).toMatchObject([
    { event_id: 'litellm:call-1:chatcmpl-1', amount: '120.4' },
    { event_id: 'litellm:call-2:chatcmpl-2', amount: '0.2' },
  ]);
  await expectSoundBooks(api.db);
});
