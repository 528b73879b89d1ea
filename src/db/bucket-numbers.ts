import type { BucketKey } from './usage-ledger.ts';

/** Which buckets rows are for, each once, and for each row which of them, counted from 1. */
export interface BucketNumbers<Row> {
  /** The first row of each bucket. */
  readonly firsts: readonly Row[];
  readonly numbers: readonly number[];
}

/** Numbers the buckets of rows: what a bucket is of is then sent and compared once, not with each row. */
export function numberBuckets<Row extends BucketKey>(rows: readonly Row[]): BucketNumbers<Row> {
  // By deployment first: a text for each row would take longer than all the rest.
  const ofDeployment = new Map<string, number[]>();
  const firsts: Row[] = [];
  const numbers = rows.map((row) => {
    const known = ofDeployment.get(row.deploymentId);
    const found = known?.find((number) => isSameBucket(firsts[number - 1], row));
    if (found !== undefined) return found;
    const number = firsts.push(row);
    if (known) known.push(number);
    else ofDeployment.set(row.deploymentId, [number]);
    return number;
  });
  return { firsts, numbers };
}

/** Unambiguous: ids and months hold no spaces. */
export function bucketKeyText({ deploymentId, serviceMonth, resourceKind }: BucketKey): string {
  return `${deploymentId} ${serviceMonth} ${resourceKind}`;
}

function isSameBucket(one: BucketKey | undefined, other: BucketKey): boolean {
  return one?.resourceKind === other.resourceKind && one.serviceMonth === other.serviceMonth;
}
