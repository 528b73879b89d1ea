import { describe, expect, test } from 'vitest';
import {
  countWithoutOutcome,
  findImbalances,
  workToDo,
  type ControlTotals,
} from '../../src/domain/control-totals.ts';

const sound: ControlTotals = {
  tenants: {
    due: 10,
    rolled: 4,
    adjusted: 0,
    skipped: 3,
    unchanged: 2,
    nothing_to_bill: 0,
    parked: 1,
    without_invoice: 0,
    without_outcome: 0,
    with_several: 0,
  },
  usage: [
    {
      source: 'llm',
      resource_kind: 'llm_usage',
      currency: 'AUD',
      events: '9007199254740993',
      total: '0.3',
      places: [
        { state: 'billed', class: 'billed', events: '9007199254740992', total: '0.1' },
        { state: 'next_invoice', class: 'pending', events: '1', total: '0.2' },
      ],
    },
  ],
  lines: [
    {
      currency: 'AUD',
      kind: 'llm_usage',
      lines: 2,
      exact_cents: '0.1',
      rounded_cents: '0',
      wrong: 0,
    },
    { currency: 'AUD', kind: 'overage', lines: 1, exact_cents: '5', rounded_cents: '5', wrong: 0 },
  ],
  invoices: [
    {
      currency: 'AUD',
      kind: 'invoice',
      status: 'issued',
      invoices: 9,
      subtotal_cents: '100',
      tax_cents: '10',
      total_cents: '110',
      lines_cents: '110',
      wrong: 0,
    },
  ],
};
const [usage] = sound.usage;
const [lines] = sound.lines;
const [invoices] = sound.invoices;

test('balanced books pass, with counts beyond floats and exact sums next to rounded ones', () => {
  expect(findImbalances(sound)).toEqual([]);
  expect(findImbalances({ ...sound, usage: [], lines: [], invoices: [] })).toEqual([]);
});

describe('tenants', () => {
  const withTenants = (tenants: Partial<ControlTotals['tenants']>) =>
    findImbalances({ ...sound, tenants: { ...sound.tenants, ...tenants } });

  test('a due tenant without an outcome is open work, not an imbalance', () => {
    const tenants = { ...sound.tenants, due: 11 };
    expect(findImbalances({ ...sound, tenants })).toEqual([]);
    expect(workToDo('2026-05', tenants)).toEqual([
      '1 due tenant has no outcome yet: run 2026-05 again (month-end start 2026-05)',
    ]);
    expect(workToDo('2026-05', { ...tenants, parked: 0 })).toEqual([
      '2 due tenants have no outcome yet: run 2026-05 again (month-end start 2026-05)',
    ]);
    expect(workToDo('2026-05', sound.tenants)).toEqual([]);
  });

  test('outcomes that do not match the invoices are imbalances', () => {
    expect(withTenants({ without_invoice: 2, without_outcome: 4, with_several: 3 })).toEqual([
      '2 tenants count as invoiced without a live invoice',
      '4 tenants have a live invoice and no outcome that says so',
      '3 tenants have more than one live invoice',
    ]);
    expect(withTenants({ without_invoice: 1, without_outcome: 1, with_several: 1 })).toEqual([
      '1 tenant counts as invoiced without a live invoice',
      '1 tenant has a live invoice and no outcome that says so',
      '1 tenant has more than one live invoice',
    ]);
  });
});

describe('usage', () => {
  const withPlaces = (places: NonNullable<typeof usage>['places']) =>
    findImbalances({ ...sound, usage: [{ ...usage!, places }] });
  const [billed, pending] = usage!.places;

  test('an event without a place is an imbalance', () => {
    expect(withPlaces([billed!])).toEqual([
      'llm_usage: 9,007,199,254,740,993 events (AUD 0.003) were accepted, 9,007,199,254,740,992 (AUD 0.001) accounted for',
    ]);
  });

  test('a single event without a place is an imbalance', () => {
    expect(findImbalances({ ...sound, usage: [{ ...usage!, events: '1', places: [] }] })).toEqual([
      'llm_usage: 1 event (AUD 0.003) was accepted, 0 (AUD 0.00) accounted for',
    ]);
  });

  test('a wrong sum with the right count is an imbalance, and vice versa', () => {
    expect(withPlaces([billed!, { ...pending!, total: '0.20000000000001' }])).toHaveLength(1);
    expect(withPlaces([billed!, { ...pending!, events: '2' }])).toHaveLength(1);
  });

  test('unaccounted usage is an imbalance', () => {
    const lost = { ...pending!, class: 'unaccounted', state: 'unaccounted' } as const;
    expect(withPlaces([billed!, lost])).toEqual([
      'llm_usage: 1 event (AUD 0.002) is unaccounted for',
    ]);
  });
});

describe('lines and invoices', () => {
  test('lines that differ from their usage are an imbalance', () => {
    expect(findImbalances({ ...sound, lines: [{ ...lines!, wrong: 2 }] })).toEqual([
      '2 llm_usage lines in AUD differ from their usage',
    ]);
    expect(findImbalances({ ...sound, lines: [{ ...lines!, wrong: 1 }] })).toEqual([
      '1 llm_usage line in AUD differs from its usage',
    ]);
  });

  test.each([
    [{ wrong: 1 }, "1 issued invoice in AUD doesn't add up: totals of 1.10, lines of 1.10"],
    [
      { lines_cents: '111' },
      "0 issued invoices in AUD don't add up: totals of 1.10, lines of 1.11",
    ],
  ])('invoices that do not add up are an imbalance: %j', (fields, problem) => {
    expect(findImbalances({ ...sound, invoices: [{ ...invoices!, ...fields }] })).toEqual([
      problem,
    ]);
  });

  test('adjustment notes that do not add up are an imbalance', () => {
    const notes = { ...invoices!, kind: 'adjustment_note', invoices: 2, wrong: 1 } as const;
    expect(findImbalances({ ...sound, invoices: [...sound.invoices, notes] })).toEqual([
      "1 adjustment note in AUD doesn't add up: totals of 1.10, lines of 1.10",
    ]);
  });
});

test('tenants without an outcome are those that are due without those of each outcome', () => {
  const outcomes = { rolled: 1, adjusted: 2, skipped: 4, unchanged: 8 };
  const counts = { due: 100, ...outcomes, nothing_to_bill: 16, parked: 32 };
  expect(countWithoutOutcome(counts)).toBe(37);
});
