import { parseCents } from './cents.ts';
import { DomainError } from './errors.ts';
import type { PlacedLine } from './line-changes.ts';
import type { BillableSubscription } from './subscription-lines.ts';
import type { JsonValue, QuoteAddon } from './types.ts';

/**
 * Returns the subscriptions that an invoice billed, read back from its own lines. With their plan
 * versions, which never change, the invoice can be recomputed from the usage alone, whatever has
 * happened to the subscriptions since.
 * @throws DomainError `invalid_json` for lines that no month end wrote
 */
export function billedSubscriptions(
  tenantId: string,
  lines: readonly PlacedLine[],
): readonly BillableSubscription[] {
  return lines
    .filter(({ kind }) => kind === 'plan_base')
    .map(({ deploymentId, subscriptionId, meta }) => ({
      tenantId,
      deploymentId: text(deploymentId, 'deployment'),
      subscriptionId: text(subscriptionId, 'subscription'),
      planVersionId: text(meta.plan_version_id, 'plan version'),
      addons: lines
        .filter((line) => line.kind === 'addon' && line.subscriptionId === subscriptionId)
        .map(billedAddon),
    }));
}

function billedAddon({ resourceKind, unitPriceCents, meta }: PlacedLine): QuoteAddon {
  return {
    code: text(meta.addon_code, 'addon'),
    resourceKind: text(resourceKind, 'resource kind'),
    qty: text(meta.included_qty, 'quantity'),
    priceCents: parseCents(unitPriceCents ?? '0', 'the price of an addon'),
  };
}

function text(value: JsonValue | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new DomainError('invalid_json', `a line names no ${what}`);
}
