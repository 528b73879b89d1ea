import { z } from 'zod';
import { SCOPES, isExpired, type Scope } from './api-keys.ts';
import type { Database, Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/** Enough to start a rotation while an earlier one is still in progress. */
export const MAX_LIVE_SECRETS = 3;

/**
 * Scopes whose requests can be signed: senders of usage. A signature covers the body but not the path, so it
 * protects only requests that the body alone determines and that are safe to repeat.
 */
export const SIGNING_SCOPES: readonly Scope[] = ['gateway', 'metering'];

const secretId = z.object({ secretId: z.string() });

/**
 * Inserts a signing secret.
 * @returns its id, from which the secret's text is derived
 */
export async function insertSigningSecret(db: Queryable, keyId: string): Promise<string> {
  const created = await db.one(sql.type(secretId)`
    INSERT INTO signing_secrets (key_id) VALUES (${keyId}) RETURNING secret_id AS "secretId"
  `);
  return created.secretId;
}

export type NewSigningSecret =
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'created'; readonly secretId: string };

const signer = z.object({
  keyId: z.string(),
  scope: z.enum(SCOPES),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});

/** Creates a signing secret for a key, whose requests must be signed from then on. */
export function createSigningSecret(
  db: Database,
  keyId: string,
  now: Date,
): Promise<NewSigningSecret> {
  return db.transaction(async (tx) => {
    const key = await tx.maybeOne(sql.type(signer)`
      SELECT key_id AS "keyId", scope, expires_at AS "expiresAt", revoked_at AS "revokedAt"
      FROM api_keys WHERE key_id::text = ${keyId} FOR UPDATE
    `);
    if (key === null) return { outcome: 'unknown' };
    // Counted under the key's lock, so that concurrent calls can't exceed the limit.
    const live = await tx.oneFirst(sql.type(z.object({ count: z.number() }))`
      SELECT count(*) FROM signing_secrets WHERE key_id = ${key.keyId} AND revoked_at IS NULL
    `);
    const reason = whyNot(key, live, now);
    return reason === null
      ? { outcome: 'created', secretId: await insertSigningSecret(tx, key.keyId) }
      : { outcome: 'refused', reason };
  });
}

function whyNot(key: z.infer<typeof signer>, liveSecrets: number, now: Date): string | null {
  if (key.revokedAt !== null) return `key ${key.keyId} is revoked`;
  if (isExpired(key, now)) return `key ${key.keyId} has expired`;
  if (!SIGNING_SCOPES.includes(key.scope)) {
    return `only keys of the scopes ${SIGNING_SCOPES.join(' and ')} sign, not ${key.scope}`;
  }
  return liveSecrets >= MAX_LIVE_SECRETS
    ? `key ${key.keyId} has ${liveSecrets} live signing secrets: revoke one first`
    : null;
}

const revokedSecret = z.object({
  keyId: z.string(),
  /** The key's remaining live secrets; at 0 its requests need no signature. */
  liveSecrets: z.number(),
});

/**
 * Revokes a signing secret. The API may accept it for a few more seconds (see `createAuthenticator`).
 * @returns null if there is no such secret; one that is already revoked keeps its revocation time
 */
export function revokeSigningSecret(
  db: Queryable,
  id: string,
): Promise<z.infer<typeof revokedSecret> | null> {
  return db.maybeOne(sql.type(revokedSecret)`
    WITH revoked AS (
      UPDATE signing_secrets SET revoked_at = coalesce(revoked_at, now())
      WHERE secret_id::text = ${id} RETURNING secret_id, key_id
    )
    SELECT r.key_id AS "keyId", (
      SELECT count(*) FROM signing_secrets s
      WHERE s.key_id = r.key_id AND s.revoked_at IS NULL AND s.secret_id <> r.secret_id
    ) AS "liveSecrets"
    FROM revoked r
  `);
}
