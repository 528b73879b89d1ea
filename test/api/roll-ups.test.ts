import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMonthEndPort } from '../../src/api/http/month-end-port.ts';
import { seedRequest } from '../_util/seed.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { createTestApi, type TestApi } from './_harness.ts';

const NOW = new Date('2026-06-01T00:00:00Z');

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ now: () => NOW });
});
afterAll(() => api[Symbol.asyncDispose]());

const post = (body: unknown, on: TestApi = api) =>
  on.call('post', '/api/v1/roll-ups', { key: on.keys.operator, body });
const get = (month: string, on: TestApi = api) =>
  on.call('get', `/api/v1/roll-ups/${month}`, { key: on.keys.operator });

describe('POST', () => {
  test('requests an ordinary run', async () => {
    const response = await post({ month: '2026-05' });
    expect(response.status).toBe(202);
    const { request_id: requestId } = response.body as { request_id: string };
    expect(response.body).toMatchObject({ workflow_id: 'month-end-2026-05', month: '2026-05' });
    expect(api.requested.at(-1)).toEqual({
      month: '2026-05',
      requestId,
      actor: 'key:ops',
      reason: undefined,
      force: undefined,
    });
  });

  test('forces some or all tenants', async () => {
    const body = { month: '2026-05', force: true, reason: ' late meters ', request_id: 'r-1' };
    await post({ ...body, tenant_ids: ['acme'] });
    expect(api.requested.at(-1)).toMatchObject({
      requestId: 'r-1',
      reason: 'late meters',
      force: { tenantIds: ['acme'] },
    });
    await post(body);
    expect(api.requested.at(-1)).toMatchObject({ force: { all: true } });
  });

  test.each([
    ['a malformed month', { month: '2026-13' }, '/month'],
    ['a month that is not over', { month: '2026-06' }, '/month'],
    ['no month', { month: undefined }, '/month'],
    ['force without a reason', { force: true }, '/reason'],
    ['force with an empty reason', { force: true, reason: ' ' }, '/reason'],
    ['tenants without force', { tenant_ids: ['acme'] }, '/tenant_ids'],
    ['an empty list of tenants', { force: true, reason: 'r', tenant_ids: [] }, '/tenant_ids'],
    [
      '1,001 tenants',
      { force: true, reason: 'r', tenant_ids: Array.from({ length: 1_001 }, (_, n) => `t${n}`) },
      '/tenant_ids',
    ],
    ['a bad tenant id', { force: true, reason: 'r', tenant_ids: ['a b'] }, '/tenant_ids/0'],
    ['force that is a text', { force: 'yes' }, '/force'],
    ['a request id with a space', { request_id: 'a b' }, '/request_id'],
    ['an unknown field', { dry_run: true }, '/dry_run'],
  ])('rejects %s', async (_name, fields, pointer) => {
    const before = api.requested.length;
    const response = await post({ month: '2026-05', ...fields });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ errors: [{ pointer }] });
    expect(api.requested).toHaveLength(before);
  });

  test('accepts a repeated request id with the same content, and rejects another content', async () => {
    await seedRequest(api.db, '2026-05', {
      kind: 'force',
      tenantIds: ['acme', 'zeta'],
      reason: 'late meters',
      requestId: 'once',
      actor: 'key:ops',
    });

    const body = {
      month: '2026-05',
      request_id: 'once',
      force: true,
      reason: 'late meters',
      tenant_ids: ['zeta', 'acme'],
    };
    expect((await post(body)).status).toBe(202);
    const other = await post({ ...body, reason: 'another reason' });
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({
      type: 'urn:arcadia:problem:request-conflict',
      errors: [{ pointer: '/request_id' }],
    });
    expect((await post({ ...body, month: '2026-04', reason: 'of another month' })).status).toBe(
      202,
    );
  });
});

describe('GET', () => {
  test('a month without requests', async () => {
    const response = await get('2026-05');
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      month: '2026-05',
      workflow: null,
      workflow_reachable: true,
      due_tenants: 2,
      outcomes: { rolled: 0, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 0 },
    });
  });

  test('says which requests a restore has lost, and which command has them served', async () => {
    await seedRequest(api.db, '2026-03', { requestId: 'waits' });
    const monthEnd = {
      request: () => Promise.reject(new Error('not here')),
      tellRelease: () => Promise.resolve(),
      progress: () => Promise.resolve(null),
      check: () => Promise.resolve(),
      run: (month: string) => Promise.resolve({ month, state: 'open', served: ['gone'] } as const),
    };
    await using restored = await createTestApi({ now: () => NOW, monthEnd });
    expect((await get('2026-03', restored)).body).toMatchObject({
      lost: [
        "month-end-2026-03 has served requests that the database doesn't have (1): the database is older than " +
          'Temporal (gone). Run `month-end start 2026-03 --after-restore`; first read docs/operations/restore.md.',
      ],
    });

    const { lost } = (await get('2026-03')).body as { lost: readonly string[] };
    expect(lost).toEqual([
      'requests for 2026-03 wait (1), and no run is serving them (waits). ' +
        'Run `month-end start 2026-03 --after-restore`; first read docs/operations/restore.md.',
    ]);
    expect((await get('2026-04')).body).toMatchObject({ lost: [] });
  });

  test('rejects an invalid month', async () => {
    const response = await get('2026-13');
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ errors: [{ parameter: 'month' }] });
  });
});

test('a request starts the workflow of the month on the real server', async () => {
  const { address, namespace } = await claimNamespace();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  await using real = await createTestApi({ now: () => NOW, monthEnd: createMonthEndPort(client) });
  expect((await post({ month: '2026-05', request_id: 'a' }, real)).status).toBe(202);
  const { status, type } = await client.workflow.getHandle('month-end-2026-05').describe();
  expect({ status: status.name, type }).toEqual({ status: 'RUNNING', type: 'monthEnd' });

  // No worker answers queries here; the rest is shown anyway.
  const response = await get('2026-05', real);
  expect(response.body).toMatchObject({ workflow: null, workflow_reachable: false, lost: [] });
  expect((await real.call('get', '/readyz')).status).toBe(200);
  await connection.close();
});

test('without a Temporal server answers 503 with Retry-After', async () => {
  // Not closed: the SDK may try a call again later, and throws out of a timer where it has been.
  const nowhere = Connection.lazy({ address: '127.0.0.1:1' });
  const timeouts = { request: 300, tellRelease: 300, progress: 300, check: 300 };
  const monthEnd = createMonthEndPort(new Client({ connection: nowhere }), timeouts);
  await using away = await createTestApi({ now: () => NOW, monthEnd });
  const response = await post({ month: '2026-05' }, away);
  expect(response.status).toBe(503);
  expect(response.headers['retry-after']).toBe('5');
  expect(response.body).toMatchObject({ type: 'urn:arcadia:problem:temporal-unavailable' });
  expect((await get('2026-05', away)).body).toMatchObject({ workflow_reachable: false });
  const readiness = await away.call('get', '/readyz');
  expect(readiness.status).toBe(503);
  expect(readiness.body).toMatchObject({ database: { ok: true }, temporal: { ok: false } });
});
