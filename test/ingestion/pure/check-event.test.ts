import { describe, expect, test } from 'vitest';
import { checkEvent } from '../../../src/ingestion/check-event.ts';
import { parseUtcInstant } from '../../../src/ingestion/instant.ts';
import type { SentEvent } from '../../../src/ingestion/usage-kind.ts';
import { deployment } from './_usage.ts';

const NOW = new Date('2026-05-30T12:00:00Z');

function event(fields: Partial<SentEvent> = {}, occurredAt = '2026-05-10T12:00:00Z'): SentEvent {
  return {
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    occurred_at: parseUtcInstant(occurredAt)!,
    ...fields,
  };
}

/** The refusal, for which there is one reason and one field. */
function refusal(pointer: string, ...named: string[]) {
  const detail = expect.stringMatching(named.join('.*'));
  return { status: 'rejected', reason: detail, errors: [{ pointer, detail }] };
}

test('takes an event of the tenant’s own deployment', () => {
  expect(checkEvent(event(), deployment, NOW)).toBeNull();
});

describe('the deployment', () => {
  test('that does not exist is refused, naming it and the tenant', () => {
    expect(checkEvent(event(), undefined, NOW)).toEqual(
      refusal('/deployment_id', 'acme', 'acme-a'),
    );
  });

  test('of another tenant is as unknown as one that does not exist', () => {
    const other = { ...deployment, tenantId: 'zeta', currency: 'NZD' };
    // Its currency would give it away.
    for (const sent of [event(), event({ currency: 'AUD' })]) {
      expect(checkEvent(sent, other, NOW)).toStrictEqual(checkEvent(sent, undefined, NOW));
    }
  });
});

describe('the currency', () => {
  test('may be spelt out', () => {
    expect(checkEvent(event({ currency: 'AUD' }), deployment, NOW)).toBeNull();
  });

  test('other than the one that the tenant is billed in is refused, naming both', () => {
    expect(checkEvent(event({ currency: 'USD' }), deployment, NOW)).toEqual(
      refusal('/currency', 'tenant acme', 'AUD', 'USD'),
    );
  });
});

describe('the instant', () => {
  test('may be 24 hours ahead of our clock', () => {
    expect(checkEvent(event({}, '2026-05-31T12:00:00Z'), deployment, NOW)).toBeNull();
  });

  test('further ahead is refused, naming it: it would open a month that nobody closes', () => {
    expect(checkEvent(event({}, '2026-05-31T12:00:01Z'), deployment, NOW)).toEqual(
      refusal('/occurred_at', '2026-05-31T12:00:01Z', 'clock'),
    );
  });

  test('of any earlier month is taken: late usage is not lost', () => {
    expect(checkEvent(event({}, '2000-01-01T00:00:00Z'), deployment, NOW)).toBeNull();
  });
});
