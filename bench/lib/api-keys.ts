import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase } from '../../src/db/pool.ts';
import type { BenchDatabase } from './servers.ts';

/** Plain API keys: one per kind of sender, and an operator's. */
export interface Keys {
  readonly gateway: string;
  readonly metering: string;
  readonly operator: string;
}

export async function createKeys({ appUrl }: BenchDatabase): Promise<Keys> {
  const db = await openDatabase({ url: appUrl, maxConnections: 1, applicationName: 'bench' });
  try {
    const gateway = await createKey(db, { label: 'gateway', scope: 'gateway' });
    const metering = await createKey(db, { label: 'metering', scope: 'metering' });
    const operator = await createKey(db, { label: 'operator', scope: 'operator' });
    return {
      gateway: gateway.plainKey,
      metering: metering.plainKey,
      operator: operator.plainKey,
    };
  } finally {
    await db.end();
  }
}
