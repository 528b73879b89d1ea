import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  adjustmentLines,
  assembleNote,
  linesInEffect,
  type ChargedSoFar,
} from '../../src/domain/adjustment.ts';
import { assembleInvoice, type ComposedInvoice } from '../../src/domain/compose-invoice.ts';
import { Decimal } from '../../src/domain/decimal.ts';
import type { DeploymentLine } from '../../src/domain/deployment-lines.ts';
import { DEFAULT_TAX, DEFAULT_TREATMENT, type TaxTerms } from '../../src/domain/invoice-totals.ts';
import { anyFraction, fractionText } from './_arbitraries.ts';
import { Rational } from './_rational.ts';

/** Few purposes and subscriptions, so that lines of several documents meet, and some are there twice. */
const anyLine: fc.Arbitrary<DeploymentLine> = fc
  .record({
    deploymentId: fc.constantFrom('api', 'web'),
    subscriptionId: fc.constantFrom('sub-1', 'sub-2', 'sub-3'),
    kind: fc.constantFrom('plan_base', 'addon', 'overage', 'llm_usage'),
    qty: anyFraction.map(fractionText),
    amountCents: fc.integer({ min: 0, max: 1_000_000 }),
  })
  .map(({ subscriptionId, ...line }) => ({
    ...line,
    subscriptionId: line.kind === 'llm_usage' ? null : subscriptionId,
    ...{ resourceKind: null, description: line.kind, unit: 'unit', unitPriceCents: null },
    meta: { amount: line.amountCents },
  }));

const anyTerms: fc.Arbitrary<TaxTerms> = fc
  .record({ rate: fc.constantFrom('0', '0.10', '0.125'), sellerRegistered: fc.boolean() })
  .map(({ rate, sellerRegistered }) => ({
    ...{ ...DEFAULT_TAX, sellerRegistered },
    treatment: { ...DEFAULT_TREATMENT, rate },
  }));

const anyRerun = fc.record({
  lines: fc.array(anyLine, { maxLength: 8 }),
  tax: anyTerms,
  /** What an operator credits before the rerun. */
  creditCents: fc.integer({ min: 0, max: 5000 }),
});

const where = { month: '2026-05', currency: 'AUD', items: [] };

/** The sum of the lines of each purpose, whatever their subscription. */
function sumsOf(lines: readonly Omit<DeploymentLine, 'meta' | 'deploymentId'>[]) {
  const sums = new Map<string, { qty: string; cents: number }>();
  for (const { qty, amountCents, ...line } of lines) {
    const key = JSON.stringify([(line as DeploymentLine).deploymentId, line.kind]);
    const sum = sums.get(key) ?? { qty: '0', cents: 0 };
    const total = { qty: new Decimal(sum.qty).plus(qty), cents: sum.cents + amountCents };
    sums.set(key, { ...total, qty: total.qty.toFixed() });
  }
  return Object.fromEntries([...sums].filter(([, { qty, cents }]) => qty !== '0' || cents !== 0));
}

function soFarOf(documents: readonly ComposedInvoice[]): ChargedSoFar {
  const sum = (of: (document: ComposedInvoice) => number) =>
    documents.reduce((total, document) => total + of(document), 0);
  return {
    taxableCents: sum(({ subtotalCents }) => subtotalCents),
    taxCents: sum(({ taxCents }) => taxCents),
    audRate: null,
  };
}

test('after any reruns and credits, the invoice and its notes are the fresh composition and the credits', () => {
  fc.assert(
    fc.property(anyRerun, fc.array(anyRerun, { maxLength: 5 }), (first, reruns) => {
      const composed = [assembleInvoice(first.lines, { ...where, tax: first.tax })];
      const documents = [...composed];
      let creditedCents = 0;
      for (const { lines, tax, creditCents } of reruns) {
        if (creditCents > 0) {
          const credit = { ...first.lines[0], amountCents: -creditCents } as DeploymentLine;
          documents.push(assembleNote([credit], soFarOf(documents), { ...where, tax }));
          creditedCents += creditCents;
        }
        const inEffect = () => linesInEffect(composed.map((document) => document.lines));
        const differences = adjustmentLines(inEffect(), lines);
        const note = assembleNote(differences, soFarOf(documents), { ...where, tax });
        documents.push(note);
        composed.push(note);

        const untaxed = composed.flatMap((document) =>
          document.lines.filter(({ kind }) => kind !== 'tax'),
        );
        expect(sumsOf(untaxed)).toEqual(sumsOf(lines));
        expect(adjustmentLines(inEffect(), lines)).toEqual([]);
        const { taxableCents, taxCents } = soFarOf(documents);
        const fresh = lines.reduce((total, { amountCents }) => total + amountCents, 0);
        expect(taxableCents).toBe(fresh - creditedCents);
        expect(taxCents).toBe(taxOf(taxableCents, tax));
        expect(note.totalCents).toBe(note.lines.reduce((sum, line) => sum + line.amountCents, 0));
      }
    }),
    { numRuns: 500 },
  );
});

/** Independent of the domain's decimals. */
function taxOf(cents: number, { treatment, sellerRegistered }: TaxTerms): number {
  const rate = Rational.of(sellerRegistered ? treatment.rate : '0');
  const tax = Number(Rational.of(Math.abs(cents)).times(rate).rounded());
  return cents < 0 ? -tax || 0 : tax;
}
