import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  exact,
  figuresOf,
  llmCents,
  taxCents,
  type StoryFiles,
  type StoryUsage,
} from '../../dev/story-figures.ts';

/** The demo checks the product with these figures, so they are checked against amounts that were worked out by hand. */

const MONTH = '2026-10';

function read(name: string): unknown {
  const text = readFileSync(new URL(`../../demo/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text.replaceAll('{month}', MONTH));
}

const files: StoryFiles = {
  ...(read('catalogue') as Pick<StoryFiles, 'plans' | 'addons'>),
  ...(read('tax') as Pick<StoryFiles, 'treatments'>),
  tenants: ['subscriptions', 'real-month'].flatMap(
    (name) => (read(name) as Pick<StoryFiles, 'tenants'>).tenants,
  ),
};
const metered = read('metered-usage') as Record<string, Record<string, string>>;
const usage: StoryUsage = {
  events: [],
  records: Object.entries(metered).flatMap(([deploymentId, kinds]) =>
    Object.entries(kinds).map(([kind, qty]) => ({
      record_id: `${deploymentId}-${kind}`,
      tenant_id: '',
      deployment_id: deploymentId,
      resource_kind: kind,
      qty,
      occurred_at: `${MONTH}-15T00:00:00Z`,
    })),
  ),
};

describe("figures of the demo's invoices", () => {
  test.each([
    // 50.00 and 7.50; 500 thousand tokens and 50 GB beyond what is included.
    ['harbour-studio', [5000, 750, 500, 100], 635],
    // 12 of 31 days.
    ['banksia-bakery', [1935, 290], 223],
    // 11 of 31 days, with as much of the allowances.
    ['coral-coast', [1774, 142, 871, 89], 288],
    // 15 days of one plan, 16 of the other; 188 hours beyond what both include.
    ['daintree-data', [2419, 12_852, 376], 1565],
    // 3,500 thousand tokens at 0.0425 cents.
    ['echidna-ai', [2000, 149], 215],
    // GST-free.
    ['kauri-systems', [5000, 250], 0],
  ])('%s', (tenantId, lines, tax) => {
    const subtotal = lines.reduce((sum, cents) => sum + cents, 0);
    const expected = { lines, subtotal, tax, total: subtotal + tax };
    expect(figuresOf(files, usage, tenantId, MONTH)).toEqual(expected);
  });

  test('a cap limits the usage, and a cap of 0 bills nothing', () => {
    const { lines } = figuresOf(files, usage, 'on-the-edge', MONTH);
    // above-allowance: 1 hour, 1,000 tokens, 1 GB, 1 snapshot; its DNS zones have a cap of 0.
    expect(lines.slice(0, 5)).toEqual([24_900, 2, 1, 2, 5]);
  });

  test('charges are added up exactly and rounded once', () => {
    const event = { charge_cents: '0.1667' } as StoryUsage['events'][number];
    expect(llmCents([event, event, { ...event, charge_cents: '0.1666' }])).toBe(1);
    expect(exact('-0.5')).toBe(-500_000_000_000n);
  });

  test('tax is rounded half away from zero', () => {
    expect([taxCents(6235, '0.10'), taxCents(-6235, '0.10')]).toEqual([624, -624]);
  });
});
