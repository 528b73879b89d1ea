import type { DeploymentLine } from '../../src/domain/deployment-lines.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';

/** A base price as the quote charges it, with some fields replaced. */
export function chargedLine(fields: Partial<DeploymentLine> = {}): DeploymentLine {
  return {
    deploymentId: 'web',
    subscriptionId: 'sub',
    kind: 'plan_base',
    resourceKind: null,
    description: 'Plan base',
    qty: '1',
    unit: 'month',
    unitPriceCents: '5000',
    amountCents: 5000,
    meta: { version: 1 },
    ...fields,
  };
}

/** The same as line 1 of an invoice, with some fields replaced. */
export function placedLine(fields: Partial<PlacedLine> = {}): PlacedLine {
  return { ...chargedLine(), lineNo: 1, itemId: null, taxable: true, ...fields };
}
