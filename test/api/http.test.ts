import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const LLM = '/api/v1/integrations/llm-usage';
const send = (raw: string, headers: Record<string, string> = {}) =>
  api.call('post', LLM, { key: api.keys.gateway, raw, headers });

describe('an unreadable body', () => {
  test.each(['{not json', '{"a":1,}', '', 'NaN', '{"a":01}', '\u0000'])('%j', async (raw) => {
    const { status, body } = await send(raw);
    // An empty body gets the schema's errors about missing fields.
    expect(status).toBe(raw === '' ? 422 : 400);
    expect(body).toMatchObject({ request_id: expect.any(String) as string });
  });

  test.each(['"text"', '1', 'null', '[]', 'true'])(
    'JSON that is not an object: %s',
    async (raw) => {
      expect((await send(raw)).status).toBe(422);
    },
  );

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
  ])('content type %s', async (type) => {
    const response = await send(JSON.stringify(llmEvent()), { 'Content-Type': type });
    expect(response.status).toBe(415);
  });

  test('UTF-16', async () => {
    const body = Buffer.from(JSON.stringify(llmEvent()), 'utf16le');
    const type = 'application/json; charset=utf-16le';
    const { status } = await fetchRaw(body, type);
    expect(status).toBe(415);
  });

  test('bytes that are not UTF-8, so that different ids stay different', async () => {
    const json = JSON.stringify(llmEvent({ gateway_request_id: 'req-?' }));
    const body = Buffer.from(json);
    body[json.indexOf('req-?') + 4] = 0xfe;
    expect((await fetchRaw(body, 'application/json')).status).toBe(400);
  });

  test.each(['utf-8', '"UTF-8"', 'utf-8; x=y'])('is readable with charset=%s', async (charset) => {
    const type = `application/json; charset=${charset}`;
    const { status } = await fetchRaw(Buffer.from(JSON.stringify(llmEvent())), type);
    expect(status).toBe(201);
  });

  test('is readable with a byte order mark', async () => {
    const body = Buffer.from(`\ufeff${JSON.stringify(llmEvent())}`);
    expect((await fetchRaw(body, 'application/json')).status).toBe(201);
  });

  test('an unknown encoding', async () => {
    const response = await send('x', { 'Content-Encoding': 'zip' });
    expect(response.status).toBe(415);
  });

  test('a body beyond 2 MiB', async () => {
    const response = await send(JSON.stringify(llmEvent({ model: 'x'.repeat(2 * 1024 * 1024) })));
    expect(response.status).toBe(413);
    expect(response.body).toMatchObject({ type: 'urn:arcadia:problem:too-large' });
  });

  test('a malformed URL', async () => {
    const path = '/api/v1/invoices/%E0%A4%A';
    expect((await api.call('get', path, { key: api.keys.operator })).status).toBe(400);
  });
});

test('an unknown path is 404, and a known path with another method 405', async () => {
  const unknown = await api.call('get', '/api/v2/invoices');
  expect(unknown.status).toBe(404);
  expect(unknown.type).toBe('application/problem+json');
  const method = await api.call('delete', '/api/v1/invoices');
  expect(method.status).toBe(405);
  expect(method.headers.allow).toBe('GET, HEAD');
});

test('a request gets an id, or keeps a valid one from the sender', async () => {
  const ours = await api.call('get', '/nowhere');
  expect((ours.body as { request_id: string }).request_id).toBe(ours.headers['x-request-id']);
  const theirs = await api.call('get', '/nowhere', { headers: { 'X-Request-Id': 'trace-1:a' } });
  expect(theirs.headers['x-request-id']).toBe('trace-1:a');
  const bad = await api.call('get', '/nowhere', { headers: { 'X-Request-Id': 'a b"}' } });
  expect(bad.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
});

test('serves health, readiness and metrics', async () => {
  expect((await api.call('get', '/healthz')).body).toEqual({ ok: true });
  expect((await api.call('get', '/readyz')).body).toEqual({
    ready: true,
    database: { ok: true },
    temporal: { ok: true },
    month_end: { ok: false, checked_at: null, findings: [] },
  });
  await api.call('get', `/api/v1/invoices/${crypto.randomUUID()}`, { key: api.keys.operator });
  const { text } = await api.call('get', '/metrics');
  expect(text).toMatch(
    /^http_server_request_duration_seconds_count\{.*route="\/api\/v1\/invoices\/:invoice_id",status="404".*\} 1$/m,
  );
});

test('the OpenAPI document has every route and no broken reference', async () => {
  const { body } = await api.call('get', '/openapi.json');
  const document = body as { openapi: string; paths: Record<string, object> };
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths).sort()).toEqual([
    '/api/v1/addons',
    '/api/v1/addons/{addon_code}',
    '/api/v1/adjustment-notes',
    '/api/v1/adjustment-notes/{adjustment_note_id}',
    '/api/v1/adjustment-notes/{adjustment_note_id}.csv',
    '/api/v1/adjustment-notes/{adjustment_note_id}.html',
    '/api/v1/adjustment-notes/{adjustment_note_id}.pdf',
    '/api/v1/adjustment-notes/{adjustment_note_id}/lines/{line_no}/usage',
    '/api/v1/adjustment-notes/{adjustment_note_id}/lines/{line_no}/usage.csv',
    '/api/v1/aging',
    '/api/v1/balances',
    '/api/v1/catalogue',
    '/api/v1/control-totals/{month}',
    '/api/v1/control-totals/{month}/acceptances',
    '/api/v1/deployments',
    '/api/v1/deployments/{deployment_id}',
    '/api/v1/integrations/control-totals',
    '/api/v1/integrations/control-totals/{deployment_id}/{day}',
    '/api/v1/integrations/litellm',
    '/api/v1/integrations/llm-usage',
    '/api/v1/integrations/metered-usage',
    '/api/v1/invoice-items',
    '/api/v1/invoice-items/{item_id}/withdraw',
    '/api/v1/invoices',
    '/api/v1/invoices/{invoice_id}',
    '/api/v1/invoices/{invoice_id}.csv',
    '/api/v1/invoices/{invoice_id}.html',
    '/api/v1/invoices/{invoice_id}.pdf',
    '/api/v1/invoices/{invoice_id}/comparison',
    '/api/v1/invoices/{invoice_id}/composition',
    '/api/v1/invoices/{invoice_id}/credits',
    '/api/v1/invoices/{invoice_id}/difference',
    '/api/v1/invoices/{invoice_id}/lines/{line_no}/usage',
    '/api/v1/invoices/{invoice_id}/lines/{line_no}/usage.csv',
    '/api/v1/invoices/{invoice_id}/void',
    '/api/v1/operator-actions',
    '/api/v1/payments',
    '/api/v1/plans',
    '/api/v1/plans/{plan_code}/versions/{version}',
    '/api/v1/quarantine-dismissals',
    '/api/v1/quarantine-releases',
    '/api/v1/quarantined-usage',
    '/api/v1/quarantined-usage/{quarantine_id}',
    '/api/v1/quote',
    '/api/v1/releases',
    '/api/v1/roll-ups',
    '/api/v1/roll-ups/{month}',
    '/api/v1/roll-ups/{month}/late-usage',
    '/api/v1/settings',
    '/api/v1/subscriptions',
    '/api/v1/subscriptions/{subscription_id}',
    '/api/v1/subscriptions/{subscription_id}/activate',
    '/api/v1/subscriptions/{subscription_id}/addons',
    '/api/v1/subscriptions/{subscription_id}/addons/{addon_code}/detach',
    '/api/v1/subscriptions/{subscription_id}/cancel',
    '/api/v1/tax',
    '/api/v1/tax/assignments',
    '/api/v1/tax/exchange-rates',
    '/api/v1/tax/gst-registrations',
    '/api/v1/tax/treatments',
    '/api/v1/tenants',
    '/api/v1/tenants/{tenant_id}',
    '/api/v1/units',
    '/api/v1/usage-exclusions',
    '/api/v1/usage-thresholds',
    '/api/v1/usage-thresholds/{threshold_id}',
    '/api/v1/usage/current',
    '/api/v1/usage/{month}.csv',
    '/api/v1/webhook-attempts',
    '/api/v1/webhook-endpoints',
    '/api/v1/webhook-endpoints/{endpoint_id}',
    '/api/v1/webhook-endpoints/{endpoint_id}/rotate-secret',
    '/api/v1/webhook-replays',
    '/docs',
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/readyz',
  ]);
});

test('the page of the document loads files of our own alone, whose names change with their content', async () => {
  const { headers, text, type } = await api.call('get', '/docs');
  expect(type).toBe('text/html');
  const csp = String(headers['content-security-policy']);
  expect(csp).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
  expect(csp).not.toMatch(/unsafe|https?:|\*/);
  const paths = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(
    ([, path = '']) => path,
  );
  expect(paths).toHaveLength(4);
  for (const path of paths) {
    const asset = await api.call('get', path);
    expect(asset.status).toBe(200);
    expect(asset.type).toMatch(path.endsWith('.js') ? 'text/javascript' : 'text/css');
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  }
});

/** Sends bytes unchanged. */
async function fetchRaw(body: Buffer, contentType: string): Promise<{ status: number }> {
  const server = api.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/api/v1/integrations/llm-usage`;
    return await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${api.keys.gateway}`, 'Content-Type': contentType },
      body: new Uint8Array(body),
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
