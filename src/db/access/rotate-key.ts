import { z } from 'zod';
import {
  API_KEY_COLUMNS,
  apiKey,
  generateApiKey,
  hashApiKey,
  isExpired,
  type ApiKey,
} from './api-keys.ts';
import type { Database, Transaction } from '../pool.ts';
import { insertSigningSecret } from './signing-secrets.ts';
import { sql } from '../sql.ts';

export interface RotationOptions {
  readonly keyId: string;
  /** How long the old key keeps working, in milliseconds; it may expire sooner. */
  readonly overlapMs: number;
  /** When the successor expires; by default it gets the lifetime that its predecessor was created with. */
  readonly expiresAt?: Date | null | undefined;
  readonly now: Date;
  /** Whether a new signing secret could be shown to the caller. */
  readonly canSign: boolean;
}

export type Rotation =
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'refused'; readonly reason: string }
  | {
      readonly outcome: 'rotated';
      /** With its plain text, which can't be read again. */
      readonly successor: ApiKey & { readonly plainKey: string };
      /** Null if the old key doesn't have to sign. */
      readonly signingSecretId: string | null;
      readonly predecessor: { readonly keyId: string; readonly expiresAt: string | null };
    };

const predecessor = apiKey.extend({
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
});
type Predecessor = z.infer<typeof predecessor>;

const secondLook = z.object({ successorId: z.string().nullable(), mustSign: z.boolean() });

/**
 * Creates a key's successor with the same scope, tenant, currency and label. Both keys work until the overlap ends. If
 * the old key's requests must be signed, the successor gets its own signing secret.
 */
export function rotateKey(db: Database, options: RotationOptions): Promise<Rotation> {
  const { keyId } = options;
  return db.transaction(async (tx) => {
    const old = await tx.maybeOne(sql.type(predecessor)`
      SELECT ${API_KEY_COLUMNS}, created_at AS "createdAt", revoked_at AS "revokedAt"
      FROM api_keys WHERE key_id::text = ${keyId} FOR UPDATE
    `);
    if (old === null) return { outcome: 'unknown' };
    // Read after taking the lock, which rules out a concurrent rotation.
    const { successorId, mustSign } = await tx.one(sql.type(secondLook)`
      SELECT (SELECT key_id FROM api_keys WHERE replaces_key_id = ${old.keyId}) AS "successorId",
        EXISTS (
          SELECT FROM signing_secrets WHERE key_id = ${old.keyId} AND revoked_at IS NULL
        ) AS "mustSign"
    `);
    const reason = whyNot(old, successorId, mustSign, options);
    if (reason !== null) return { outcome: 'refused', reason };
    const successor = await insertSuccessor(tx, old, options);
    return {
      outcome: 'rotated',
      successor,
      signingSecretId: mustSign ? await insertSigningSecret(tx, successor.keyId) : null,
      predecessor: { keyId: old.keyId, expiresAt: await endSoon(tx, old, options) },
    };
  });
}

function whyNot(
  old: Predecessor,
  successorId: string | null,
  mustSign: boolean,
  { now, canSign }: RotationOptions,
): string | null {
  if (old.revokedAt !== null) return `key ${old.keyId} is revoked: create a new one`;
  if (isExpired(old, now)) return `key ${old.keyId} has expired: create a new one`;
  if (successorId !== null) return `key ${old.keyId} was rotated before: rotate ${successorId}`;
  return mustSign && !canSign
    ? `key ${old.keyId} signs its requests: set SIGNING_MASTER_SECRETS as the API has it`
    : null;
}

async function insertSuccessor(
  tx: Transaction,
  old: Predecessor,
  options: RotationOptions,
): Promise<ApiKey & { readonly plainKey: string }> {
  const plainKey = generateApiKey(old.scope);
  const { expiresAt = sameLifetime(old, options.now) } = options;
  const created = await tx.one(sql.type(apiKey)`
    INSERT INTO api_keys (key_hash, scope, tenant_id, currency, label, expires_at, replaces_key_id)
    VALUES (${sql.binary(hashApiKey(plainKey))}, ${old.scope}, ${old.tenantId}, ${old.currency},
      ${old.label}, ${expiresAt?.toISOString() ?? null}, ${old.keyId})
    RETURNING ${API_KEY_COLUMNS}
  `);
  return { ...created, plainKey };
}

function sameLifetime({ createdAt, expiresAt }: Predecessor, now: Date): Date | null {
  if (expiresAt === null) return null;
  return new Date(now.getTime() + Date.parse(expiresAt) - Date.parse(createdAt));
}

/** Sets the old key's expiry, never later than before, and returns it. */
async function endSoon(
  tx: Transaction,
  { keyId }: Predecessor,
  { now, overlapMs }: RotationOptions,
): Promise<string | null> {
  const end = new Date(now.getTime() + overlapMs).toISOString();
  const { expiresAt } = await tx.one(sql.type(apiKey.pick({ expiresAt: true }))`
    UPDATE api_keys SET expires_at = least(expires_at, ${end}::timestamptz)
    WHERE key_id = ${keyId} RETURNING expires_at AS "expiresAt"
  `);
  return expiresAt;
}
