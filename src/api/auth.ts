import {
  API_KEY_PATTERN,
  findByHash,
  hashApiKey,
  type ApiKey,
  type Scope,
} from '../db/api-keys.ts';
import type { Queryable } from '../db/pool.ts';
import { HttpProblem } from './problems.ts';

/** How long a key that was revoked may still work here. */
const CACHE_TTL_MS = 5_000;
const MAX_CACHED = 10_000;

/** @throws HttpProblem `unauthenticated` */
export type Authenticate = (authorization: string | undefined) => Promise<ApiKey>;

/**
 * Finds out whose key a request carries. Keys found are remembered for 5 seconds, so that a
 * gateway's burst doesn't ask the database for every request; keys not found never are.
 */
export function createAuthenticator(db: Queryable, now: () => Date): Authenticate {
  const cache = new Map<string, { key: ApiKey; expiresAt: number }>();

  async function find(plainKey: string): Promise<ApiKey | null> {
    const keyHash = hashApiKey(plainKey);
    const id = keyHash.toString('base64url');
    const cached = cache.get(id);
    if (cached && cached.expiresAt > now().getTime()) return cached.key;
    cache.delete(id);
    const key = await findByHash(db, keyHash);
    if (key === null) return null;
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(id, { key, expiresAt: now().getTime() + CACHE_TTL_MS });
    return key;
  }

  return async (authorization) => {
    if (authorization === undefined) throw unauthenticated('send Authorization: Bearer <API key>');
    const [, plainKey = ''] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    const key = API_KEY_PATTERN.test(plainKey) ? await find(plainKey) : null;
    if (key === null) throw unauthenticated('the API key is unknown or revoked');
    return key;
  };
}

/** @throws HttpProblem `forbidden` */
export function authorize(caller: ApiKey, scopes: readonly Scope[]): void {
  if (scopes.includes(caller.scope)) return;
  throw new HttpProblem(
    'forbidden',
    `this needs a key with the scope ${scopes.join(' or ')}, not ${caller.scope}`,
  );
}

function unauthenticated(detail: string): HttpProblem {
  return new HttpProblem('unauthenticated', detail, {
    headers: { 'WWW-Authenticate': 'Bearer realm="arcadia-invoicing"' },
  });
}
