import { pino } from 'pino';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { createActivities, type Activities } from '../../src/activities/index.ts';
import { openDatabase } from '../../src/db/pool.ts';
import type { BenchDatabase, BenchNamespace } from './servers.ts';

/** The activities as the worker has them, called without a workflow. */
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

/** A run of a child, for the drafts that it opens. */
export function newRun(): { readonly owner: string; readonly ownerStartedAt: string } {
  return { owner: 'bench', ownerStartedAt: new Date().toISOString() };
}
