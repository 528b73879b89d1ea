import type { ReplaceableRecord } from '../db/usage/usage-ledger.ts';
import { parseDecimalSum, toDecimalString } from '../domain/decimal.ts';

/** A metered record that replaces another one. */
export interface Correction {
  readonly id: string;
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKind: string;
  readonly serviceMonth: string;
  readonly qty: string;
  readonly replaces: string;
}

export interface CorrectionPlan<C extends Correction> {
  /** Can be inserted now, with the quantity that each adds to its bucket. */
  readonly ready: (C & { readonly addedQty: string })[];
  /** To be planned again after the inserts, which may store the record or replace it. */
  readonly waiting: C[];
  readonly refused: { readonly id: string; readonly reason: string }[];
}

/**
 * Decides, in order, which corrections can be inserted. If none is ready, no waiting correction's record is
 * stored.
 * @param stored the stored records among those that the corrections replace
 */
export function planCorrections<C extends Correction>(
  corrections: readonly C[],
  stored: ReadonlyMap<string, ReplaceableRecord>,
): CorrectionPlan<C> {
  const plan: CorrectionPlan<C> = { ready: [], waiting: [], refused: [] };
  const claimed = new Set<string>();
  for (const correction of corrections) {
    const record = stored.get(correction.replaces);
    const isOfItself = correction.replaces === correction.id;
    const reason = isOfItself ? OF_ITSELF : record && whyNot(correction, record);
    if (reason) {
      plan.refused.push({ id: correction.id, reason });
    } else if (!record || claimed.has(record.id)) {
      plan.waiting.push(correction);
    } else {
      claimed.add(record.id);
      plan.ready.push({ ...correction, addedQty: difference(correction.qty, record.qty) });
    }
  }
  return plan;
}

const OF_ITSELF = 'replaces: a record cannot replace itself';

export function unknownRecord(recordId: string): string {
  return (
    `replaces: there is no record ${JSON.stringify(recordId)} yet: send this correction again once ` +
    'that record is accepted'
  );
}

/** Returns the reason for rejecting a correction of an archived record. */
export function archivedRecord(recordId: string): string {
  return (
    `replaces: record ${JSON.stringify(recordId)} is in the archive, and is not corrected any more: ` +
    'have an operator exclude the record, or bill the difference as an invoice item (`items add`)'
  );
}

function whyNot(correction: Correction, record: ReplaceableRecord): string | null {
  const isSameUsage =
    correction.tenantId === record.tenantId &&
    correction.deploymentId === record.deploymentId &&
    correction.resourceKind === record.resourceKind &&
    correction.serviceMonth === record.serviceMonth;
  const name = JSON.stringify(record.id);
  if (!isSameUsage) {
    return (
      `replaces: record ${name} belongs to deployment ${record.deploymentId}, resource kind ` +
      `${JSON.stringify(record.resourceKind)}, month ${record.serviceMonth.slice(0, 7)}, and ` +
      'usage can\'t be moved: replace that record by qty "0" there, and send a new record here'
    );
  }
  if (record.isExcluded) {
    return (
      `replaces: record ${name} was excluded from billing by an operator, and counts for nothing: ` +
      'send a new record instead of a correction'
    );
  }
  // If this same correction replaced the record, it was stored a moment ago and is a duplicate.
  if (record.replacedBy !== null && record.replacedBy !== correction.id) {
    return (
      `replaces: record ${name} has been replaced by ${JSON.stringify(record.replacedBy)} ` +
      'already; replace that one'
    );
  }
  return null;
}

function difference(qty: string, replacedQty: string): string {
  return toDecimalString(parseDecimalSum(qty).minus(parseDecimalSum(replacedQty)));
}
