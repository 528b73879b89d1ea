import { describe, expect, test } from 'vitest';
import { changeText, comparisonText } from '../../src/display/comparison-text.ts';
import { toPlainText } from '../../src/display/line-text.ts';
import type { Cause } from '../../src/domain/change-causes.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';
import { compareMonths } from '../../src/domain/month-comparison.ts';
import { placedLine } from '../domain/_lines.ts';

const compare = (april: readonly PlacedLine[], may: readonly PlacedLine[]) =>
  compareMonths({ month: '2026-04', documents: [april] }, { month: '2026-05', documents: [may] });
const MONTHS = { beforeMonth: '2026-04', afterMonth: '2026-05' };

function text(line: PlacedLine, cause: Partial<Cause> & Pick<Cause, 'cause'>): string {
  const change = {
    ...{ before: [line], after: [line], beforeCents: 1, afterCents: 2, differenceCents: 1 },
    causes: [{ before: null, after: null, model: null, ...cause }],
  };
  return toPlainText(changeText(change, MONTHS, 'AUD').causes.join());
}

const plan = placedLine({ meta: { plan_version_id: 'studio-v1' } });
const gb = placedLine({ kind: 'overage', resourceKind: 'gb', unit: 'gb', unitPriceCents: '2' });

describe('a cause in words', () => {
  test.each([
    [plan, { cause: 'deployment_added' }, 'No charge for this deployment in April 2026'],
    [plan, { cause: 'deployment_removed' }, 'No charge for this deployment in May 2026'],
    [plan, { cause: 'added' }, 'Not charged in April 2026'],
    [plan, { cause: 'removed' }, 'Not charged in May 2026'],
    [plan, { cause: 'one_off' }, 'One-off'],
    [
      plan,
      { cause: 'plan', before: 'studio-v1', after: 'studio-v1, studio-v2' },
      'Plan version: 1, 2, before 1',
    ],
    [
      plan,
      { cause: 'price', before: '5000', after: '6000.5' },
      'Price per month: 60.005, before 50.00',
    ],
    [
      plan,
      { cause: 'days', before: '11/30', after: '31/31' },
      'Days billed: 31 of 31, before 11 of 30',
    ],
    [plan, { cause: 'count', before: '1', after: '1200' }, 'Number: 1,200, before 1'],
    [gb, { cause: 'usage', before: '1', after: '1500.5' }, 'Used: 1,500.5 GB, before 1 GB'],
    [gb, { cause: 'allowance', before: '100', after: '50' }, 'Included: 50 GB, before 100 GB'],
    [gb, { cause: 'cap', before: '180' }, 'Capped at: no cap, before 180 GB'],
    [plan, { cause: 'requests', before: '1000', after: '1' }, 'Requests: 1, before 1,000'],
    [
      plan,
      { cause: 'average_charge', before: '1.25', after: '150' },
      'Average charge of a request: AUD 1.50, before AUD 0.0125',
    ],
    [
      plan,
      { cause: 'model', model: 'large-2', before: '1234.56789', after: '200' },
      'large-2: 2.00, before 12.3457',
    ],
    [plan, { cause: 'model', after: '0.00012345' }, 'All other models: 0.00000123, before none'],
    [plan, { cause: 'tax_rate', before: '0.10', after: '0.15' }, 'Rate: 15%, before 10%'],
  ] as const)('%#: %j', (line, cause, expected) => {
    expect(text(line, cause)).toBe(expected);
  });

  test('names the plans, if they differ', () => {
    const large = {
      ...plan,
      amountCents: 8000,
      meta: { plan_version_id: 'l-v1', plan_name: 'Large' },
    };
    const comparison = compare([plan], [large]);
    expect(changeText(comparison.changes[0]!, comparison, 'AUD').causes).toEqual([
      'Plan: Large, before Studio',
    ]);
  });
});

describe('a charge', () => {
  const shown = (april: readonly PlacedLine[], may: readonly PlacedLine[]) => {
    const comparison = compare(april, may);
    return changeText(comparison.changes[0]!, comparison, 'AUD');
  };

  test('has the quantities of its lines in both months', () => {
    const part = (subscriptionId: string, proration_fraction: string) =>
      placedLine({ subscriptionId, amountCents: 2500, meta: { proration_fraction } });
    expect(shown([part('a', '10/30'), part('b', '5/30')], [plan])).toMatchObject({
      ...{ name: 'Plan: Studio', deploymentId: 'web', difference: '0.00' },
      before: { amount: '50.00', quantity: '10/30 month + 5/30 month' },
      after: { amount: '50.00', quantity: '1 month' },
    });
  });

  test('with many lines counts them', () => {
    const lines = ['a', 'b', 'c', 'd'].map((subscriptionId) => placedLine({ subscriptionId }));
    expect(shown(lines, []).before).toEqual({ amount: '200.00', quantity: '4 lines' });
  });

  test('says where a month has none of it', () => {
    expect(shown([plan], [])).toMatchObject({
      after: { amount: 'none', quantity: '' },
      difference: '−50.00',
    });
  });

  test('of tax has no quantity', () => {
    const tax = placedLine({
      ...{ kind: 'tax', deploymentId: null, subscriptionId: null, description: 'GST (10%)' },
      ...{ unit: 'invoice', meta: { rate: '0.10' }, amountCents: 500 },
    });
    expect(shown([], [tax])).toMatchObject({
      name: 'GST (10%)',
      after: { amount: '5.00', quantity: '' },
      causes: ['Rate: 10%, before none'],
    });
  });
});

describe('the totals in a sentence', () => {
  const other = { number: 'acme-000001', currency: 'AUD' };
  const say = (beforeCents: number, afterCents: number) =>
    comparisonText(
      {
        ...{ beforeMonth: '2026-04', afterMonth: '2026-05', beforeCents, afterCents },
        ...{ differenceCents: afterCents - beforeCents, changes: [] },
      },
      other,
    );

  test.each([
    [
      8000,
      10_000,
      'AUD 100.00: AUD 20.00 (25.0%) more than acme-000001 for April 2026 (AUD 80.00)',
    ],
    [
      10_000,
      8000,
      'AUD 80.00: AUD 20.00 (20.0%) less than acme-000001 for April 2026 (AUD 100.00)',
    ],
    [8000, 8000, 'AUD 80.00: the same as acme-000001 for April 2026'],
    [0, 8000, 'AUD 80.00: AUD 80.00 more than acme-000001 for April 2026 (AUD 0.00)'],
  ])('%d, then %d', (before, after, expected) => {
    const text = say(before, after);
    expect(toPlainText(text)).toBe(expected);
    expect(text).not.toContain('AUD ');
  });
});
