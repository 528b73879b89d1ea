import { describe, expect, test } from 'vitest';
import {
  SpendLogError,
  parseKeepingCosts,
  toCallbackEvent,
  type FindKeyMetadata,
} from '../../../src/cli/litellm/spend-log-event.ts';

const ROW = {
  request_id: 'chatcmpl-1',
  litellm_call_id: 'call-1',
  api_key: 'a'.repeat(64),
  spend: 0.25,
  startTime: '2026-11-30T09:21:07.123+00:00',
  model: 'openai/fake-small',
  model_group: 'small',
  status: 'success',
  cache_hit: 'None',
  prompt_tokens: 10,
  completion_tokens: 20,
  total_tokens: 30,
  team_id: 'harbour',
  user: 'u-anna',
  end_user: 'end-user-7',
  request_tags: ['a'],
  metadata: { user_api_key_alias: 'harbour-web', user_api_key_project_id: 'p1' },
};

const noMetadata: FindKeyMetadata = () => ({});

function convert(row: object, find: FindKeyMetadata = noMetadata): Record<string, unknown> {
  const kept = parseKeepingCosts(JSON.stringify(row));
  return JSON.parse(toCallbackEvent(kept, find)) as Record<string, unknown>;
}

describe('toCallbackEvent', () => {
  test('gives the fields that the callback has, and no others', () => {
    expect(convert(ROW, () => ({ arcadia_deployment: 'web' }))).toEqual({
      id: 'chatcmpl-1',
      litellm_call_id: 'call-1',
      status: 'success',
      cache_hit: false,
      startTime: 1796030467.123,
      model: 'openai/fake-small',
      model_group: 'small',
      response_cost: 0.25,
      prompt_tokens: 10,
      completion_tokens: 20,
      total_tokens: 30,
      metadata: {
        user_api_key_alias: 'harbour-web',
        user_api_key_team_id: 'harbour',
        user_api_key_user_id: 'u-anna',
        user_api_key_project_id: 'p1',
        user_api_key_auth_metadata: { arcadia_deployment: 'web' },
      },
    });
  });

  test.each(['1.4999999999999999e-05', '0.000212503125', '3.1466666666659993e-05', '1e-7', '12'])(
    'keeps the digits of a cost of %s',
    (spend) => {
      const text = JSON.stringify(ROW).replace('"spend":0.25', `"spend":${spend}`);
      expect(toCallbackEvent(parseKeepingCosts(text), noMetadata)).toContain(
        `"response_cost":${spend},`,
      );
    },
  );

  test.each([
    ['2026-11-30T09:21:07Z', '1796030467'],
    ['2026-11-30T09:21:07.123456', '1796030467.123456'],
    ['2026-11-30 09:21:07.5', '1796030467.5'],
    ['2026-11-30T20:21:07.123+11:00', '1796030467.123'],
  ])('reads a start of %s', (startTime, seconds) => {
    const kept = parseKeepingCosts(JSON.stringify({ ...ROW, startTime }));
    expect(toCallbackEvent(kept, noMetadata)).toContain(`"startTime":${seconds},`);
  });

  test('has the id of the callback for rows whose cost was known later', () => {
    expect(convert({ ...ROW, request_id: 'batch_1_batch_cost' }).id).toBe('batch_1');
    expect(convert({ ...ROW, request_id: 'resp_1_background_cost' }).id).toBe('resp_1');
  });

  test('takes what is missing from the metadata, also if that is text', () => {
    const metadata = JSON.stringify({ litellm_call_id: 'call-2', status: 'failure' });
    const row = { ...ROW, litellm_call_id: null, status: null, cache_hit: 'True', metadata };
    expect(convert(row)).toMatchObject({
      ...{ litellm_call_id: 'call-2', status: 'failure', cache_hit: true },
    });
  });

  test('leaves an event of the callback as it is', () => {
    const event = { id: 'x', litellm_call_id: 'y', response_cost: 1e-7, metadata: { any: [1] } };
    expect(convert(event)).toEqual(event);
  });

  test.each([
    [
      'without a request id',
      { request_id: undefined },
      "not a row of LiteLLM's spend log: request_id",
    ],
    ['without a call id', { litellm_call_id: undefined }, 'no litellm_call_id'],
    ['with another start', { startTime: 'yesterday' }, '"yesterday" is not an instant'],
  ])('rejects a row %s', (_, changes, message) => {
    expect(() => convert({ ...ROW, ...changes })).toThrow(SpendLogError);
    expect(() => convert({ ...ROW, ...changes })).toThrow(message);
  });

  test('finds the team in the metadata if the row has none, and reads empty texts as none', () => {
    const metadata = { user_api_key_alias: '', user_api_key_team_id: 'harbour' };
    expect(convert({ ...ROW, team_id: '', metadata }).metadata).toMatchObject({
      ...{ user_api_key_alias: null, user_api_key_team_id: 'harbour' },
    });
  });
});
