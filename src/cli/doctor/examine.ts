import type { Environment } from '../environment.ts';
import { checkDatabase } from './check-database.ts';
import { checkTemporal } from './check-temporal.ts';
import type { Check } from './check.ts';

/** Runs every check of `doctor`; `ok` is false if there is a problem. Warnings are not problems. */
export async function examine(
  env: Environment,
): Promise<{ readonly ok: boolean; readonly checks: readonly Check[] }> {
  const now = new Date();
  const checks = (await Promise.all([checkDatabase(env, now), checkTemporal(env, now)])).flat();
  return { ok: checks.every(({ state }) => state !== 'problem'), checks };
}
