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
import type { Logger } from '../../lib/logger.ts';
import { errorForLog } from './to-problem.ts';

/** How long a key that was revoked may still work here, and a signing secret. */
const CACHE_TTL_MS = 5_000;
const MAX_CACHED = 10_000;
/** Keys that are looked up by one query. */
const MAX_LOOKUPS = 500;

/** Who calls: a key that is live, and what it has to sign with. */
export type Caller = Omit<FoundApiKey, 'keyHash'>;

/** @throws HttpProblem `unauthenticated` */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/**
 * Finds out whose key a request carries. Keys found are remembered for 5 seconds, so that a
 * gateway's burst doesn't ask the database for every request; keys not found never are, so that a new
 * key works at once. A key that expires meanwhile is refused at that instant.
 *
 * One query at a time looks up all keys that wait: a flood of unknown keys takes one connection, and a
 * valid key in it waits for one query before its own and is never refused.
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
    // As many as there are requests, whose number is bounded elsewhere.
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

/** The key of each hash, in order; null where none is live. */
async function findEach(
  db: Queryable,
  keyHashes: readonly Buffer[],
): Promise<readonly (FoundApiKey | null)[]> {
  const found = await findByHashes(db, keyHashes);
  const byHash = new Map(found.map((key) => [key.keyHash.toString('base64url'), key]));
  return keyHashes.map((keyHash) => {
    const key = byHash.get(keyHash.toString('base64url'));
    // The index and the map have compared them already, but not in constant time.
    return key && timingSafeEqual(key.keyHash, keyHash) ? key : null;
  });
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

const NOTE_EVERY_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Notes that a key is in use: at most once a minute, and nobody waits for it. */
export type NoteKeyUse = (key: ApiKey) => void;

/**
 * It writes behind the request's back. Where that fails, nothing is lost but the time of a use: the
 * next one is a minute away.
 */
export function createKeyUse(db: Queryable, logger: Logger, now: () => Date): NoteKeyUse {
  const notedAt = new Map<string, number>();
  return ({ keyId }) => {
    const at = now();
    const last = notedAt.get(keyId);
    if (last !== undefined && at.getTime() - last < NOTE_EVERY_MS) return;
    if (notedAt.size >= MAX_REMEMBERED) notedAt.clear();
    notedAt.set(keyId, at.getTime());
    recordKeyUse(db, keyId, at).catch((error: unknown) => {
      logger.warn({ keyId, error: errorForLog(error) }, 'the use of an API key was not noted');
    });
  };
}
