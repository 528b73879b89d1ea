import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bucketsOf, expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { createTestApi, meteredRecord, type TestApi } from './_harness.ts';

const PATH = '/api/v1/integrations/metered-usage';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  await expectBucketsToAddUp(api.db);
  await api[Symbol.asyncDispose]();
});

const post = (body: unknown) => api.call('post', PATH, { key: api.keys.metering, body });

/** The month's total of a kind. Each test uses its own kind. */
async function total(kind: string, month = '2026-05') {
  const buckets = (await bucketsOf(api.db)).filter(
    (bucket) => bucket.resourceKind === kind && bucket.month === month,
  );
  return buckets.map((bucket) => bucket.total);
}

test('a record is accepted once, then a duplicate or a conflict', async () => {
  const record = meteredRecord({ resource_kind: 'once', qty: '1.50' });
  expect((await post(record)).status).toBe(201);
  expect((await post({ ...record, qty: '1.5' })).body).toEqual({
    record_id: record.record_id,
    status: 'duplicate',
  });
  expect((await post({ ...record, qty: '2' })).status).toBe(409);
  expect(await total('once')).toEqual(['1.5']);
});

test.each([
  ['a number', { qty: 10.5 }, '/qty'],
  ['a negative quantity', { qty: '-1' }, '/qty'],
  ['13 decimal places', { qty: '0.1234567890123' }, '/qty'],
  ['an exponent', { qty: '1e3' }, '/qty'],
  ['no resource kind', { resource_kind: '' }, '/resource_kind'],
  ['an unknown deployment', { deployment_id: 'nobody' }, '/deployment_id'],
  ["another tenant's deployment", { tenant_id: 'zeta' }, '/deployment_id'],
  ['an unknown field', { currency: 'AUD' }, '/currency'],
])('a record is rejected with %s', async (_name, fields, pointer) => {
  const response = await post(meteredRecord(fields));
  expect(response.status).toBe(422);
  expect(response.body).toMatchObject({ errors: [{ pointer }] });
});

test('resource kinds may be named like object members', async () => {
  const records = ['__proto__', 'constructor'].map((kind) =>
    meteredRecord({ resource_kind: kind }),
  );
  expect((await post({ records })).body).toMatchObject({ counts: { accepted: 2 } });
  expect(await total('__proto__')).toEqual(['10.5']);
  expect(await total('constructor')).toEqual(['10.5']);
});

test('a batch has the field records, not events', async () => {
  expect((await post({ events: [meteredRecord()] })).status).toBe(422);
});

describe('a correction', () => {
  test('replaces a record, and only the latest correction can be replaced', async () => {
    const kind = 'corrected';
    const first = meteredRecord({ resource_kind: kind, qty: '10' });
    const second = meteredRecord({ resource_kind: kind, qty: '4.5', replaces: first.record_id });
    const third = meteredRecord({ resource_kind: kind, qty: '7', replaces: second.record_id });
    for (const record of [first, second, third]) expect((await post(record)).status).toBe(201);
    expect(await total(kind)).toEqual(['7']);

    const late = await post(meteredRecord({ resource_kind: kind, replaces: first.record_id }));
    expect(late.status).toBe(422);
    expect((late.body as { detail: string }).detail).toContain(second.record_id);
    expect((await post(second)).body).toMatchObject({ status: 'duplicate' });
    expect(await total(kind)).toEqual(['7']);
  });

  test('can be in the same batch as its record, in any order', async () => {
    const kind = 'same-batch';
    const first = meteredRecord({ resource_kind: kind, qty: '10' });
    const second = meteredRecord({ resource_kind: kind, qty: '3', replaces: first.record_id });
    const third = meteredRecord({ resource_kind: kind, qty: '5', replaces: second.record_id });
    const response = await post({ records: [third, second, first] });
    expect(response.body).toMatchObject({ counts: { accepted: 3 } });
    expect(await total(kind)).toEqual(['5']);
  });

  test('in a batch with another of the same record: the first counts', async () => {
    const kind = 'twice';
    const first = meteredRecord({ resource_kind: kind, qty: '10' });
    const [a, b] = ['1', '2'].map((qty) =>
      meteredRecord({ resource_kind: kind, qty, replaces: first.record_id }),
    );
    const response = await post({ records: [first, a, b] });
    expect(response.body).toMatchObject({
      results: [
        { status: 'accepted' },
        { status: 'accepted' },
        { status: 'rejected', reason: expect.stringContaining(a?.record_id ?? '') as string },
      ],
    });
    expect(await total(kind)).toEqual(['1']);
  });

  test('sent concurrently with others of the same record: one counts', async () => {
    const kind = 'contested';
    const first = meteredRecord({ resource_kind: kind, qty: '10' });
    await post(first);
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        post(meteredRecord({ resource_kind: kind, qty: String(n), replaces: first.record_id })),
      ),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([
      201,
      ...Array<number>(9).fill(422),
    ]);
    await expectBucketsToAddUp(api.db);
  });

  test('before its record is answered retry_later, and accepted later', async () => {
    const kind = 'early';
    const record = meteredRecord({ resource_kind: kind, qty: '10' });
    const correction = meteredRecord({ resource_kind: kind, qty: '4', replaces: record.record_id });
    const again = meteredRecord({ resource_kind: kind, qty: '6', replaces: correction.record_id });
    for (const [early, recordId] of [
      [again, correction.record_id],
      [correction, record.record_id],
    ] as const) {
      const response = await post(early);
      expect(response.status).toBe(425);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.body).toMatchObject({
        type: 'urn:arcadia:problem:correction-early',
        detail: expect.stringContaining(`there is no record "${recordId}" yet`) as string,
        errors: [{ pointer: '/replaces' }],
      });
    }
    expect((await post({ records: [again, correction] })).body).toMatchObject({
      counts: { retry_later: 2, rejected: 0 },
      results: [{ status: 'retry_later' }, { status: 'retry_later' }],
    });
    expect(await total(kind)).toEqual(['0']);
    for (const each of [record, correction, again]) expect((await post(each)).status).toBe(201);
    expect(await total(kind)).toEqual(['6']);
    await expectBucketsToAddUp(api.db);
  });

  test('of itself is rejected', async () => {
    const self = meteredRecord();
    const response = await post({ ...self, replaces: self.record_id });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ detail: 'replaces: a record cannot replace itself' });
  });

  test.each([
    ['resource kind', { resource_kind: 'other-kind' }],
    ['month', { occurred_at: '2026-06-10T12:00:00Z' }],
    ['tenant and deployment', { tenant_id: 'zeta', deployment_id: 'zeta-a' }],
  ])('cannot move usage to another %s, and says what to do instead', async (_name, fields) => {
    const first = meteredRecord({ resource_kind: 'stays' });
    await post(first);
    const response = await post(
      meteredRecord({ resource_kind: 'stays', replaces: first.record_id, ...fields }),
    );
    expect(response.status).toBe(422);
    expect((response.body as { detail: string }).detail).toMatch(/replace that record by qty "0"/);
  });

  test('that was rejected does not use up its id', async () => {
    const record = meteredRecord({ resource_kind: 'freed', qty: '2' });
    const response = await post({ records: [{ ...record, replaces: 'nothing-of-ours' }, record] });
    expect(response.body).toMatchObject({
      results: [{ status: 'retry_later' }, { status: 'accepted' }],
    });
    expect(await total('freed')).toEqual(['2']);
  });
});
