import { lastNoticed } from '../../db/access/api-notices.ts';
import type { Queryable } from '../../db/pool.ts';
import { mayRead } from '../../db/access/role.ts';
import { ok, warning, type Check } from './check.ts';

const RECENT_MS = 24 * 3_600_000;

/** Whether requests came through a proxy that the API doesn't trust, in the last 24 hours. */
export async function checkProxies(db: Queryable, now: Date): Promise<readonly Check[]> {
  const name = 'proxies';
  if (!(await mayRead(db, 'api_notices'))) return [ok(name, "not for this role's eyes")];
  const at = await lastNoticed(db, 'untrusted_proxy');
  if (at === null || now.getTime() - Date.parse(at) > RECENT_MS) {
    return [ok(name, 'no request named an untrusted proxy in the last 24 hours')];
  }
  return [
    warning(
      name,
      `requests came with X-Forwarded-For, last at ${at}, and API_TRUSTED_PROXIES is 0: all clients behind a proxy count as one address`,
      'set API_TRUSTED_PROXIES to the number of proxies in front of the API; if there is none, a client sends the header and nothing is wrong',
    ),
  ];
}
