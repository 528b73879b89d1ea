import { verifyMonth } from '../../src/audit/verify.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { MONTH } from './population.ts';
import type { BenchDatabase } from './servers.ts';

/** Recomputes every invoice from the raw events. @throws Error if the books are inconsistent */
export async function proveMonth({ appUrl }: BenchDatabase): Promise<void> {
  const db = await openDatabase({ url: appUrl, maxConnections: 2, applicationName: 'bench' });
  try {
    const { ok, checks } = await verifyMonth(db, MONTH);
    if (ok) return;
    const failed = checks.flatMap(({ claim, examples }) =>
      examples.map((example) => `${claim}: ${example}`),
    );
    throw new Error(`the month that was measured is wrong:\n${failed.join('\n')}`);
  } finally {
    await db.end();
  }
}
