import { listKeys, type ListedApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { mayRead } from '../../db/access/role.ts';
import { endingKeys, keyState } from '../key-state.ts';
import { ok, warning, type Check } from './check.ts';

/** Which API keys will end soon, with nobody ready to take over. */
export async function checkKeys(db: Queryable, now: Date): Promise<readonly Check[]> {
  // The worker's role, for one, has nothing to do with keys.
  if (!(await mayRead(db, 'api_keys'))) return [ok('keys', "not for this role's eyes")];
  const keys = await listKeys(db);
  const ending = endingKeys(keys, now);
  if (ending.length > 0) return ending.map(warnOf);
  const states = keys.map((key) => keyState(key, now));
  const live = states.filter((state) => state === 'live' || state === 'expiring').length;
  return [ok('keys', `live: ${live}; none ends soon without a successor in use`)];
}

function warnOf({ keyId, label, scope, expiresAt, replacedByKeyId }: ListedApiKey): Check {
  const detail = `the ${scope} key ${keyId} (${label}) expires at ${expiresAt}`;
  return replacedByKeyId === null
    ? warning('keys', detail, `npm run cli -- keys rotate ${keyId}, if it is still needed`)
    : warning(
        'keys',
        `${detail}, and its successor ${replacedByKeyId} was never used`,
        'let the sender use its new key',
      );
}
