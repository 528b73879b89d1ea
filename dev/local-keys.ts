import { createKey, findByHash, hashApiKey } from '../src/db/access/api-keys.ts';
import type { Database } from '../src/db/pool.ts';
import type { LocalEnv } from '../src/cli/local-env.ts';

const KEYS = {
  GATEWAY_API_KEY: 'gateway',
  METERING_API_KEY: 'metering',
  OPERATOR_API_KEY: 'operator',
} as const;
type KeyName = keyof typeof KEYS;

/** Keys for local use: those of the last run where the database still knows them, else new ones. */
export async function ensureLocalKeys(
  db: Database,
  known: Partial<LocalEnv> | null,
): Promise<Record<KeyName, string>> {
  const keys: Partial<Record<KeyName, string>> = {};
  for (const [name, scope] of Object.entries(KEYS) as [KeyName, (typeof KEYS)[KeyName]][]) {
    const old = known?.[name];
    const isGood = old !== undefined && (await findByHash(db, hashApiKey(old)))?.scope === scope;
    keys[name] = isGood ? old : (await createKey(db, { scope, label: `local ${scope}` })).plainKey;
  }
  return keys as Record<KeyName, string>;
}
