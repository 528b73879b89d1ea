import type { CuredUsage } from '../contracts/activity-types.ts';
import { releaseCured } from '../ingestion/quarantine/release-quarantined.ts';
import type { ActivityDeps } from './deps.ts';

/** Events per call, so that it ends within its timeout. The next sweep continues. */
const MAX_EVENTS = 10_000;

/** Releases held usage into the ledger whose tenant and deployment exist by now (docs/spec.md#quarantine). */
export function releaseCuredUsage({ db, now, timeBounds }: ActivityDeps) {
  return async (): Promise<CuredUsage> => {
    const options = { now: now(), timeBounds, maxEvents: MAX_EVENTS };
    const { released, still_held: held } = await releaseCured(db, options);
    return { released, stillHeld: held.reduce((sum, { events }) => sum + events, 0) };
  };
}
