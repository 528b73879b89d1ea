import { taxInAud } from './aud-tax.ts';
import { sumCents } from './cents.ts';
import { itemLines, type FreeItem, type ItemLine } from './invoice-items.ts';
import {
  chargedTreatment,
  invoiceTotals,
  taxLine,
  type InvoiceTax,
  type InvoiceTotals,
  type TaxTerms,
} from './invoice-totals.ts';
import type { PlacedLine, UnplacedLine } from './line-changes.ts';
import { llmUsageLine, type LlmUsage } from './llm-lines.ts';
import type { Month, Period } from './period.ts';
import { deploymentLines, type DeploymentLine } from './deployment-lines.ts';
import type { BilledDeployment } from './service-days.ts';
import type { PlanVersion, QuoteLine, Usage } from './types.ts';

/** Everything that a tenant's invoice for a month is computed from. */
export interface InvoiceInputs {
  readonly period: Period;
  /** The tenant's. */
  readonly currency: string;
  /** The tenant's, in the month. */
  readonly tax: TaxTerms;
  readonly deployments: readonly BilledDeployment[];
  /** Contains every version that the deployments' subscriptions name. */
  readonly planVersions: ReadonlyMap<string, PlanVersion>;
  /** Metered usage of the month by deployment. */
  readonly meteredUsage: ReadonlyMap<string, Usage>;
  /** By deployment and service month, in that order. */
  readonly llmUsage: readonly (Omit<LlmUsage, 'invoiceMonth'> & {
    readonly deploymentId: string;
  })[];
  /** Invoice items that it can take, by month and then in the order in which they were recorded. */
  readonly items: readonly FreeItem[];
  /** Whether it is only an estimate. Then a missing exchange rate is no error, and `tax.aud` is null. */
  readonly isEstimate?: boolean;
}

export interface ComposedInvoice extends InvoiceTotals {
  readonly tax: InvoiceTax;
  /** Numbered; tax last. */
  readonly lines: readonly PlacedLine[];
}

/**
 * Composes a tenant's whole invoice in memory, for previews and for verification. Lines are ordered
 * by deployment: base, addons, overage, LLM usage; then invoice items; tax last (docs/spec.md#month-end).
 * @throws DomainError for anything that would park the tenant
 */
export function composeInvoice(inputs: InvoiceInputs): ComposedInvoice {
  const { period, planVersions, meteredUsage } = inputs;
  const quoted = inputs.deployments.flatMap((deployment) =>
    deploymentLines(deployment, {
      period,
      planVersions,
      usage: meteredUsage.get(deployment.deploymentId) ?? {},
    }),
  );
  const llm = inputs.llmUsage.map((usage) => ({
    ...llmUsageLine({ ...usage, invoiceMonth: period.month }),
    deploymentId: usage.deploymentId,
    subscriptionId: null,
  }));
  return assembleInvoice([...quoted, ...llm], { ...inputs, month: period.month });
}

/**
 * Orders an invoice's lines and adds invoice items, tax and totals.
 * @param deploymentsLines already in order within each deployment
 * @throws DomainError `amount_out_of_range`, `invalid_amount`, `missing_exchange_rate`
 */
export function assembleInvoice(
  deploymentsLines: readonly DeploymentLine[],
  {
    month,
    currency,
    tax: terms,
    items,
    isEstimate = false,
  }: Pick<InvoiceInputs, 'currency' | 'tax' | 'items' | 'isEstimate'> & { readonly month: Month },
): ComposedInvoice {
  const charges = sumCents(deploymentsLines.map(amountOf), "The invoice's subtotal");
  const taken = itemLines(items, charges, month);
  const isTaxed = ({ taxable }: ItemLine): boolean => taxable;
  const treatment = chargedTreatment(terms);
  const totals = invoiceTotals(
    [...deploymentsLines, ...taken.filter(isTaxed)].map(amountOf),
    treatment,
    taken.filter((line) => !isTaxed(line)).map(amountOf),
  );
  return completeDocument(totals, [...deploymentsLines, ...taken], {
    ...terms,
    ...{ month, currency, isEstimate },
  });
}

/**
 * Returns a document from its totals and its lines before tax: adds what it says about tax, and numbers its lines.
 * @param terms `audRate` is the rate that the document uses
 * @throws DomainError `amount_out_of_range`, `missing_exchange_rate`
 */
export function completeDocument(
  totals: InvoiceTotals,
  untaxed: readonly UnplacedLine[],
  terms: TaxTerms & {
    readonly month: Month;
    readonly currency: string;
    readonly isEstimate?: boolean;
  },
): ComposedInvoice {
  const { treatment, sellerRegistered, audRate: rate, month, currency, isEstimate } = terms;
  const { taxCents } = totals;
  const aud = isEstimate && rate === null ? null : taxInAud(taxCents, { month, currency, rate });
  return {
    ...totals,
    tax: { treatment, sellerRegistered, aud },
    lines: numberLines(untaxed, taxLine(taxCents, chargedTreatment(terms))),
  };
}

function amountOf({ amountCents }: { readonly amountCents: number }): number {
  return amountCents;
}

/** Orders lines by deployment and then those without one, puts the tax line last, and numbers them. */
export function numberLines(
  untaxed: readonly UnplacedLine[],
  tax: QuoteLine | null,
): readonly PlacedLine[] {
  return [
    ...byDeployment(untaxed.filter(({ deploymentId }) => deploymentId !== null)),
    ...untaxed.filter(({ deploymentId }) => deploymentId === null),
    ...(tax ? [{ ...tax, deploymentId: null, subscriptionId: null }] : []),
  ].map((line, index) => ({ itemId: null, taxable: true, ...line, lineNo: index + 1 }));
}

/** Keeps the order within a deployment. */
function byDeployment<Line extends { readonly deploymentId: string | null }>(
  lines: readonly Line[],
): readonly Line[] {
  const groups = Map.groupBy(lines, ({ deploymentId }) => deploymentId);
  return [...groups.keys()].sort().flatMap((deploymentId) => groups.get(deploymentId) ?? []);
}
