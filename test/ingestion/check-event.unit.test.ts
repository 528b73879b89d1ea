import { describe, expect, test } from 'vitest';
import { checkEvent } from '../../src/ingestion/check-event.ts';
import { parseUtcInstant } from '../../src/ingestion/instant.ts';
import type { SentEvent } from '../../src/ingestion/usage-kind.ts';
import { deployment } from './_usage.ts';

function event(fields: Partial<SentEvent> = {}, occurredAt = '2026-05-10T12:00:00Z'): SentEvent {
  return {
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    occurred_at: parseUtcInstant(occurredAt)!,
    ...fields,
  };
}

/** The rejection, with one reason and one field. */
function refusal(pointer: string, ...named: string[]) {
  const detail = expect.stringMatching(named.join('.*'));
  return { status: 'rejected', reason: detail, errors: [{ pointer, detail }] };
}

test('accepts an event of the tenant’s own deployment', () => {
  expect(checkEvent(event(), deployment)).toBeNull();
});

describe('the deployment', () => {
  test('that does not exist is rejected, naming it and the tenant', () => {
    expect(checkEvent(event(), undefined)).toEqual(refusal('/deployment_id', 'acme', 'acme-a'));
  });

  test('of another tenant gets the same answer as one that does not exist', () => {
    const other = { ...deployment, tenantId: 'zeta', currency: 'NZD' };
    // An error about the currency would reveal it.
    for (const sent of [event(), event({ currency: 'AUD' })]) {
      expect(checkEvent(sent, other)).toStrictEqual(checkEvent(sent, undefined));
    }
  });
});

describe('the currency', () => {
  test('may be stated', () => {
    expect(checkEvent(event({ currency: 'AUD' }), deployment)).toBeNull();
  });

  test("that differs from the tenant's is rejected, naming both", () => {
    expect(checkEvent(event({ currency: 'USD' }), deployment)).toEqual(
      refusal('/currency', 'tenant acme', 'AUD', 'USD'),
    );
  });
});
