/** Batches whose entries are handled one by one, so that a bad one doesn't affect the others. */

/** The most entries of one batch: one transaction may hold the locks of all their tenants. */
export const MAX_BATCH = 1_000;

/** The result of a payment or an invoice item. A duplicate was recorded before; the last two are not recorded. */
export const RECORD_STATUSES = ['recorded', 'duplicate', 'conflict', 'rejected'] as const;
export type RecordStatus = (typeof RECORD_STATUSES)[number];

/** Counts the results of payments or invoice items by status. */
export function countByStatus(
  results: readonly { readonly status: RecordStatus }[],
): Record<RecordStatus, number> {
  const counts = { recorded: 0, duplicate: 0, conflict: 0, rejected: 0 };
  for (const { status } of results) counts[status] += 1;
  return counts;
}
