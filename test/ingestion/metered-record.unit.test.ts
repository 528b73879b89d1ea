import { describe, expect, test } from 'vitest';
import { METERED_USAGE } from '../../src/ingestion/metered-record.ts';
import { described, exampleOf } from './_described.ts';
import { deployment, sentMeteredRecord as sent, without } from './_usage.ts';

const place = { serviceMonth: '2026-05-01', barred: null };
const entryOf = (record: object) =>
  METERED_USAGE.toEntry(METERED_USAGE.schema.parse(record), deployment, place);
const hashOf = (record: object) => entryOf(record).contentHash;

test('stores the fields of a record', () => {
  expect(entryOf(sent)).toStrictEqual({
    id: 'rec-1',
    barred: null,
    tenantId: 'acme',
    deploymentId: 'acme-a',
    resourceKind: 'egress_gb',
    serviceMonth: '2026-05-01',
    model: '',
    occurredAt: '2026-05-10T12:00:00.123456Z',
    qty: '10.5',
    replaces: null,
    contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('identifies a record by its id in the metered ledger', () => {
  expect(METERED_USAGE.source).toBe('metered');
  expect(new Map<string, unknown>(Object.entries(sent)).get(METERED_USAGE.idField)).toBe(
    entryOf(sent).id,
  );
});

test('a correction names the record that it replaces', () => {
  expect(entryOf({ ...sent, replaces: 'rec-0' }).replaces).toBe('rec-0');
});

test('assigns a record to its UTC month', () => {
  expect(entryOf({ ...sent, occurred_at: '2026-06-01T00:30:00+01:00' }).serviceMonth).toBe(
    '2026-05-01',
  );
});

describe('a record counts as the same', () => {
  test.each([
    ['with trailing zeros', { qty: '10.50' }],
    [
      'at the same instant with another offset',
      { occurred_at: '2026-05-10T10:00:00.1234567-02:00' },
    ],
    ['cut off at the microsecond', { occurred_at: '2026-05-10T12:00:00.123456Z' }],
    ['with its fields in another order', Object.fromEntries(Object.entries(sent).toReversed())],
  ])('%s', (_how, fields) => {
    expect(hashOf({ ...sent, ...fields })).toBe(hashOf(sent));
  });
});

describe('a record counts as different', () => {
  test.each([
    ['id', { record_id: 'rec-2' }],
    ['tenant', { tenant_id: 'zeta' }],
    ['deployment', { deployment_id: 'acme-b' }],
    ['resource kind', { resource_kind: 'snapshot' }],
    ['quantity', { qty: '10.500000000001' }],
    ['instant', { occurred_at: '2026-05-10T12:00:00.123457Z' }],
    ['record to replace', { replaces: 'rec-0' }],
  ])('with another %s', (_what, fields) => {
    expect(hashOf({ ...sent, ...fields })).not.toBe(hashOf(sent));
  });
});

describe('the schema', () => {
  test.each(Object.keys(sent))('requires %s', (field) => {
    expect(METERED_USAGE.schema.safeParse(without(sent, field)).success).toBe(false);
  });

  test.each([
    { currency: 'AUD' },
    { record_id: 'x'.repeat(201) },
    { resource_kind: 'x'.repeat(101) },
    { resource_kind: '' },
    { replaces: '' },
    { replaces: 'x'.repeat(201) },
    { qty: 10.5 },
  ])('rejects %j', (fields) => {
    expect(METERED_USAGE.schema.safeParse({ ...sent, ...fields }).success).toBe(false);
  });
});

describe('the API’s description', () => {
  test('has a name', () => {
    expect(described(METERED_USAGE.schema).name).toBe('MeteredUsageRecord');
  });

  test('has examples that form a valid record', () => {
    const example = exampleOf(METERED_USAGE.schema);
    expect(entryOf(example)).toMatchObject({ id: example.record_id });
  });

  test('describes what the names do not say', () => {
    const { qty, replaces } = described(METERED_USAGE.schema).properties!;
    expect(qty?.description).toContain('base unit');
    expect(replaces?.description).toContain('record_id of the one that it replaces');
    expect(replaces?.description).toContain('same deployment, resource kind and month');
  });
});
