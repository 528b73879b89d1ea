import { hash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

/** What a key may do. A tenant's key is for that tenant alone. */
export const SCOPES = ['gateway', 'metering', 'operator', 'tenant'] as const;
export type Scope = (typeof SCOPES)[number];

/** `arc_<scope>_<256 random bits>`: who finds one in a log knows what it opens. */
export const API_KEY_PATTERN = /^arc_(?:gateway|metering|operator|tenant)_[A-Za-z0-9_-]{43}$/;

const ANY_API_KEY = new RegExp(API_KEY_PATTERN.source.slice(1, -1), 'g');

/** A text with every key in it made unusable: people put keys where none belongs. */
export function withoutApiKeys(text: string): string {
  return text.replace(ANY_API_KEY, (key) => `${key.slice(0, key.indexOf('_', 4))}_[redacted]`);
}

const apiKey = z.object({
  keyId: z.string(),
  scope: z.enum(SCOPES),
  /** Set where, and only where, the scope is `tenant`. */
  tenantId: z.string().nullable(),
  label: z.string(),
});
export type ApiKey = z.infer<typeof apiKey>;

const listedKey = apiKey.extend({ createdAt: z.string(), revokedAt: z.string().nullable() });
export type ListedApiKey = z.infer<typeof listedKey>;

export type NewApiKey = { readonly label: string } & (
  | { readonly scope: Exclude<Scope, 'tenant'> }
  | { readonly scope: 'tenant'; readonly tenantId: string }
);

/** A new key in plain text. Only its hash is ever stored. */
export function generateApiKey(scope: Scope): string {
  return `arc_${scope}_${randomBytes(32).toString('base64url')}`;
}

/** SHA-256: a key is random enough to need no slow hash. */
export function hashApiKey(plainKey: string): Buffer {
  return hash('sha256', plainKey, 'buffer');
}

/**
 * Makes a key.
 * @returns it with its plain text, which can't be read again
 * @throws ForeignKeyIntegrityConstraintViolationError for an unknown tenant
 */
export async function createKey(
  db: Queryable,
  newKey: NewApiKey,
): Promise<ApiKey & { readonly plainKey: string }> {
  const plainKey = generateApiKey(newKey.scope);
  const tenantId = newKey.scope === 'tenant' ? newKey.tenantId : null;
  const created = await db.one(sql.type(apiKey)`
    INSERT INTO api_keys (key_hash, scope, tenant_id, label)
    VALUES (${sql.binary(hashApiKey(plainKey))}, ${newKey.scope}, ${tenantId}, ${newKey.label})
    RETURNING key_id AS "keyId", scope, tenant_id AS "tenantId", label
  `);
  return { ...created, plainKey };
}

/** The key with this hash, unless it is revoked. */
export function findByHash(db: Queryable, keyHash: Buffer): Promise<ApiKey | null> {
  return db.maybeOne(sql.type(apiKey)`
    SELECT key_id AS "keyId", scope, tenant_id AS "tenantId", label
    FROM api_keys WHERE key_hash = ${sql.binary(keyHash)} AND revoked_at IS NULL
  `);
}

/**
 * Revokes a key; the API may take it for a few seconds more (see `createAuthenticator`).
 * @returns whether there is such a key, revoked now or before
 */
export async function revokeKey(db: Queryable, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id::text = ${keyId}
  `);
  return rowCount > 0;
}

/** Every key, without its text, the oldest first. */
export function listKeys(db: Queryable): Promise<readonly ListedApiKey[]> {
  return db.any(sql.type(listedKey)`
    SELECT key_id AS "keyId", scope, tenant_id AS "tenantId", label,
      created_at AS "createdAt", revoked_at AS "revokedAt"
    FROM api_keys ORDER BY created_at, key_id
  `);
}
