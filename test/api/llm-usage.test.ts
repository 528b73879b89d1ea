import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bucketsOf, countEvents, expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';

const PATH = '/api/v1/integrations/llm-usage';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  await expectBucketsToAddUp(api.db);
  await api[Symbol.asyncDispose]();
});

const post = (body: unknown) => api.call('post', PATH, { key: api.keys.gateway, body });

describe('one event', () => {
  test('is accepted once, then a duplicate or a conflict, and the first one stays', async () => {
    const event = llmEvent({ charge_cents: '0.123456789012', occurred_at: '2026-02-10T12:00:00Z' });
    const first = await post(event);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      gateway_request_id: event.gateway_request_id,
      status: 'accepted',
    });

    const again = await post(event);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ status: 'duplicate' });

    const other = await post({ ...event, charge_cents: '0.123456789013' });
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({
      type: 'urn:arcadia:problem:usage-conflict',
      status: 409,
      errors: [{ pointer: '/gateway_request_id' }],
    });

    const ofMonth = (await bucketsOf(api.db)).filter(({ month }) => month === '2026-02');
    expect(ofMonth).toEqual([
      expect.objectContaining({ source: 'llm', events: 1, total: '0.123456789012' }),
    ]);
  });

  test.each([
    [
      'another order of keys',
      (event: object) => Object.fromEntries(Object.entries(event).reverse()),
    ],
    ['trailing zeros', (event: object) => ({ ...event, charge_cents: '1.5000' })],
    [
      'another offset',
      (event: object) => ({ ...event, occurred_at: '2026-05-10T14:00:00.000+02:00' }),
    ],
    ["the tenant's currency", (event: object) => ({ ...event, currency: 'AUD' })],
    [
      'digits below a microsecond',
      (event: object) => ({ ...event, occurred_at: '2026-05-10T12:00:00.000000999Z' }),
    ],
  ])('is the same with %s', async (_name, rewrite) => {
    const event = llmEvent({ charge_cents: '1.5', occurred_at: '2026-05-10T12:00:00Z' });
    await post(event);
    expect((await post(rewrite(event))).body).toMatchObject({ status: 'duplicate' });
  });

  test('belongs to its UTC month', async () => {
    await post(llmEvent({ occurred_at: '2026-03-31T23:30:00-02:00' }));
    const months = (await bucketsOf(api.db)).map(({ month }) => month);
    expect(months).toContain('2026-04');
    expect(months).not.toContain('2026-03');
  });

  const bad: [string, Record<string, unknown>, string][] = [
    ['a float', { charge_cents: 1.5 }, '/charge_cents'],
    ['an integer', { charge_cents: 1 }, '/charge_cents'],
    ['13 decimal places', { charge_cents: '0.1234567890123' }, '/charge_cents'],
    ['13 digits', { charge_cents: '1234567890123' }, '/charge_cents'],
    ['an exponent', { charge_cents: '1e3' }, '/charge_cents'],
    ['NaN', { charge_cents: 'NaN' }, '/charge_cents'],
    ['Infinity', { charge_cents: 'Infinity' }, '/charge_cents'],
    ['a negative charge', { charge_cents: '-1' }, '/charge_cents'],
    ['a plus sign', { charge_cents: '+1' }, '/charge_cents'],
    ['leading zeros', { charge_cents: '01' }, '/charge_cents'],
    ['white space', { charge_cents: ' 1' }, '/charge_cents'],
    ['Arabic digits', { charge_cents: '١' }, '/charge_cents'],
    ['nothing', { charge_cents: '' }, '/charge_cents'],
    ['null', { charge_cents: null }, '/charge_cents'],
    ['no charge', { charge_cents: undefined }, '/charge_cents'],
    ['a list of charges', { charge_cents: ['1'] }, '/charge_cents'],
    ['another currency', { currency: 'USD' }, '/currency'],
    ['a malformed currency', { currency: 'aud' }, '/currency'],
    ['an unknown deployment', { deployment_id: 'nobody' }, '/deployment_id'],
    ["another tenant's deployment", { deployment_id: 'zeta-a' }, '/deployment_id'],
    ['an unknown tenant', { tenant_id: 'nobody' }, '/deployment_id'],
    ['an id with a space', { tenant_id: 'a b' }, '/tenant_id'],
    ['an instant without offset', { occurred_at: '2026-05-10T12:00:00' }, '/occurred_at'],
    ['a date', { occurred_at: '2026-05-10' }, '/occurred_at'],
    ['30 February', { occurred_at: '2026-02-30T12:00:00Z' }, '/occurred_at'],
    ['the year 1999', { occurred_at: '1999-12-31T23:59:59Z' }, '/occurred_at'],
    ['the year 3000', { occurred_at: '3000-01-01T00:00:00Z' }, '/occurred_at'],
    ['epoch seconds', { occurred_at: 1778414400 }, '/occurred_at'],
    ['an empty id', { gateway_request_id: '' }, '/gateway_request_id'],
    ['an id too long', { gateway_request_id: 'x'.repeat(201) }, '/gateway_request_id'],
    ['a NUL in an id', { gateway_request_id: 'a\u0000b' }, '/gateway_request_id'],
    ['half a surrogate pair', { model: 'a\ud800' }, '/model'],
    ['negative tokens', { input_tokens: -1 }, '/input_tokens'],
    ['half a token', { output_tokens: 1.5 }, '/output_tokens'],
    ['tokens beyond 2^53', { input_tokens: 2 ** 53 }, '/input_tokens'],
    ['an unknown field', { charge_dollars: '1' }, '/charge_dollars'],
    ['a field named constructor', { constructor: {} }, '/constructor'],
  ];
  test.each(bad)(
    'is rejected with %s, naming the field, and nothing is stored',
    async (_name, fields, pointer) => {
      const before = await countEvents(api.db);
      const response = await post(llmEvent(fields));
      expect(response.status).toBe(422);
      expect(response.body).toMatchObject({
        type: 'urn:arcadia:problem:invalid-request',
        errors: [{ pointer, detail: expect.any(String) as string }],
      });
      expect(await countEvents(api.db)).toBe(before);
    },
  );

  test('is rejected with a field named __proto__', async () => {
    const raw = JSON.stringify(llmEvent()).replace('{', '{"__proto__":{"charge_cents":"9"},');
    const response = await api.call('post', PATH, { key: api.keys.gateway, raw });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ errors: [{ pointer: '/__proto__' }] });
  });

  test('with a number as the charge is told what to send instead', async () => {
    const response = await post(llmEvent({ charge_cents: 1.5 }));
    expect(response.body).toMatchObject({
      detail: expect.stringMatching(/decimal as a string.*JSON numbers are not exact/) as string,
    });
  });

  test("may be slightly ahead of the server's clock", async () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    expect((await post(llmEvent({ occurred_at: inAnHour }))).status).toBe(201);
  });
});

describe('a batch', () => {
  test('is answered event by event, in order, and bad events do not affect others', async () => {
    const known = llmEvent();
    await post(known);
    const events = [
      llmEvent(),
      known,
      { ...known, charge_cents: '9' },
      llmEvent({ charge_cents: 0.5 }),
      llmEvent({ deployment_id: 'nobody' }),
      'not an event',
      null,
      llmEvent({ deployment_id: 'zeta-a', tenant_id: 'zeta' }),
    ];
    const response = await post({ events });
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      counts: { accepted: 2, duplicate: 1, conflict: 1, rejected: 4 },
      results: [
        { index: 0, status: 'accepted' },
        { index: 1, status: 'duplicate', gateway_request_id: known.gateway_request_id },
        { index: 2, status: 'conflict', reason: expect.any(String) as string },
        { index: 3, status: 'rejected', errors: [{ pointer: '/charge_cents' }] },
        { index: 4, status: 'rejected', errors: [{ pointer: '/deployment_id' }] },
        { index: 5, status: 'rejected', gateway_request_id: null },
        { index: 6, status: 'rejected', gateway_request_id: null },
        { index: 7, status: 'accepted' },
      ],
    });
  });

  test('with a repeated id keeps the first', async () => {
    const event = llmEvent();
    const response = await post({ events: [event, event, { ...event, model: 'other' }, event] });
    expect(response.body).toMatchObject({
      results: [
        { status: 'accepted' },
        { status: 'duplicate' },
        { status: 'conflict' },
        { status: 'duplicate' },
      ],
    });
  });

  test('may have up to 1,000 events', async () => {
    const events = Array.from({ length: 1_000 }, () => llmEvent());
    const response = await post({ events });
    expect(response.body).toMatchObject({ counts: { accepted: 1_000 } });

    const tooMany = await post({ events: [...events, llmEvent()] });
    expect(tooMany.status).toBe(413);
    expect(tooMany.body).toMatchObject({ detail: expect.stringContaining('1001') as string });
  });

  test.each([
    ['empty', { events: [] }],
    ['not a list', { events: {} }],
    ['with a field beside it', { events: [llmEvent()], records: [] }],
  ])('is rejected: %s', async (_name, body) => {
    expect((await post(body)).status).toBe(422);
  });

  test('that is sent again changes nothing', async () => {
    const events = Array.from({ length: 20 }, () => llmEvent());
    await post({ events });
    const before = await bucketsOf(api.db);
    expect((await post({ events })).body).toMatchObject({ counts: { duplicate: 20 } });
    expect(await bucketsOf(api.db)).toEqual(before);
  });
});

test('an event sent concurrently is accepted once', async () => {
  const event = llmEvent();
  const responses = await Promise.all(Array.from({ length: 20 }, () => post(event)));
  const statuses = responses.map(({ status }) => status);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.filter((status) => status === 200)).toHaveLength(19);
});
