import { expect, test } from 'vitest';
import { LLM_USAGE } from '../../src/ingestion/llm-event.ts';
import { parseEvent } from '../../src/ingestion/check-event.ts';
import { sentLlmEvent } from './_usage.ts';

test('reads a valid event', () => {
  expect(parseEvent(LLM_USAGE.schema, sentLlmEvent)).toMatchObject({
    ok: true,
    event: { gateway_request_id: 'req-1', occurred_at: { stored: '2026-05-10T12:00:00.123456Z' } },
  });
});

test('names each invalid field with its error', () => {
  const event = { ...sentLlmEvent, tenant_id: 'a b', charge_dollars: '1' };
  const idError = { pointer: '/tenant_id', detail: expect.stringContaining('expected an id') };
  const unknown = { pointer: '/charge_dollars', detail: 'unknown field' };
  expect(parseEvent(LLM_USAGE.schema, event)).toEqual({
    ok: false,
    result: {
      status: 'rejected',
      reason: expect.stringMatching(
        /^\/tenant_id: expected an id.*; \/charge_dollars: unknown field$/,
      ),
      errors: [idError, unknown],
    },
  });
});

test.each([null, 'text', 7, undefined])('rejects %j without naming a field', (event) => {
  const outcome = parseEvent(LLM_USAGE.schema, event);
  expect(outcome).toMatchObject({
    ok: false,
    result: { status: 'rejected', reason: expect.not.stringMatching(/^:/) },
  });
  expect(outcome).toHaveProperty('result.errors.0.pointer', '');
});
