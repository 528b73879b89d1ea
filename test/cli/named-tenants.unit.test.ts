import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { needsAttentionFor } from '../../src/cli/month-status.ts';
import { renderNamedTenants } from '../../src/cli/render/outcomes-text.ts';
import type { NamedTenant } from '../../src/db/month-end/request-views.ts';

const rolled: NamedTenant = {
  tenant_id: 'acme',
  outcome: 'rolled',
  reason: null,
  invoice_id: '8bc9cc20-0000-4000-8000-000000000003',
  number: 'acme-000003',
  revision: 3,
  currency: 'USD',
  total_cents: 27426,
};
const none = { invoice_id: null, number: null, revision: null, currency: null, total_cents: null };
const unchanged: NamedTenant = { ...rolled, tenant_id: 'bravo', outcome: 'unchanged' };
const parked: NamedTenant = { ...rolled, ...none, outcome: 'parked', reason: 'no plan is known' };
const refused: NamedTenant = { ...parked, outcome: 'refused', reason: 'there is no tenant acme' };
const waiting: NamedTenant = { ...parked, outcome: null, reason: null };

test('what became of each tenant that a request named, a line each', () => {
  const text = renderNamedTenants([rolled, unchanged, parked, refused, waiting]);
  expect(stripVTControlCharacters(text).split('\n')).toEqual([
    'acme: invoiced, acme-000003 (revision 3), USD 274.26',
    'bravo: unchanged, acme-000003 (revision 3), USD 274.26',
    'acme: parked: no plan is known',
    'acme: refused: there is no tenant acme',
    'acme: not served',
  ]);
});

describe('an operator has to look', () => {
  test.each([
    ['at a tenant that is parked', [rolled, parked], true, true],
    ['at one that was refused', [refused, rolled], true, true],
    ['at one that was left out', [waiting], true, true],
    ["at books that don't add up", [rolled], false, true],
    ['at none where each has its invoice', [rolled, unchanged], true, false],
    ['at none while other requests are open', [rolled], null, false],
  ])('%s', (_what, named, balanced, expected) => {
    expect(needsAttentionFor(named, { balanced })).toBe(expected);
  });
});
