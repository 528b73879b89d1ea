import { describe, expect, test } from 'vitest';
import { LLM_USAGE } from '../../src/ingestion/llm-event.ts';
import { parseEvent } from '../../src/ingestion/check-event.ts';
import { described, exampleOf } from './_described.ts';
import { deployment, sentLlmEvent as sent, without } from './_usage.ts';

const place = { serviceMonth: '2026-05-01', barred: null };
const entryOf = (event: object) =>
  LLM_USAGE.toEntry(LLM_USAGE.schema.parse(event), deployment, place);
const hashOf = (event: object) => entryOf(event).contentHash;

const withoutTokens = without(sent, 'input_tokens', 'output_tokens');

test('stores the fields of an event', () => {
  expect(entryOf(sent)).toStrictEqual({
    id: 'req-1',
    barred: null,
    tenantId: 'acme',
    deploymentId: 'acme-a',
    resourceKind: 'llm_usage',
    serviceMonth: '2026-05-01',
    model: 'large-2',
    occurredAt: '2026-05-10T12:00:00.123456Z',
    chargeCents: '1.5',
    currency: 'AUD',
    inputTokens: 100,
    outputTokens: 20,
    attributes: null,
    contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('identifies an event by its gateway request id in the LLM ledger', () => {
  expect(LLM_USAGE.source).toBe('llm');
  expect(new Map<string, unknown>(Object.entries(sent)).get(LLM_USAGE.idField)).toBe(
    entryOf(sent).id,
  );
});

test('stores a missing number of tokens as unknown, not 0', () => {
  expect(entryOf(withoutTokens)).toMatchObject({ inputTokens: null, outputTokens: null });
  expect(entryOf({ ...sent, input_tokens: 0, output_tokens: 0 })).toMatchObject({
    inputTokens: 0,
    outputTokens: 0,
  });
});

describe('an event counts as the same', () => {
  test.each([
    ['with trailing zeros', { charge_cents: '1.5000' }],
    [
      'at the same instant with another offset',
      { occurred_at: '2026-05-10T14:00:00.1234567+02:00' },
    ],
    ['with superfluous digits of a second', { occurred_at: '2026-05-10T12:00:00.123456700Z' }],
    ['with other digits below a microsecond', { occurred_at: '2026-05-10T12:00:00.123456999Z' }],
    ['cut off at the microsecond', { occurred_at: '2026-05-10T12:00:00.123456Z' }],
    ["in the tenant's currency, spelt out", { currency: 'AUD' }],
    ['with a token count in another form', { input_tokens: 1e2 }],
    ['with its fields in another order', Object.fromEntries(Object.entries(sent).toReversed())],
  ])('%s', (_how, fields) => {
    expect(hashOf({ ...sent, ...fields })).toBe(hashOf(sent));
  });
});

describe('an event counts as different', () => {
  test.each([
    ['id', { gateway_request_id: 'req-2' }],
    ['tenant', { tenant_id: 'zeta' }],
    ['deployment', { deployment_id: 'acme-b' }],
    ['model', { model: 'large-3' }],
    ['charge', { charge_cents: '1.500000000001' }],
    ['instant', { occurred_at: '2026-05-10T12:00:00.123457Z' }],
    ['number of input tokens', { input_tokens: 101 }],
    ['number of output tokens', { output_tokens: 21 }],
  ])('with another %s', (_what, fields) => {
    expect(hashOf({ ...sent, ...fields })).not.toBe(hashOf(sent));
  });

  test('without its token counts', () => {
    expect(hashOf(withoutTokens)).not.toBe(hashOf(sent));
  });
});

describe('attributes', () => {
  const attributes = { team: 'search', project: 'indexing' };

  test('are stored sorted by name, as text', () => {
    const stored = '{"project":"indexing","team":"search"}';
    expect(entryOf({ ...sent, attributes }).attributes).toBe(stored);
  });

  test('belong to the content, in any order', () => {
    const reversed = Object.fromEntries(Object.entries(attributes).toReversed());
    expect(hashOf({ ...sent, attributes: reversed })).toBe(hashOf({ ...sent, attributes }));
    expect(hashOf({ ...sent, attributes })).not.toBe(hashOf(sent));
    const other = { ...attributes, team: 'ads' };
    expect(hashOf({ ...sent, attributes: other })).not.toBe(hashOf({ ...sent, attributes }));
  });

  test('that are empty count as absent', () => {
    expect(entryOf({ ...sent, attributes: {} })).toStrictEqual(entryOf(sent));
  });

  test('may be ten, of 200 characters each', () => {
    const ten = Object.fromEntries(
      Array.from({ length: 10 }, (_, n) => [`a${n}`, 'x'.repeat(200)]),
    );
    expect(LLM_USAGE.schema.safeParse({ ...sent, attributes: ten }).success).toBe(true);
    const eleven = parseEvent(LLM_USAGE.schema, { ...sent, attributes: { ...ten, b: 'x' } });
    expect(eleven).toMatchObject({
      result: { errors: [{ pointer: '/attributes', detail: 'expected at most 10 attributes' }] },
    });
  });

  test.each([
    [
      '{"__proto__": "x"}',
      '/attributes/__proto__',
      'expected a name of 1 to 40 lower-case letters',
    ],
    ['{"Team": "x"}', '/attributes/Team', 'expected a name'],
    [`{"${'a'.repeat(41)}": "x"}`, `/attributes/${'a'.repeat(41)}`, 'expected a name'],
    ['{"team": ""}', '/attributes/team', 'expected 1 to 200 visible characters'],
    [`{"team": "${'x'.repeat(201)}"}`, '/attributes/team', 'expected 1 to 200 visible characters'],
    ['{"team": "a\\u202eb"}', '/attributes/team', 'expected 1 to 200 visible characters'],
    ['{"team": 7}', '/attributes/team', 'expected string'],
    ['["team"]', '/attributes', 'expected an object'],
    ['null', '/attributes', 'expected an object'],
  ])('are rejected: %s', (json, pointer, detail) => {
    const parsed = parseEvent(LLM_USAGE.schema, {
      ...sent,
      attributes: JSON.parse(json) as unknown,
    });
    expect(parsed).toMatchObject({
      result: { errors: [{ pointer, detail: expect.stringContaining(detail) as string }] },
    });
  });
});

describe('the schema', () => {
  test.each(['currency', 'input_tokens', 'output_tokens', 'attributes'])(
    'allows %s to be omitted',
    (field) => {
      const all = { ...sent, currency: 'AUD', attributes: { team: 'search' } };
      expect(LLM_USAGE.schema.safeParse(all).success).toBe(true);
      expect(LLM_USAGE.schema.safeParse(without(all, field)).success).toBe(true);
    },
  );

  test.each(Object.keys(withoutTokens))('requires %s', (field) => {
    expect(LLM_USAGE.schema.safeParse(without(sent, field)).success).toBe(false);
  });

  test.each([
    { charge_dollars: '1' },
    { gateway_request_id: 'x'.repeat(201) },
    { model: 'x'.repeat(201) },
    { charge_cents: 1.5 },
    { input_tokens: -1 },
  ])('rejects %j', (fields) => {
    expect(LLM_USAGE.schema.safeParse({ ...sent, ...fields }).success).toBe(false);
  });
});

describe('the API’s description', () => {
  test('has a name', () => {
    expect(described(LLM_USAGE.schema).name).toBe('LlmUsageEvent');
  });

  test('has examples that form a valid event', () => {
    const example = exampleOf(LLM_USAGE.schema);
    expect(entryOf(example)).toMatchObject({ id: example.gateway_request_id });
  });

  test('describes what the names do not say', () => {
    const { charge_cents, currency } = described(LLM_USAGE.schema).properties!;
    expect(charge_cents?.description).toContain('in cents, not dollars');
    expect(currency?.description).toContain("By default the tenant's");
  });
});
