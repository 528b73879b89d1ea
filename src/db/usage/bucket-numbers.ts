import type { BucketKey } from './usage-ledger.ts';

/** Which buckets rows are for, each once, and for each row which of them, counted from 1. */
export interface BucketNumbers<Row> {
  /** The first row of each bucket. */
  readonly firsts: readonly Row[];
  readonly numbers: readonly number[];
}

/** Numbers the buckets of rows: what a bucket is of is then sent and compared once, not with each row. */
export function numberBuckets<Row extends BucketKey>(rows: readonly Row[]): BucketNumbers<Row> {
  const numberOf = new Map<string, number>();
  const firsts: Row[] = [];
  const numbers = rows.map((row) => {
    const key = bucketKeyText(row);
    const number = numberOf.get(key) ?? firsts.push(row);
    numberOf.set(key, number);
    return number;
  });
  return { firsts, numbers };
}

/** Unambiguous: ids and months hold no spaces. */
export function bucketKeyText({ deploymentId, serviceMonth, resourceKind }: BucketKey): string {
  return `${deploymentId} ${serviceMonth} ${resourceKind}`;
}
