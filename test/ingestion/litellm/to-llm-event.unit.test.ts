import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LLM_USAGE } from '../../../src/ingestion/llm-event.ts';
import { toLlmEvent, type LitellmOutcome } from '../../../src/ingestion/litellm/to-llm-event.ts';
import { litellmEvent } from '../../_util/litellm-event.ts';
import { scan } from './_scan.ts';

const SAMPLE = readFileSync(new URL('../../litellm/sample.ndjson', import.meta.url));

const METADATA = {
  user_api_key_alias: 'acme-key',
  user_api_key_team_id: 'acme',
  user_api_key_user_id: 'u-anna',
  user_api_key_project_id: 'p-1',
  user_api_key_auth_metadata: { arcadia_tenant: 'acme', arcadia_deployment: 'acme-a' },
};

/** An event as LiteLLM sends it, with the given fields replaced. */
function sent(fields: object = {}, metadata: object = METADATA): string {
  const ids = { id: 'chatcmpl-1', litellm_call_id: 'call-1' };
  const event = litellmEvent({ ...ids, response_cost: 0.000207504375, metadata, ...fields });
  return JSON.stringify(event);
}

type Texts = Readonly<Record<string, string>>;

function outcomeOf(text: string, currency = 'USD'): LitellmOutcome {
  const [event, ...others] = scan(`[${text}]`);
  expect(others).toEqual([]);
  return toLlmEvent(event!, currency);
}

function eventOf(text: string, currency?: string) {
  const outcome = outcomeOf(text, currency);
  if (outcome.kind !== 'event') throw new Error(JSON.stringify(outcome));
  return outcome.event;
}

/** Replaces the text of the cost, which JSON.stringify can't write. */
const costing = (text: string, fields: object = {}) =>
  sent(fields).replace('"response_cost":0.000207504375', `"response_cost":${text}`);

test('an event with a cost becomes a valid usage event', () => {
  const event = eventOf(sent());
  expect(event).toStrictEqual({
    gateway_request_id: 'litellm:call-1:chatcmpl-1',
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    model: 'large',
    occurred_at: '2026-11-29T13:34:53.297993Z',
    charge_cents: '0.0207504375',
    currency: 'USD',
    input_tokens: 11,
    output_tokens: 18,
    attributes: { key: 'acme-key', project: 'p-1', user: 'u-anna' },
  });
  expect(LLM_USAGE.schema.safeParse(event).error).toBeUndefined();
});

test('a real proxy: what each of its events becomes', () => {
  const outcomes = scan(SAMPLE).map((event) => toLlmEvent(event, 'USD'));
  const said = outcomes.map((outcome) => {
    if (outcome.kind === 'counted') return outcome.why;
    if (outcome.kind === 'held') return outcome.held.reason;
    const { tenant_id, deployment_id, model, charge_cents } = outcome.event as Texts;
    return [tenant_id, deployment_id, model, charge_cents].join(' ');
  });
  expect(said).toEqual([
    'harbour-studio harbour-studio-web small 0.00135',
    'harbour-studio harbour-studio-web small 0.00135',
    'harbour-studio harbour-studio-web large 0.0207504375',
    'juniper-labs juniper-labs-api large 0.0212503125',
    'juniper-labs juniper-labs-api large 0.022500625',
    'cache_hits',
    'cache_hits',
    'failures',
    'juniper-labs juniper-labs-api small 0.00135',
    'failures',
    'failures',
    // Two requests with a call id that the client chose.
    'juniper-labs juniper-labs-api small 0.00135',
    'juniper-labs juniper-labs-api small 0.00135',
    // The master key has no team.
    'unknown_tenant',
    'harbour-studio harbour-studio-web small 0.00135',
    'failures',
    'harbour-studio harbour-studio-web small 0.0015',
    'harbour-studio harbour-studio-web odd 0.003146666667',
    'juniper-labs juniper-labs-api gpt4o 0.0015',
  ]);
  const ids = outcomes.flatMap((outcome) =>
    outcome.kind === 'event' ? [outcome.event.gateway_request_id] : [],
  );
  expect(new Set(ids).size).toBe(ids.length);
  const stored = JSON.stringify(outcomes);
  for (const secret of ['@', '127.0.0.1', 'urllib', 'redacted', 'a915a5f2']) {
    expect(stored).not.toContain(secret);
  }
});

describe('the cost decides', () => {
  test.each([
    ['a failure', costing('0.0', { status: 'failure' }), 'failures'],
    ['a failure without a cost', costing('null', { status: 'failure' }), 'failures'],
    ['a cache hit', costing('0.0', { cache_hit: true }), 'cache_hits'],
    [
      'a request without tokens',
      costing('0', { total_tokens: 0, prompt_tokens: 0, completion_tokens: 0 }),
      'no_cost',
    ],
  ])('%s is counted', (_what, text, why) => {
    expect(outcomeOf(text)).toEqual({ kind: 'counted', why });
  });

  test.each([
    ['large', true],
    ['lar*', true],
    ['*', true],
    ['Large', false],
    ['large2*', false],
    // The provider's name of the model.
    ['openai/gpt-large', false],
  ])('with the free model %j, a request without a price is free: %j', (name, isFree) => {
    const [event] = scan(costing('0'));
    const outcome = toLlmEvent(event!, 'USD', ['other', name]);
    expect(outcome).toMatchObject(isFree ? { why: 'free_models' } : { kind: 'held' });
  });

  test.each([
    ['a failure', { status: 'failure' }],
    ['a cache hit', { cache_hit: true }],
  ])('%s with a cost is usage', (_what, fields) => {
    expect(eventOf(sent(fields)).charge_cents).toBe('0.0207504375');
  });

  test.each(['0.0', '0e5', '-0.0', 'null'])(
    'a success that used tokens and cost %s has a model without a price',
    (cost) => {
      expect(outcomeOf(costing(cost))).toMatchObject({
        kind: 'held',
        held: {
          sourceId: 'litellm:call-1:chatcmpl-1',
          reason: 'unpriced_model',
          detail: expect.stringContaining('no price for model large'),
          fields: { tenant_id: 'acme', charge_cents: '0', input_tokens: 11 },
        },
      });
    },
  );

  test('a cost below the last decimal is usage that is charged 0', () => {
    expect(eventOf(costing('1e-20'))).toMatchObject({
      charge_cents: '0',
      attributes: { cost: '1e-20' },
    });
  });
});

test('the cost is kept as it was written where the charge is rounded', () => {
  const { attributes, charge_cents: charge } = eventOf(costing('1.4999999999999999e-05'));
  expect({ attributes, charge }).toMatchObject({
    attributes: { cost: '1.4999999999999999e-05' },
    charge: '0.0015',
  });
});

describe('malformed, and so held', () => {
  test.each([
    ['NaN', costing('NaN'), 'response_cost is NaN, which is not a number'],
    ['Infinity', costing('Infinity'), 'response_cost is Infinity, which is not a number'],
    ['a cost as text', costing('"0.5"'), 'response_cost is "0.5", which is not a number'],
    ['a cost with a million digits', costing('1'.repeat(1e6)), 'which is not a number'],
    ['a negative cost', costing('-1e-9'), 'response_cost is -1e-9, which is below 0'],
    ['an enormous cost', costing('1e300'), 'which is too large to be billed'],
    ['no cost', '{"id":"a","litellm_call_id":"b"}', 'it has no response_cost'],
    ['no ids', sent({ id: null, litellm_call_id: null }), 'it has neither id nor litellm_call_id'],
    ['no start', sent({ startTime: null }), 'startTime is missing'],
    ['a start that is text', sent({ startTime: '2026-05-01' }), 'startTime is "2026-05-01"'],
    ['no model', sent({ model: '', model_group: null }), 'it has neither model_group nor model'],
    ['a field twice', `{"response_cost":1,${sent().slice(1)}`, 'response_cost appears twice'],
  ])('%s', (_what, text, detail) => {
    expect(outcomeOf(text)).toMatchObject({
      kind: 'held',
      held: { reason: 'malformed', detail: expect.stringContaining(detail) },
    });
  });

  test('with what could be read of it, and its id', () => {
    const outcome = outcomeOf(costing('NaN'));
    if (outcome.kind !== 'held') throw new Error(outcome.kind);
    expect(outcome.held).toMatchObject({
      sourceId: 'litellm:call-1:chatcmpl-1',
      fields: { tenant_id: 'acme', deployment_id: 'acme-a', model: 'large' },
    });
    expect(outcome.held.fields).not.toHaveProperty('charge_cents');
  });

  test('without an id, it is told apart by what it says', () => {
    const idOf = (text: string) => {
      const outcome = outcomeOf(text);
      return outcome.kind === 'held' ? outcome.held.sourceId : null;
    };
    expect(idOf('null')).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(idOf('null')).toBe(idOf('null'));
    expect(idOf('true')).not.toBe(idOf('null'));
    expect(idOf('{"x":1}')).not.toBe(idOf('{"x":12}'));
  });
});

describe('the tenant and the deployment', () => {
  const payerOf = (metadata: object) => {
    const { tenant_id: tenant, deployment_id: deployment } = eventOf(sent({}, metadata)) as Texts;
    return `${tenant} ${deployment}`;
  };

  test("are what the key's metadata says, or else its team and its alias", () => {
    const auth = { arcadia_tenant: 'zeta', arcadia_deployment: 'zeta-a' };
    expect(payerOf({ ...METADATA, user_api_key_auth_metadata: auth })).toBe('zeta zeta-a');
    expect(payerOf({ ...METADATA, user_api_key_auth_metadata: {} })).toBe('acme acme-key');
    expect(payerOf({ ...METADATA, user_api_key_auth_metadata: null })).toBe('acme acme-key');
    const tenant = { arcadia_tenant: 'zeta', arcadia_deployment: '' };
    expect(payerOf({ ...METADATA, user_api_key_auth_metadata: tenant })).toBe('zeta acme-key');
  });

  test('are never taken from what clients control', () => {
    const claim = { arcadia_tenant: 'evil', arcadia_deployment: 'evil-a' };
    const text = sent(
      {
        end_user: 'evil',
        request_tags: ['arcadia_tenant:evil'],
        user_api_key_auth_metadata: claim,
      },
      {
        ...METADATA,
        ...{ ...claim, spend_logs_metadata: claim, user_api_key_end_user_id: 'evil' },
        requester_metadata: { ...claim, user_api_key_auth_metadata: claim },
      },
    );
    expect(JSON.stringify(eventOf(text))).not.toContain('evil');
  });

  test.each([
    ['no team', { user_api_key_team_id: null }, 'unknown_tenant', 'nor a team'],
    ['a team with blanks', { user_api_key_team_id: 'Team A' }, 'unknown_tenant', '"Team A" can\'t'],
    ['no alias', { user_api_key_alias: null }, 'unknown_deployment', 'nor an alias'],
    [
      'an alias with blanks',
      { user_api_key_alias: 'my key' },
      'unknown_deployment',
      '"my key" can\'t',
    ],
    [
      'a tenant that is no text',
      { user_api_key_auth_metadata: { arcadia_tenant: ['acme'] } },
      'unknown_tenant',
      '"[" can\'t be the id of a tenant',
    ],
  ])('with %s, the event is held', (_what, changed, reason, detail) => {
    const metadata = { ...METADATA, user_api_key_auth_metadata: {}, ...changed };
    expect(outcomeOf(sent({}, metadata))).toMatchObject({
      kind: 'held',
      held: {
        reason,
        detail: expect.stringContaining(detail),
        fields: { charge_cents: '0.0207504375' },
      },
    });
  });

  test('a number is taken as text', () => {
    const auth = { arcadia_tenant: 42, arcadia_deployment: 7 };
    expect(payerOf({ ...METADATA, user_api_key_auth_metadata: auth })).toBe('42 7');
  });
});

describe('the id', () => {
  const idOf = (fields: object) => eventOf(sent(fields)).gateway_request_id;

  test('has the start where the call id and the id are the same, or one is missing', () => {
    expect(idOf({ id: 'call-1' })).toBe('litellm:call-1:call-1:1795959293298');
    expect(idOf({ id: null })).toBe('litellm:call-1:call-1:1795959293298');
    expect(idOf({ litellm_call_id: null })).toBe('litellm:chatcmpl-1:chatcmpl-1:1795959293298');
  });

  test.each([1795959293.297993, 1795959293.2975, 1795959293.298499])(
    'of a start at %f is that of its row in the log, which is rounded; the time keeps its microseconds',
    (startTime) => {
      const event = eventOf(sent({ id: 'call-1', startTime }));
      const logged = eventOf(sent({ id: 'call-1', startTime: 1795959293.298 }));
      expect(event.gateway_request_id).toBe(logged.gateway_request_id);
      expect(event.occurred_at).not.toBe(logged.occurred_at);
    },
  );

  test('is hashed if it is too long, or has characters that ids do not have', () => {
    const hashed = /^litellm:sha256:[0-9a-f]{64}$/;
    const long = idOf({ litellm_call_id: 'x'.repeat(10_000) });
    expect(long).toMatch(hashed);
    expect(idOf({ litellm_call_id: 'x'.repeat(10_001) })).not.toBe(long);
    expect(idOf({ litellm_call_id: 'a\nb' })).toMatch(hashed);
    expect(idOf({ litellm_call_id: '\ud800' })).toMatch(hashed);
    const room = 200 - 'litellm:'.length - ':chatcmpl-1'.length;
    expect(idOf({ litellm_call_id: 'x'.repeat(room) })).toHaveLength(200);
    expect(idOf({ litellm_call_id: 'x'.repeat(room + 1) })).toMatch(hashed);
  });
});

test('an attribute or a number of tokens that the ledger does not take is left out', () => {
  const metadata = {
    ...METADATA,
    user_api_key_user_id: 'a\u202eb',
    user_api_key_project_id: 'x'.repeat(201),
  };
  const { attributes, ...event } = eventOf(
    sent({ prompt_tokens: 1.5, completion_tokens: -1 }, metadata),
  );
  expect(attributes).toEqual({ key: 'acme-key' });
  expect(Object.keys(event)).not.toContain('input_tokens');
  expect(Object.keys(event)).not.toContain('output_tokens');
});

test('the charge counts minor units of the currency', () => {
  expect(eventOf(costing('1.5'), 'JPY')).toMatchObject({ charge_cents: '1.5', currency: 'JPY' });
});
