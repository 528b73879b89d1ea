import { timingSafeEqual } from 'node:crypto';
import {
  API_KEY_PATTERN,
  findByHash,
  hashApiKey,
  isExpired,
  type ApiKey,
  type FoundApiKey,
  type Scope,
} from '../db/api-keys.ts';
import type { Queryable } from '../db/pool.ts';
import type { NoteKeyUse } from './key-use.ts';
import { HttpProblem } from './problems.ts';

/** How long a key that was revoked may still work here, and a signing secret. */
const CACHE_TTL_MS = 5_000;
const MAX_CACHED = 10_000;

/** Who calls: a key that is live, and what it has to sign with. */
export type Caller = Omit<FoundApiKey, 'keyHash'>;

/** @throws HttpProblem `unauthenticated` */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/**
 * Finds out whose key a request carries. Keys found are remembered for 5 seconds, so that a
 * gateway's burst doesn't ask the database for every request; keys not found never are. A key that
 * expires meanwhile is refused at that instant.
 */
export function createAuthenticator(
  db: Queryable,
  now: () => Date,
  noteUse: NoteKeyUse,
): Authenticate {
  const cache = new Map<string, { key: Caller; until: number }>();

  async function find(plainKey: string): Promise<Caller | null> {
    const keyHash = hashApiKey(plainKey);
    const id = keyHash.toString('base64url');
    const cached = cache.get(id);
    if (cached && cached.until > now().getTime()) return cached.key;
    cache.delete(id);
    const found = await findByHash(db, keyHash);
    // The index has compared them already, but byte by byte, and not in constant time.
    if (found === null || !timingSafeEqual(found.keyHash, keyHash)) return null;
    const key = withoutHash(found);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(id, { key, until: now().getTime() + CACHE_TTL_MS });
    return key;
  }

  return async (authorization) => {
    if (authorization === undefined) throw unauthenticated('send Authorization: Bearer <API key>');
    const [, plainKey = ''] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    const key = API_KEY_PATTERN.test(plainKey) ? await find(plainKey) : null;
    if (key === null) throw unauthenticated('the API key is unknown or revoked');
    if (isExpired(key, now())) throw unauthenticated('the API key has expired');
    noteUse(key);
    return key;
  };
}

function withoutHash({ keyHash: _hash, ...key }: FoundApiKey): Caller {
  return key;
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
