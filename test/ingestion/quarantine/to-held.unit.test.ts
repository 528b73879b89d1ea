import { describe, expect, test } from 'vitest';
import {
  QUARANTINE_REASONS,
  QUARANTINE_STATES,
  remedyFor,
} from '../../../src/domain/quarantine.ts';
import type { JsonObject } from '../../../src/domain/types.ts';
import { digestOf, toHeld } from '../../../src/ingestion/quarantine/hold.ts';
import { parseEvent, checkEvent } from '../../../src/ingestion/check-event.ts';
import { LLM_USAGE } from '../../../src/ingestion/llm-event.ts';
import { checkTime, DEFAULT_TIME_BOUNDS } from '../../../src/ingestion/time-bounds.ts';
import { rejectedField, type UsageResult } from '../../../src/ingestion/results.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const EVENT: JsonObject = {
  gateway_request_id: 'litellm:1',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  model: 'large-2',
  occurred_at: '2026-05-10T12:00:00Z',
  charge_cents: '1.25',
  currency: 'AUD',
};

/** The result that the ingestion gives an event of a tenant with one deployment. */
function refusalOf(event: JsonObject): Extract<UsageResult, { readonly reason: string }> {
  const parsed = parseEvent(LLM_USAGE.schema, event);
  const deployment = { deploymentId: 'acme-a', tenantId: 'acme', currency: 'AUD' };
  const result = parsed.ok
    ? (checkEvent(parsed.event, parsed.event.deployment_id === 'acme-a' ? deployment : undefined) ??
      rejectedField(checkTime(parsed.event.occurred_at, NOW, DEFAULT_TIME_BOUNDS, false)!))
    : parsed.result;
  if (!('reason' in result)) throw new Error('it was not refused');
  return result;
}

describe('the reason to hold an event', () => {
  test.each([
    ['unknown_deployment', { deployment_id: 'acme-b' }],
    ['unknown_deployment', { tenant_id: 'zeta' }],
    ['unknown_deployment', { deployment_id: 'My key' }],
    ['unknown_tenant', { tenant_id: 'My Team' }],
    ['unknown_tenant', { tenant_id: 'My Team', deployment_id: 'My key' }],
    ['wrong_currency', { currency: 'USD' }],
    ['malformed', { currency: 'XXX' }],
    ['malformed', { charge_cents: 'NaN' }],
    ['malformed', { charge_cents: 'NaN', tenant_id: 'My Team' }],
    ['malformed', { surprise: 1 }],
    ['too_old', { occurred_at: '2026-01-10T12:00:00Z' }],
    ['too_early', { occurred_at: '2026-06-02T12:00:00Z' }],
  ] as const)('is %s for %j', (reason, more) => {
    const event = { ...EVENT, ...more };
    const refusal = refusalOf(event);
    expect(toHeld(event, refusal, NOW)).toEqual({
      ...{ sourceId: 'litellm:1', reason, detail: refusal.reason, fields: event },
    });
  });

  test('is conflict if another event has its id', () => {
    const refusal = { status: 'conflict', reason: 'another one' } as const;
    expect(toHeld(EVENT, refusal, NOW).reason).toBe('conflict');
  });
});

test('an event without an id gets the digest of its text', () => {
  const event = { ...EVENT, gateway_request_id: '' };
  const { sourceId } = toHeld(event, refusalOf(event), NOW);
  expect(sourceId).toBe(digestOf(JSON.stringify(event)));
  expect(sourceId).toMatch(/^sha256:[0-9a-f]{64}$/);
});

describe('the remedy', () => {
  const about = { tenant_id: 'acme', deployment_id: 'acme-a', model: 'large-2' };

  test.each(QUARANTINE_REASONS)('for %s says what to do', (held_for) => {
    expect(remedyFor({ held_for, state: 'held', ...about })).toMatch(/^[A-Z].*\.$/);
  });

  test.each(QUARANTINE_STATES.filter((state) => state !== 'held'))(
    'of an event that is %s is null',
    (state) => {
      expect(remedyFor({ held_for: 'conflict', state, ...about })).toBeNull();
    },
  );
});
