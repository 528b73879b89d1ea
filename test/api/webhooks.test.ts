import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  claimDeliveries,
  readWebhookGauges,
  recordAttempts,
} from '../../src/db/webhooks/webhook-deliveries.ts';
import type { WebhookEndpoint } from '../../src/db/webhooks/webhook-endpoints.ts';
import { allowsPublicAnd } from '../../src/webhooks/addresses.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { deliveriesOf, putEvent } from '../webhooks/_receiving.ts';
import { createTestApi, type CallOptions, type TestApi } from './_harness.ts';

const CONFIG = { ...API_CONFIG, signingMasterSecrets: ['m'.repeat(32)] };
const URL_ = 'https://billing.example.com/hooks';
const ENDPOINTS = '/api/v1/webhook-endpoints';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ config: CONFIG, allowsAddress: allowsPublicAnd(['10.20.0.0/16']) });
  api.deps.metrics.watchWebhooks(() => readWebhookGauges(api.deps.db));
});
afterAll(() => api[Symbol.asyncDispose]());

const call = (method: 'get' | 'post' | 'delete', path: string, options: CallOptions = {}) =>
  api.call(method, path, { key: api.keys.operator, ...options });

type Registered = WebhookEndpoint & { readonly secret: string };

async function register(body: object = {}): Promise<Registered> {
  const sent = { url: URL_, event_types: ['invoice.issued'], ...body };
  const answer = await call('post', ENDPOINTS, { body: sent });
  expect(answer.status).toBe(201);
  return answer.body as Registered;
}

describe('an endpoint', () => {
  test('is registered, read and listed; its secret is shown once', async () => {
    const { secret, ...endpoint } = await register({ label: 'billing' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(endpoint).toMatchObject({
      ...{ url: URL_, label: 'billing', event_types: ['invoice.issued'] },
      ...{ disabled_at: null, pending: 0, dead: 0 },
      secrets: [{ expires_at: null }],
    });
    expect((await call('get', `${ENDPOINTS}/${endpoint.endpoint_id}`)).body).toEqual(endpoint);
    const { body } = await call('get', ENDPOINTS);
    expect(body).toMatchObject({ webhook_endpoints: expect.arrayContaining([endpoint]) as object });
    expect(JSON.stringify(body)).not.toContain('whsec_');
  });

  test.each([
    ['http://billing.example.com/', 'https'],
    ['https://127.0.0.1/', 'not a public address'],
    ['https://me:secret@billing.example.com/', 'a user'],
    ['https://billing.example.com/\u0000', 'a control character'],
    ['https://billing.example.com/\ud800', 'a control character'],
    ['https://billing.example.com/\u001b[2J', 'a control character'],
    ['https://localhost./', 'not a public address'],
  ])('cannot have the URL %j', async (url, reason) => {
    const { status, body } = await call('post', ENDPOINTS, {
      body: { url, event_types: ['invoice.issued'] },
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      errors: [{ pointer: '/url', detail: expect.stringContaining(reason) as string }],
    });
  });

  test('is stored as URL parsers write it, without a trailing dot in its host name', async () => {
    const { url } = await register({ url: 'HTTPS://Billing.example.com.:443/Hooks/ä' });
    expect(url).toBe('https://billing.example.com/Hooks/%C3%A4');
  });

  test('can be in the internal network if that is allowed', () =>
    register({ url: 'https://10.20.1.1/' }));

  test('can only subscribe to existing events', async () => {
    for (const event_types of [[], ['invoice.refunded'], ['run.finished', 'run.finished', 'x']]) {
      const { status } = await call('post', ENDPOINTS, { body: { url: URL_, event_types } });
      expect(status).toBe(422);
    }
  });

  test('gets a new secret, and its old one an expiry', async () => {
    const { endpoint_id, secret, secrets } = await register();
    const path = `${ENDPOINTS}/${endpoint_id}/rotate-secret`;
    const rotated = await call('post', path, { body: { overlap_seconds: 3600 } });
    expect(rotated.status).toBe(200);
    const { secret_id, former_until } = rotated.body as Record<string, string>;
    expect(rotated.body).not.toMatchObject({ secret });
    const { body } = await call('get', `${ENDPOINTS}/${endpoint_id}`);
    expect(body).toMatchObject({
      secrets: [
        { secret_id, expires_at: null },
        { secret_id: secrets[0]?.secret_id, expires_at: expect.any(String) },
      ],
    });
    expect(Date.parse(former_until!)).toBeGreaterThan(Date.now() + 3_000_000);
  });

  test('is disabled for good, with its pending deliveries', async () => {
    const { endpoint_id } = await register();
    await putEvent(api.db, endpoint_id);
    const ended = await call('delete', `${ENDPOINTS}/${endpoint_id}`);
    expect(ended.status).toBe(200);
    expect(ended.body).toMatchObject({
      ...{ disabled_at: expect.any(String), disabled_reason: 'by key:ops', pending: 0, dead: 1 },
    });
    const again = await call('delete', `${ENDPOINTS}/${endpoint_id}`);
    expect(again.body).toEqual(ended.body);
    const path = `${ENDPOINTS}/${endpoint_id}/rotate-secret`;
    expect((await call('post', path, { body: {} })).status).toBe(404);
  });

  test.each(['nothing', crypto.randomUUID()])('is not found: %s', async (id) => {
    const path = `${ENDPOINTS}/${id}`;
    expect((await call('get', path)).status).toBe(404);
    expect((await call('delete', path)).status).toBe(404);
    expect((await call('post', `${path}/rotate-secret`, { body: {} })).status).toBe(404);
  });

  test('is only visible to operators', async () => {
    for (const key of [api.keys.acme, api.keys.gateway]) {
      expect((await call('get', ENDPOINTS, { key })).status).toBe(403);
      expect((await call('get', '/api/v1/webhook-attempts', { key })).status).toBe(403);
    }
  });
});

test('nothing is created without a master secret', async () => {
  await using blind = await createTestApi({ config: API_CONFIG });
  const key = blind.keys.operator;
  const body = { url: URL_, event_types: ['invoice.issued'] };
  const answer = await blind.call('post', ENDPOINTS, { key, body });
  expect(answer.status).toBe(503);
  expect(answer.body).toMatchObject({ type: 'urn:arcadia:problem:signing-unavailable' });
  expect((await blind.call('get', ENDPOINTS, { key })).body).toEqual({ webhook_endpoints: [] });
});

describe('deliveries', () => {
  let endpointId: string;
  let eventId: string;
  beforeAll(async () => {
    ({ endpoint_id: endpointId } = await register());
    eventId = await putEvent(api.db, endpointId);
    for (const outcome of ['failed', 'failed', 'delivered'] as const) {
      const claim = { limit: 1, leaseSeconds: 0 };
      const [claimed] = await claimDeliveries(api.db, endpointId, claim);
      const isFailed = outcome === 'failed';
      await recordAttempts(api.db, endpointId, [
        {
          ...{ eventId, attempt: claimed!.attempt, outcome, durationMs: 12 },
          ...{ attemptedAt: '2026-06-01T06:00:00Z', status: isFailed ? 500 : 204 },
          ...{ error: isFailed ? 'answered 500' : null, response: '' },
          retryInMs: isFailed ? 0 : null,
        },
      ]);
    }
  });

  test('are logged in pages', async () => {
    const query = `endpoint_id=${endpointId}&limit=2`;
    const { body } = await call('get', `/api/v1/webhook-attempts?${query}`);
    expect(body).toMatchObject({
      webhook_attempts: [
        { event_id: eventId, attempt: 3, outcome: 'delivered', status: 204, error: null },
        { event_id: eventId, attempt: 2, outcome: 'failed', status: 500, error: 'answered 500' },
      ],
    });
    const { next_cursor } = body as { next_cursor: string };
    const next = await call('get', `/api/v1/webhook-attempts?${query}&cursor=${next_cursor}`);
    expect(next.body).toMatchObject({ webhook_attempts: [{ attempt: 1 }], next_cursor: null });
  });

  test('can be filtered by event and outcome', async () => {
    const count = async (query: string) => {
      const { body } = await call('get', `/api/v1/webhook-attempts?${query}`);
      return (body as { webhook_attempts: unknown[] }).webhook_attempts.length;
    };
    expect(await count(`event_id=${eventId}&outcome=failed`)).toBe(2);
    expect(await count(`event_id=${eventId}&endpoint_id=${endpointId}`)).toBe(3);
  });

  test.each(['event', 'endpoint'])('of an unknown %s are 404, also for a replay', async (kind) => {
    const id = crypto.randomUUID();
    const detail = `there is no webhook ${kind} ${id}`;
    const log = await call('get', `/api/v1/webhook-attempts?${kind}_id=${id}`);
    expect(log).toMatchObject({ status: 404, body: { detail } });
    const since = kind === 'event' ? {} : { since: '2026-01-01T00:00:00Z' };
    const replay = await call('post', '/api/v1/webhook-replays', {
      body: { [`${kind}_id`]: id, ...since },
    });
    expect(replay).toMatchObject({ status: 404, body: { detail } });
  });

  test('are counted in the metrics', async () => {
    const { text } = await api.call('get', '/metrics');
    const line = (name: string, more = '') =>
      new RegExp(`^${name}\\{.*endpoint="${endpointId}"${more}.*\\} (\\S+)`, 'm').exec(text)?.[1];
    expect(line('webhook_attempts_total', ',outcome="failed"')).toBe('2');
    expect(line('webhook_attempts_total', ',outcome="delivered"')).toBe('1');
    expect(line('webhook_pending_deliveries')).toBe('0');
    expect(line('webhook_oldest_pending_seconds')).toBe('0');
    expect(line('webhook_overdue_seconds')).toBe('0');
  });

  test('can be replayed, for one event or since an instant', async () => {
    const replay = (body: object) => call('post', '/api/v1/webhook-replays', { body });
    const nothing = await replay({ event_id: eventId, dead_only: true });
    expect(nothing).toMatchObject({ status: 202, body: { deliveries: 0 } });
    expect((await replay({ event_id: eventId })).body).toEqual({ deliveries: 1 });
    const [delivery] = await deliveriesOf(api.db, endpointId);
    expect(delivery).toEqual({ eventId, state: 'pending', attempts: 0 });
    // Another endpoint gets it too, if it subscribes to the type.
    const other = await register();
    const deaf = await register({ event_types: ['run.finished'] });
    const since = '2026-01-01T00:00:00Z';
    const toOther = await replay({ since, endpoint_id: other.endpoint_id });
    expect((toOther.body as { deliveries: number }).deliveries).toBeGreaterThanOrEqual(1);
    const toDeaf = await replay({ since, endpoint_id: deaf.endpoint_id });
    expect(toDeaf.body).toEqual({ deliveries: 0 });
  });

  test.each([
    [{}],
    [{ since: '2026-01-01T00:00:00Z' }],
    [{ since: '2026-01-01T00:00:00Z', event_id: crypto.randomUUID() }],
  ])('are not replayed by %j', async (body) => {
    expect((await call('post', '/api/v1/webhook-replays', { body })).status).toBe(422);
  });
});
