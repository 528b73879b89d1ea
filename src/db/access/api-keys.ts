import { hash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { type Page, allOf, sql } from '../sql.ts';

/** What a key gives access to. A tenant's key is limited to that tenant. */
export const SCOPES = ['gateway', 'metering', 'operator', 'tenant'] as const;
export type Scope = (typeof SCOPES)[number];

/** `arc_<scope>_<256 random bits>`: a key found in a log shows its scope. */
export const API_KEY_PATTERN = /^arc_(?:gateway|metering|operator|tenant)_[A-Za-z0-9_-]{43}$/;

const ANY_API_KEY = new RegExp(API_KEY_PATTERN.source.slice(1, -1), 'g');

/** Returns the text with every key in it redacted, because people paste keys into the wrong fields. */
export function withoutApiKeys(text: string): string {
  return text.replace(ANY_API_KEY, (key) => `${key.slice(0, key.indexOf('_', 4))}_[redacted]`);
}

export const apiKey = z.object({
  keyId: z.string(),
  scope: z.enum(SCOPES),
  /** Set if and only if the scope is `tenant`. */
  tenantId: z.string().nullable(),
  /** The currency of the costs that LiteLLM sends. Set if and only if the scope is `gateway`. */
  currency: z.string().nullable(),
  label: z.string(),
  /** The key is rejected from this instant on; null: it never expires. */
  expiresAt: z.string().nullable(),
});
export type ApiKey = z.infer<typeof apiKey>;

/** The columns of `apiKey`. */
export const API_KEY_COLUMNS = sql.fragment`
  key_id AS "keyId", scope, tenant_id AS "tenantId", currency, label, expires_at AS "expiresAt"`;

const foundKey = apiKey.extend({
  keyHash: z.instanceof(Buffer),
  /** The key's live signing secrets; if there are any, its requests must be signed. */
  signingSecretIds: z.array(z.string()),
});
/** A key with the data that authentication needs. */
export type FoundApiKey = z.infer<typeof foundKey>;

const listedKey = apiKey.extend({
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
  /** Accurate to the minute. */
  lastUsedAt: z.string().nullable(),
  replacesKeyId: z.string().nullable(),
  /** The key that replaces this one. */
  replacedByKeyId: z.string().nullable(),
  signingSecretIds: z.array(z.string()),
});
export type ListedApiKey = z.infer<typeof listedKey>;

export type NewApiKey = { readonly label: string; readonly expiresAt?: Date | null } & (
  | { readonly scope: Exclude<Scope, 'tenant' | 'gateway'> }
  | { readonly scope: 'gateway'; readonly currency?: string }
  | { readonly scope: 'tenant'; readonly tenantId: string }
);

/** The currency of LiteLLM's own price list. */
export const DEFAULT_COST_CURRENCY = 'USD';

/** Returns a new key in plain text. Only its hash is ever stored. */
export function generateApiKey(scope: Scope): string {
  return `arc_${scope}_${randomBytes(32).toString('base64url')}`;
}

/** Returns the SHA-256 of a key. Keys are random enough not to need a slow hash. */
export function hashApiKey(plainKey: string): Buffer {
  return hash('sha256', plainKey, 'buffer');
}

/**
 * Creates a key.
 * @returns the key with its plain text, which can't be read again
 * @throws ForeignKeyIntegrityConstraintViolationError for an unknown tenant
 */
export async function createKey(
  db: Queryable,
  newKey: NewApiKey,
): Promise<ApiKey & { readonly plainKey: string }> {
  const { scope, label, expiresAt = null } = newKey;
  const plainKey = generateApiKey(scope);
  const tenantId = scope === 'tenant' ? newKey.tenantId : null;
  const currency = scope === 'gateway' ? (newKey.currency ?? DEFAULT_COST_CURRENCY) : null;
  const created = await db.one(sql.type(apiKey)`
    INSERT INTO api_keys (key_hash, scope, tenant_id, currency, label, expires_at)
    VALUES (${sql.binary(hashApiKey(plainKey))}, ${scope}, ${tenantId}, ${currency}, ${label},
      ${expiresAt?.toISOString() ?? null})
    RETURNING ${API_KEY_COLUMNS}
  `);
  return { ...created, plainKey };
}

const LIVE_SECRETS = sql.fragment`ARRAY(
  SELECT secret_id::text FROM signing_secrets s
  WHERE s.key_id = k.key_id AND s.revoked_at IS NULL ORDER BY s.created_at, s.secret_id
)`;

/** Returns the keys with these hashes that aren't revoked, in no particular order. They may have expired. */
export function findByHashes(
  db: Queryable,
  keyHashes: readonly Buffer[],
): Promise<readonly FoundApiKey[]> {
  return db.any(sql.type(foundKey)`
    SELECT ${API_KEY_COLUMNS}, key_hash AS "keyHash", ${LIVE_SECRETS} AS "signingSecretIds"
    FROM api_keys k
    WHERE key_hash = ANY (${sql.array([...keyHashes], 'bytea')}) AND revoked_at IS NULL
  `);
}

/** Returns the key with this hash, or null if there is none or it is revoked. It may have expired. */
export async function findByHash(db: Queryable, keyHash: Buffer): Promise<FoundApiKey | null> {
  const [found = null] = await findByHashes(db, [keyHash]);
  return found;
}

/** Returns the key with this id, or null if there is none or it is revoked. It may have expired. */
export function findLiveKey(
  db: Queryable,
  keyId: string,
): Promise<Omit<FoundApiKey, 'keyHash'> | null> {
  return db.maybeOne(sql.type(foundKey.omit({ keyHash: true }))`
    SELECT ${API_KEY_COLUMNS}, ${LIVE_SECRETS} AS "signingSecretIds"
    FROM api_keys k WHERE key_id = ${keyId}::uuid AND revoked_at IS NULL
  `);
}

/** Returns whether an unrevoked key has expired. */
export function isExpired({ expiresAt }: Pick<ApiKey, 'expiresAt'>, now: Date): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= now.getTime();
}

/** How long before its expiry a key counts as expiring, so that there is time to rotate it. */
const EXPIRING_MS = 14 * 24 * 60 * 60 * 1000;

export const KEY_STATES = ['live', 'expiring', 'expired', 'revoked'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** Returns the state of a key; `expiring` if it expires within 14 days. */
export function keyState(key: Pick<ListedApiKey, 'expiresAt' | 'revokedAt'>, now: Date): KeyState {
  if (key.revokedAt !== null) return 'revoked';
  if (isExpired(key, now)) return 'expired';
  return isExpired(key, expiringUntil(now)) ? 'expiring' : 'live';
}

/** The latest expiry that counts as soon. */
function expiringUntil(now: Date): Date {
  return new Date(now.getTime() + EXPIRING_MS);
}

/** Records that a key is in use, at most once a minute, so that few requests write. */
export async function recordKeyUse(db: Queryable, keyId: string, at: Date): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    UPDATE api_keys SET last_used_at = ${at.toISOString()}
    WHERE key_id = ${keyId}
      AND (last_used_at IS NULL OR last_used_at <= ${at.toISOString()}::timestamptz - interval '1 minute')
  `);
}

/**
 * Revokes a key. The API may accept it for a few more seconds (see `createAuthenticator`).
 * @returns whether the key exists, revoked now or earlier
 */
export async function revokeKey(db: Queryable, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id::text = ${keyId}
  `);
  return rowCount > 0;
}

const SELECT_KEYS = sql.fragment`
  SELECT ${API_KEY_COLUMNS}, created_at AS "createdAt", revoked_at AS "revokedAt",
    last_used_at AS "lastUsedAt", replaces_key_id AS "replacesKeyId",
    (SELECT n.key_id FROM api_keys n WHERE n.replaces_key_id = k.key_id) AS "replacedByKeyId",
    ${LIVE_SECRETS} AS "signingSecretIds"
  FROM api_keys k`;

/** Returns all keys without their plain text, oldest first. */
export function listKeys(db: Queryable): Promise<readonly ListedApiKey[]> {
  return db.any(sql.type(listedKey)`${SELECT_KEYS} ORDER BY created_at, key_id`);
}

export interface KeyFilter {
  readonly scope?: Scope | undefined;
  readonly tenantId?: string | undefined;
  /** As `keyState` has it at `at`. */
  readonly state?: { readonly is: KeyState; readonly at: Date } | undefined;
}

/** Returns a page of keys without their plain text, newest first. */
export function listKeyPage(
  db: Queryable,
  { scope, tenantId, state }: KeyFilter,
  { after, limit }: Page<Pick<ListedApiKey, 'createdAt' | 'keyId'>>,
): Promise<readonly ListedApiKey[]> {
  return db.any(sql.type(listedKey)`
    ${SELECT_KEYS}
    WHERE ${allOf([
      scope !== undefined && sql.fragment`scope = ${scope}`,
      tenantId !== undefined && sql.fragment`tenant_id = ${tenantId}`,
      state !== undefined && isInState(state.is, state.at),
      after !== null &&
        sql.fragment`(created_at, key_id) < (${after.createdAt}::timestamptz, ${after.keyId}::uuid)`,
    ])}
    ORDER BY created_at DESC, key_id DESC LIMIT ${limit}
  `);
}

function isInState(state: KeyState, now: Date) {
  if (state === 'revoked') return sql.fragment`revoked_at IS NOT NULL`;
  const at = sql.fragment`${now.toISOString()}::timestamptz`;
  const soon = sql.fragment`${expiringUntil(now).toISOString()}::timestamptz`;
  const expiry = {
    live: sql.fragment`(expires_at IS NULL OR expires_at > ${soon})`,
    expiring: sql.fragment`expires_at > ${at} AND expires_at <= ${soon}`,
    expired: sql.fragment`expires_at <= ${at}`,
  }[state];
  return sql.fragment`revoked_at IS NULL AND ${expiry}`;
}

/** Returns the number of a tenant's keys that work at an instant. */
export function countLiveKeys(db: Queryable, tenantId: string, at: Date): Promise<number> {
  return db.oneFirst(sql.type(z.object({ keys: z.number() }))`
    SELECT count(*) AS keys FROM api_keys
    WHERE tenant_id = ${tenantId} AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > ${at.toISOString()}::timestamptz)
  `);
}

const expiry = z.object({ expiresAt: z.string().nullable() });

/** Returns the earliest expiry (UTC) among live keys whose successor isn't in use yet; null if none expires. */
export async function readKeyExpiry(db: Queryable, at: Date): Promise<string | null> {
  const { expiresAt } = await db.one(sql.type(expiry)`
    SELECT min(k.expires_at) AS "expiresAt"
    FROM api_keys k
    LEFT JOIN api_keys successor ON successor.replaces_key_id = k.key_id
    WHERE k.revoked_at IS NULL AND k.expires_at > ${at.toISOString()}
      AND successor.last_used_at IS NULL
  `);
  return expiresAt;
}
