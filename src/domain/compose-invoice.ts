import { invoiceTotals, taxLine, type InvoiceTotals } from './invoice-totals.ts';
import type { PlacedLine } from './line-changes.ts';
import { llmUsageLine, type LlmUsage } from './llm-lines.ts';
import type { Month } from './period.ts';
import { subscriptionLines, type BillableSubscription } from './subscription-lines.ts';
import type { PlanVersion, QuoteLine, Usage } from './types.ts';

/** All that one tenant's invoice of a month is made of. */
export interface InvoiceInputs {
  readonly month: Month;
  /** The tenant's. */
  readonly currency: string;
  readonly subscriptions: readonly BillableSubscription[];
  /** Has every version that the subscriptions name. */
  readonly planVersions: ReadonlyMap<string, PlanVersion>;
  /** Metered usage of the month by deployment. */
  readonly meteredUsage: ReadonlyMap<string, Usage>;
  /** By deployment and service month, in that order. */
  readonly llmUsage: readonly (Omit<LlmUsage, 'invoiceMonth'> & {
    readonly deploymentId: string;
  })[];
}

export interface ComposedInvoice extends InvoiceTotals {
  readonly lines: readonly PlacedLine[];
}

/**
 * One tenant's whole invoice in memory, from the same functions that the month end uses step by
 * step: for previews, and to prove an invoice later. Lines by deployment: base, addons, overage,
 * LLM usage; tax last (SPEC "Month end").
 * @throws DomainError for what would park the tenant
 */
export function composeInvoice(inputs: InvoiceInputs): ComposedInvoice {
  const { month, currency, planVersions, meteredUsage } = inputs;
  const quoted = inputs.subscriptions.flatMap((subscription) => {
    const { deploymentId, subscriptionId } = subscription;
    const usage = meteredUsage.get(deploymentId) ?? {};
    return subscriptionLines(subscription, currency, planVersions, usage).map((line) =>
      place(line, deploymentId, subscriptionId),
    );
  });
  const llm = inputs.llmUsage.map((usage) =>
    place(llmUsageLine({ ...usage, invoiceMonth: month }), usage.deploymentId, null),
  );
  const untaxed = byDeployment([...quoted, ...llm]);
  const totals = invoiceTotals(untaxed.map(({ amountCents }) => amountCents));
  const tax = taxLine(totals.taxCents);
  const lines = tax ? [...untaxed, place(tax, null, null)] : untaxed;
  return { ...totals, lines: lines.map((line, index) => ({ ...line, lineNo: index + 1 })) };
}

function place<DeploymentId extends string | null>(
  line: QuoteLine,
  deploymentId: DeploymentId,
  subscriptionId: string | null,
) {
  return { ...line, deploymentId, subscriptionId };
}

/** Within a deployment the order stays. */
function byDeployment<Line extends { readonly deploymentId: string }>(
  lines: readonly Line[],
): readonly Line[] {
  const groups = Map.groupBy(lines, ({ deploymentId }) => deploymentId);
  return [...groups.keys()].sort().flatMap((deploymentId) => groups.get(deploymentId) ?? []);
}
