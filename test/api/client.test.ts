import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';

let api: TestApi;
let baseUrl: string;
let server: ReturnType<TestApi['app']['listen']>;
beforeAll(async () => {
  api = await createTestApi();
  server = api.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await api[Symbol.asyncDispose]();
});

const clientOf = (key: keyof TestApi['keys']) => createClient({ baseUrl, apiKey: api.keys[key] });

test('the typed client posts one event and a batch', async () => {
  const gateway = clientOf('gateway');
  const event = llmEvent();
  const one = await gateway.POST('/api/v1/integrations/llm-usage', { body: event });
  expect(one.response.status).toBe(201);
  const again = await gateway.POST('/api/v1/integrations/llm-usage', {
    body: { events: [event, llmEvent({ deployment_id: 'nowhere' })] },
  });
  expect(again.data).toMatchObject({ counts: { duplicate: 1, rejected: 1 } });
});

test('returns errors as typed problems', async () => {
  const { error, data } = await clientOf('zeta').GET('/api/v1/invoices/{invoice_id}', {
    params: { path: { invoice_id: crypto.randomUUID() } },
  });
  expect(data).toBeUndefined();
  expect(error?.type).toBe('urn:arcadia:problem:not-found');
});

test('reads lists with typed parameters', async () => {
  const { data } = await clientOf('operator').GET('/api/v1/invoices', {
    params: { query: { tenant_id: 'acme', limit: 5 } },
  });
  expect(data).toEqual({ invoices: [], next_cursor: null });
});
