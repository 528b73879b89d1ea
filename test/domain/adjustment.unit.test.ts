import { describe, expect, test } from 'vitest';
import {
  adjustmentLines,
  assembleNote,
  chargingFor,
  linesInEffect,
  type ChargedSoFar,
} from '../../src/domain/adjustment.ts';
import { composeInvoice } from '../../src/domain/compose-invoice.ts';
import { DEFAULT_TAX, type TaxTerms } from '../../src/domain/invoice-totals.ts';
import type { DeploymentLine } from '../../src/domain/deployment-lines.ts';
import { periodOf } from '../_util/utc.ts';
import { domainError } from './_arbitraries.ts';
import { chargedLine as line, placedLine } from './_lines.ts';

const llm = (fields: Partial<DeploymentLine> = {}) =>
  line({
    ...{ kind: 'llm_usage', description: 'LLM usage', subscriptionId: null, unit: 'request' },
    ...{ unitPriceCents: null, qty: '3', amountCents: 7, meta: { exact_cents: '7.25' } },
    ...fields,
  });
const overage = (fields: Partial<DeploymentLine> = {}) =>
  line({
    ...{ kind: 'overage', resourceKind: 'gb', description: 'gb overage', unit: 'gb_month' },
    ...{ unitPriceCents: '2', qty: '30.5', amountCents: 61, meta: { used: '130.5' } },
    ...fields,
  });
const placed = (lines: readonly DeploymentLine[]) =>
  lines.map((each, index) => placedLine({ ...each, lineNo: index + 1 }));
const inEffect = (...documents: readonly (readonly DeploymentLine[])[]) =>
  linesInEffect(documents.map(placed));

describe('lines in effect', () => {
  test('are the lines of the invoice without tax, as long as it has no notes', () => {
    const { lines } = composeInvoice({
      ...{ period: periodOf('2026-05'), currency: 'AUD', tax: DEFAULT_TAX },
      ...{ deployments: [], planVersions: new Map(), meteredUsage: new Map(), items: [] },
      llmUsage: [
        { deploymentId: 'b', requestCount: '1', exactCents: '10', serviceMonth: '2026-05' },
      ],
    });
    expect(lines.map(({ kind }) => kind)).toEqual(['llm_usage', 'tax']);
    expect(linesInEffect([lines])).toMatchObject([{ kind: 'llm_usage', amountCents: 10 }]);
    expect(inEffect([line(), overage(), llm()])).toEqual([line(), overage(), llm()]);
  });

  test('add notes up by purpose, and the last one describes them', () => {
    const newer = { unitPriceCents: '3', meta: { used: '140' } };
    const note = overage({
      ...{ qty: '9.5', amountCents: 59, unitPriceCents: '3' },
      meta: { used: '140', before_cents: 61, after_cents: 120 },
    });
    expect(inEffect([overage(), llm()], [note])).toEqual([
      overage({ qty: '40', amountCents: 120, ...newer }),
      llm(),
    ]);
  });

  test('leave out what a note has taken back', () => {
    const back = overage({ qty: '-30.5', amountCents: -61 });
    expect(inEffect([line(), overage()], [back])).toEqual([line()]);
  });

  test('keep a line of 0 that has a quantity', () => {
    expect(inEffect([llm({ amountCents: 0 })])).toHaveLength(1);
  });
});

describe('a note has a line', () => {
  test.each<[string, readonly DeploymentLine[], readonly DeploymentLine[], readonly object[]]>([
    ['for nothing, if all lines are the same', [line(), llm()], [line(), llm()], []],
    [
      'for more usage, with the difference',
      [overage()],
      [overage({ qty: '40', amountCents: 80, meta: { used: '140' } })],
      [
        {
          ...{
            kind: 'overage',
            qty: '9.5',
            amountCents: 19,
            unit: 'gb_month',
            unitPriceCents: '2',
          },
          meta: { used: '140', before_cents: 61, after_cents: 80 },
        },
      ],
    ],
    [
      'for less usage, with a negative difference',
      [llm()],
      [llm({ qty: '1', amountCents: 2, meta: { exact_cents: '2.25' } })],
      [{ qty: '-2', amountCents: -5, meta: { before_cents: 7, after_cents: 2 } }],
    ],
    [
      'for a quantity alone',
      [llm()],
      [llm({ qty: '4' })],
      [{ qty: '1', amountCents: 0, meta: { before_cents: 7, after_cents: 7 } }],
    ],
    [
      'for an amount alone, with the newer price',
      [line()],
      [line({ unitPriceCents: '8000', amountCents: 8000 })],
      [{ qty: '0', unitPriceCents: '8000', amountCents: 3000 }],
    ],
    [
      'for what is new, in full',
      [],
      [overage()],
      [{ qty: '30.5', amountCents: 61, meta: { before_cents: 0, after_cents: 61 } }],
    ],
    [
      'for what is no longer charged, as it was',
      [line(), overage()],
      [line()],
      [
        {
          ...{ description: 'gb overage', qty: '-30.5', amountCents: -61, unitPriceCents: '2' },
          meta: { used: '130.5', before_cents: 61, after_cents: 0 },
        },
      ],
    ],
    [
      'for nothing, if only the subscription was replaced',
      [line()],
      [line({ subscriptionId: 'new' })],
      [],
    ],
    [
      'for one of two addons that are the same',
      [line({ kind: 'addon' }), line({ kind: 'addon' })],
      [line({ kind: 'addon' })],
      [{ qty: '-1', amountCents: -5000, meta: { before_cents: 10000, after_cents: 5000 } }],
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(adjustmentLines(inEffect(before), after)).toMatchObject(expected);
    expect(adjustmentLines(inEffect(before), after)).toHaveLength(expected.length);
  });

  test('of 0 for usage that it takes or excludes', () => {
    const touched = { deploymentId: 'web', serviceMonth: '2026-05' };
    const isTouched = chargingFor(
      [
        { ...touched, source: 'llm', resourceKind: 'llm_usage' },
        { ...touched, source: 'metered', resourceKind: 'gb' },
        { ...touched, source: 'metered', resourceKind: 'snapshots' },
      ],
      '2026-05',
    );
    const late = llm({ meta: { service_month: '2026-04' }, description: 'late' });
    const lines = [line(), overage(), llm(), late, overage({ resourceKind: 'hours' })];
    const others = lines.map((each) => ({ ...each, deploymentId: 'api' }));
    expect(lines.filter(isTouched)).toEqual([overage(), llm()]);
    expect(
      adjustmentLines(inEffect(lines, others), [...lines, ...others], isTouched),
    ).toMatchObject([
      { deploymentId: 'web', kind: 'overage', qty: '0', amountCents: 0 },
      { deploymentId: 'web', kind: 'llm_usage', qty: '0', amountCents: 0 },
    ]);
  });

  test('that the next note takes into account, even if the subscription was replaced in between', () => {
    const invoice = [line()];
    const fresh = [line({ subscriptionId: 'new', amountCents: 6000, qty: '2' })];
    const note = adjustmentLines(inEffect(invoice), fresh);
    expect(note).toMatchObject([{ subscriptionId: 'sub', qty: '1', amountCents: 1000 }]);
    expect(adjustmentLines(inEffect(invoice, note), fresh)).toEqual([]);
  });

  test('unless its amount is too large for cents', () => {
    const huge = line({ amountCents: Number.MAX_SAFE_INTEGER });
    const less = line({ amountCents: -1 });
    expect(() => adjustmentLines([less], [huge])).toThrow(
      expect.objectContaining(domainError('amount_out_of_range')),
    );
  });
});

describe('the tax of a note', () => {
  const soFar: ChargedSoFar = { taxableCents: 6235, taxCents: 624, audRate: null };
  const terms = { month: '2026-05', currency: 'AUD', tax: DEFAULT_TAX };
  const noteOf = (
    amountCents: number,
    before: Partial<ChargedSoFar> = {},
    more: Partial<typeof terms> = {},
  ) => assembleNote([line({ amountCents })], { ...soFar, ...before }, { ...terms, ...more });

  test('brings the tax to that of all that is charged', () => {
    // 62.45 × 10 % = 6.245, of which 6.24 is taxed.
    expect(noteOf(10)).toMatchObject({
      ...{ subtotalCents: 10, taxCents: 1, totalCents: 11 },
      lines: [
        { lineNo: 1, amountCents: 10 },
        { lineNo: 2, kind: 'tax', description: 'GST (10%)', amountCents: 1, deploymentId: null },
      ],
    });
    expect(noteOf(9)).toMatchObject({ taxCents: 0, lines: [{ kind: 'plan_base' }] });
  });

  test('is negative for a negative difference', () => {
    expect(noteOf(-6235)).toMatchObject({ taxCents: -624, totalCents: -6859 });
  });

  test('follows the treatment that is recorded now', () => {
    const free = { code: 'free', label: 'GST-free', rate: '0', note: 'export' };
    expect(noteOf(0, {}, { tax: { ...DEFAULT_TAX, treatment: free } })).toMatchObject({
      ...{ taxCents: -624, totalCents: -624, tax: { treatment: free } },
      lines: [{ amountCents: 0 }, { description: 'GST-free (0%)', amountCents: -624 }],
    });
    const unregistered: TaxTerms = { ...DEFAULT_TAX, sellerRegistered: false };
    expect(noteOf(100, {}, { tax: unregistered })).toMatchObject({ taxCents: -624 });
  });

  test('is shown in AUD by the rate of the invoice, even if another one was recorded since', () => {
    const old = { rate: '1.5', source: 'at issue' };
    const tax = { ...DEFAULT_TAX, audRate: { rate: '2', source: 'later' } };
    const usd = { currency: 'USD', tax };
    expect(noteOf(1000, { audRate: old }, usd).tax.aud).toEqual({ ...old, taxCents: 150 });
    expect(noteOf(1000, {}, usd).tax.aud).toMatchObject({ rate: '2', taxCents: 200 });
    expect(noteOf(0, { audRate: old }, usd).tax.aud).toBeNull();
    expect(() => noteOf(1000, {}, { currency: 'USD' })).toThrow(
      expect.objectContaining(domainError('missing_exchange_rate')),
    );
  });

  test('leaves out lines that are not taxable', () => {
    const untaxed = { ...line({ amountCents: 1000 }), taxable: false };
    expect(assembleNote([untaxed, line({ amountCents: 10 })], soFar, terms)).toMatchObject({
      ...{ subtotalCents: 1010, taxableCents: 10, taxCents: 1, totalCents: 1011 },
    });
  });

  test.each([
    ['taxable subtotal', [Number.MAX_SAFE_INTEGER, 1], true, {}],
    ['subtotal', [Number.MAX_SAFE_INTEGER, 1], false, {}],
    ['tax', [0], true, { taxCents: -Number.MAX_SAFE_INTEGER }],
    ['total', [Number.MAX_SAFE_INTEGER], false, { taxCents: 0 }],
  ])('is refused with a %s beyond 2^53 − 1, by its name', (what, amounts, taxable, before) => {
    const lines = amounts.map((amountCents) => ({ ...line({ amountCents }), taxable }));
    expect(() => assembleNote(lines, { ...soFar, ...before }, terms)).toThrow(
      expect.objectContaining({
        ...domainError('amount_out_of_range'),
        message: expect.stringContaining(`The note's ${what} would be `) as string,
      }),
    );
  });
});
