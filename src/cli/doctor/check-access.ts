import { keyState, listKeys, type ListedApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { mayRead } from '../../db/access/role.ts';
import { endingKeys } from '../key-lifecycle.ts';
import { ok, warning, type Check } from './doctor-check.ts';
import { lastNoticed } from '../../db/access/api-notices.ts';

/** Finds API keys that expire soon and have no successor in use. */
export async function checkKeys(db: Queryable, now: Date): Promise<readonly Check[]> {
  // The worker's role, for example, can't read keys.
  if (!(await mayRead(db, 'api_keys')))
    return [ok('keys', 'not checked: this database role may not read keys')];
  const keys = await listKeys(db);
  const ending = endingKeys(keys, now);
  if (ending.length > 0) return ending.map(warnOf);
  const states = keys.map((key) => keyState(key, now));
  const live = states.filter((state) => state === 'live' || state === 'expiring').length;
  return [ok('keys', `live: ${live}; none expires soon without a successor in use`)];
}

function warnOf({ keyId, label, scope, expiresAt, replacedByKeyId }: ListedApiKey): Check {
  const detail = `the ${scope} key ${keyId} (${label}) expires at ${expiresAt}`;
  return replacedByKeyId === null
    ? warning('keys', detail, `if it is still needed: npm run cli -- keys rotate ${keyId}`)
    : warning(
        'keys',
        `${detail}, and its successor ${replacedByKeyId} was never used`,
        'switch its sender to the new key',
      );
}

const RECENT_MS = 24 * 3_600_000;

/** Finds requests of the last 24 hours that came through a proxy which the API doesn't trust. */
export async function checkProxies(db: Queryable, now: Date): Promise<readonly Check[]> {
  const name = 'proxies';
  if (!(await mayRead(db, 'api_notices')))
    return [ok(name, 'not checked: this database role may not read API notices')];
  const at = await lastNoticed(db, 'untrusted_proxy');
  if (at === null || now.getTime() - Date.parse(at) > RECENT_MS) {
    return [ok(name, 'no request named an untrusted proxy in the last 24 hours')];
  }
  return [
    warning(
      name,
      `requests had the header X-Forwarded-For, last at ${at}, but API_TRUSTED_PROXIES is 0: all clients behind a proxy count as one address`,
      'set API_TRUSTED_PROXIES to the number of proxies in front of the API; without proxies, a client sends the header and no action is needed',
    ),
  ];
}
