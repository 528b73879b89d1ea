import { describe, expect, test } from 'vitest';
import {
  toAssigned,
  UnfilteredAssignmentError,
  whyOtherUnit,
} from '../../../src/ingestion/quarantine/assignment.ts';

describe('a charge', () => {
  test.each([
    ['AUD', 'USD'],
    ['JPY', 'KRW'],
    ['AUD', undefined],
    [undefined, 'AUD'],
  ])('in %s can be taken as %s', (sent, assigned) => {
    expect(whyOtherUnit(sent, assigned)).toBeNull();
  });

  test.each([
    ['JPY', 'AUD', "sent in JPY (0 decimals) and can't be taken as AUD (2 decimals)"],
    ['AUD', 'JPY', "sent in AUD (2 decimals) and can't be taken as JPY (0 decimals)"],
    ['KWD', 'USD', "sent in KWD (3 decimals) and can't be taken as USD (2 decimals)"],
    ['aud', 'AUD', 'sent in aud (not a currency)'],
    [7, 'AUD', 'sent in 7 (not a currency)'],
    [null, 'AUD', 'sent in null (not a currency)'],
  ])("in %j can't be taken as %s", (sent, assigned, words) => {
    const why = whyOtherUnit(sent, assigned);
    expect(why?.pointer).toBe('/currency');
    expect(why?.detail).toContain(words);
  });
});

describe('a release', () => {
  const assign = { tenant_id: 'acme', currency: undefined };

  test.each([{ quarantineIds: [7] }, { heldFor: 'malformed' }, { tenantId: 'team-7' }] as const)(
    'of %j can replace fields',
    (filter) => {
      expect(toAssigned(assign, filter)).toEqual({ tenant_id: 'acme' });
    },
  );

  test('of all events can only replace none', () => {
    expect(toAssigned(undefined, {})).toBeNull();
    expect(toAssigned({ currency: undefined }, {})).toBeNull();
    expect(() => toAssigned(assign, {})).toThrow(UnfilteredAssignmentError);
    expect(() => toAssigned(assign, { tenantId: undefined })).toThrow('must say which events');
  });
});
