import { pino } from 'pino';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { createActivities, type Activities } from '../../src/activities/create-activities.ts';
import { openDatabase } from '../../src/db/pool.ts';
import type { BenchDatabase, BenchNamespace } from './servers.ts';

/** The worker's activities, called without a workflow. */
export interface Product extends AsyncDisposable {
  readonly activities: Activities;
}

export async function openProduct(
  { workerUrl }: BenchDatabase,
  { client }: BenchNamespace,
): Promise<Product> {
  const db = await openDatabase({ url: workerUrl, maxConnections: 4, applicationName: 'bench' });
  const activities = createActivities({
    db,
    client,
    logger: pino({ level: 'silent' }),
    now: () => new Date(),
    bounds: NO_BOUNDS,
  });
  return { activities, [Symbol.asyncDispose]: () => db.end() };
}

/** Returns an owner for drafts, in place of a child's run. */
export function newRun(): { readonly owner: string; readonly ownerStartedAt: string } {
  return { owner: 'bench', ownerStartedAt: new Date().toISOString() };
}
