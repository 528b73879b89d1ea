import { timingSafeEqual } from 'node:crypto';
import {
  API_KEY_PATTERN,
  findByHashes,
  hashApiKey,
  isExpired,
  type ApiKey,
  type FoundApiKey,
  type Scope,
  recordKeyUse,
} from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { createGroupCommit } from '../../lib/group-commit.ts';
import { HttpProblem } from './problems.ts';
import { errorForLog, type Logger } from '../../lib/logger.ts';

/** How long a revoked key or signing secret can still work in this process. */
const CACHE_TTL_MS = 5_000;
const MAX_CACHED = 10_000;
/** Keys per lookup query. */
const MAX_LOOKUPS = 500;

/** The live key that a request came with, and the secrets it must sign with. */
export type Caller = Omit<FoundApiKey, 'keyHash'>;

/** @throws HttpProblem `unauthenticated` */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/**
 * Looks up the API key of a request. Found keys are cached for 5 seconds, so a burst from the gateway does
 * not query the database for every request. Unknown keys are never cached, so a new key works at once.
 * A cached key that expires is rejected from that instant.
 *
 * One query at a time looks up all waiting keys. A flood of unknown keys therefore uses one connection, and
 * a valid key among them waits for at most one query before its own and is never rejected.
 */
export function createAuthenticator(
  db: Queryable,
  now: () => Date,
  noteUse: NoteKeyUse,
): Authenticate {
  const cache = new Map<string, { key: Caller; until: number }>();
  const lookups = createGroupCommit<Buffer, FoundApiKey | null>({
    commit: (keyHashes) => findEach(db, keyHashes),
    maxConcurrent: 1,
    maxGroupItems: MAX_LOOKUPS,
    // At most one per request, and the number of requests is bounded elsewhere.
    maxQueuedItems: Number.POSITIVE_INFINITY,
    isWorthTryingAlone: () => false,
  });

  async function find(plainKey: string): Promise<Caller | null> {
    const keyHash = hashApiKey(plainKey);
    const id = keyHash.toString('base64url');
    const cached = cache.get(id);
    if (cached && cached.until > now().getTime()) return cached.key;
    cache.delete(id);
    const [found = null] = await lookups.submit([keyHash]);
    if (found === null) return null;
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

/** Returns the live key for each hash, in order, or null without one. */
async function findEach(
  db: Queryable,
  keyHashes: readonly Buffer[],
): Promise<readonly (FoundApiKey | null)[]> {
  const found = await findByHashes(db, keyHashes);
  const byHash = new Map(found.map((key) => [key.keyHash.toString('base64url'), key]));
  return keyHashes.map((keyHash) => {
    const key = byHash.get(keyHash.toString('base64url'));
    // The index and the map compared them already, but not in constant time.
    return key && timingSafeEqual(key.keyHash, keyHash) ? key : null;
  });
}

function withoutHash({ keyHash: _hash, ...key }: FoundApiKey): Caller {
  return key;
}

/**
 * Rejects callers whose scope the route does not accept.
 * @throws HttpProblem `forbidden`
 */
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

const NOTE_EVERY_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Records that a key is in use: at most once a minute, in the background. */
export type NoteKeyUse = (key: ApiKey) => void;

/** A failed write is only logged: it loses one time of use, and the next one follows a minute later. */
export function createKeyUse(db: Queryable, logger: Logger, now: () => Date): NoteKeyUse {
  const notedAt = new Map<string, number>();
  return ({ keyId }) => {
    const at = now();
    const last = notedAt.get(keyId);
    if (last !== undefined && at.getTime() - last < NOTE_EVERY_MS) return;
    if (notedAt.size >= MAX_REMEMBERED) notedAt.clear();
    notedAt.set(keyId, at.getTime());
    recordKeyUse(db, keyId, at).catch((error: unknown) => {
      logger.warn({ keyId, error: errorForLog(error) }, 'could not record the use of an API key');
    });
  };
}
