import type { AudRate } from './aud-tax.ts';
import { sumCents } from './cents.ts';
import { completeDocument, type ComposedInvoice, type InvoiceInputs } from './compose-invoice.ts';
import { Decimal, toDecimalString } from './decimal.ts';
import type { DeploymentLine } from './deployment-lines.ts';
import { chargedTreatment, invoiceTotals } from './invoice-totals.ts';
import {
  pairLines,
  purposeOfSubscription,
  type PlacedLine,
  type UnplacedLine,
} from './line-changes.ts';
import type { Month } from './period.ts';
import type { JsonObject } from './types.ts';

/** Adjustment notes: what corrects a settled invoice (docs/spec.md#adjustment-notes). */

/**
 * Returns what an invoice and its notes from reruns charge together: their lines, added up by purpose. Lines without a
 * deployment (tax, invoice items) are left out, and so is what a note has taken back completely. Of credits, pass none:
 * they are not part of what a rerun composes.
 * @param documents the lines of the invoice, then those of each note in order
 * @throws DomainError `amount_out_of_range`
 */
export function linesInEffect(
  documents: readonly (readonly PlacedLine[])[],
): readonly DeploymentLine[] {
  return addUp(documents.flat()).filter(isNonZero);
}

/** Adds up lines with the same purpose and subscription, in the order of the first of each. The last one describes them. */
function addUp(lines: readonly UnplacedLine[]): readonly DeploymentLine[] {
  const sums = new Map<string, DeploymentLine>();
  for (const line of lines) {
    const { deploymentId, subscriptionId, kind, resourceKind, description } = line;
    if (deploymentId === null) continue;
    const key = purposeOfSubscription(line);
    const sum = sums.get(key);
    sums.set(key, {
      ...{ deploymentId, subscriptionId, kind, resourceKind, description },
      qty: toDecimalString(new Decimal(sum?.qty ?? 0).plus(line.qty)),
      unit: line.unit,
      unitPriceCents: line.unitPriceCents,
      amountCents: sumCents([sum?.amountCents ?? 0, line.amountCents]),
      meta: withoutDifference(line.meta),
    });
  }
  return [...sums.values()];
}

/** Returns a line's meta without what `difference` adds to it. */
function withoutDifference(meta: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(meta).filter(([key]) => key !== 'before_cents' && key !== 'after_cents'),
  );
}

/** Usage of which a note takes or excludes some. */
export interface TouchedUsage {
  readonly source: 'llm' | 'metered';
  readonly deploymentId: string;
  readonly resourceKind: string;
  readonly serviceMonth: Month;
}

/** Returns whether a line of an invoice of the month charges for some of the usage. */
export function chargingFor(
  touched: readonly TouchedUsage[],
  month: Month,
): (line: DeploymentLine) => boolean {
  const keys = new Set(
    touched.map(({ source, deploymentId, resourceKind, serviceMonth }) =>
      source === 'llm'
        ? JSON.stringify(['llm_usage', deploymentId, serviceMonth])
        : JSON.stringify(['overage', deploymentId, resourceKind]),
    ),
  );
  return ({ kind, deploymentId, resourceKind, meta }) =>
    keys.has(
      JSON.stringify([
        kind,
        deploymentId,
        kind === 'llm_usage' ? (meta.service_month ?? month) : resourceKind,
      ]),
    );
}

/**
 * Returns the lines of a note: for each difference in quantity or amount the difference itself, described by the newer
 * line, with the amounts before and after in `meta`. A line does not differ if only its subscription was replaced. A
 * line whose usage is touched by the note gets a line even if it is 0, so that usage is always on a line of the
 * document that holds it. Lines match as between revisions (`pairLines`).
 * @param before what is in effect
 * @param after what a fresh composition charges
 * @param isTouched whether the note takes or excludes usage of a line of `after`
 * @returns by `after`, then what is no longer charged
 * @throws DomainError `amount_out_of_range`
 */
export function adjustmentLines(
  before: readonly DeploymentLine[],
  after: readonly DeploymentLine[],
  isTouched: (line: DeploymentLine) => boolean = () => false,
): readonly DeploymentLine[] {
  const fresh = addUp(after);
  const pairs = pairLines(before, fresh);
  const kept = new Set(pairs.values());
  return [
    ...fresh.flatMap((line) => {
      const found = difference(pairs.get(line) ?? null, line, line);
      return isNonZero(found) || isTouched(line) ? found : [];
    }),
    ...before.filter((line) => !kept.has(line)).map((line) => difference(line, null, line)),
  ];
}

function difference(
  before: DeploymentLine | null,
  after: DeploymentLine | null,
  newer: DeploymentLine,
): DeploymentLine {
  const before_cents = before?.amountCents ?? 0;
  const after_cents = after?.amountCents ?? 0;
  return {
    ...newer,
    // The next difference adds this line to the one that it corrects, which may name a subscription that was replaced.
    subscriptionId: (before ?? newer).subscriptionId,
    qty: toDecimalString(new Decimal(after?.qty ?? 0).minus(before?.qty ?? 0)),
    amountCents: sumCents([after_cents, -before_cents]),
    meta: { ...newer.meta, before_cents, after_cents },
  };
}

/** Whether a line has a quantity or an amount. */
function isNonZero({ qty, amountCents }: DeploymentLine): boolean {
  return amountCents !== 0 || !new Decimal(qty).isZero();
}

/** What an invoice and all its notes, credits included, have charged and taxed so far. */
export interface ChargedSoFar {
  /** The sum of the lines that are taxable. */
  readonly taxableCents: number;
  readonly taxCents: number;
  /** The exchange rate that they keep; null if none of them needed one. */
  readonly audRate: AudRate | null;
}

/**
 * Adds tax and totals to the lines of a note. Its tax is the tax of all that is charged together, less what was taxed
 * so far, so that notes never round on their own.
 * @param lines before tax, in order within each deployment
 * @throws DomainError `amount_out_of_range`, `missing_exchange_rate`
 */
export function assembleNote(
  lines: readonly UnplacedLine[],
  soFar: ChargedSoFar,
  {
    month,
    currency,
    tax: terms,
  }: Pick<InvoiceInputs, 'currency' | 'tax'> & { readonly month: Month },
): ComposedInvoice {
  const treatment = chargedTreatment(terms);
  const amountsOf = (some: readonly UnplacedLine[]) => some.map(({ amountCents }) => amountCents);
  const taxable = amountsOf(lines.filter((line) => line.taxable ?? true));
  const taxableCents = sumCents(taxable, "The note's taxable subtotal");
  const subtotalCents = sumCents(amountsOf(lines), "The note's subtotal");
  const owed = invoiceTotals([soFar.taxableCents, ...taxable], treatment);
  const taxCents = sumCents([owed.taxCents, -soFar.taxCents], "The note's tax");
  return completeDocument(
    {
      subtotalCents,
      taxableCents,
      taxCents,
      totalCents: sumCents([subtotalCents, taxCents], "The note's total"),
    },
    lines,
    { ...terms, month, currency, audRate: soFar.audRate ?? terms.audRate },
  );
}
