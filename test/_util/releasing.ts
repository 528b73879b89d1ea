import { releaseInvoices, type ReleaseResult } from '../../src/db/invoices/release.ts';
import type { Database } from '../../src/db/pool.ts';
import { MONTH } from './seed.ts';
import { periodOf } from './utc.ts';

let lastRequest = 0;

/** Releases these tenants' month, by default all that wait, as an operator does. */
export function release(
  db: Database,
  tenantIds: readonly string[] | 'all' = 'all',
  { month = MONTH, requestId = `release-${(lastRequest += 1)}` } = {},
): Promise<ReleaseResult> {
  const scope = tenantIds === 'all' ? ({ all: true } as const) : { tenantIds };
  const request = { ...scope, requestId, actor: 'test', reason: 'reviewed' };
  return db.transaction((tx) => releaseInvoices(tx, periodOf(month), request));
}
