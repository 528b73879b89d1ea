import { isExpired, type ListedApiKey } from '../db/access/api-keys.ts';

/** How early a key's end is announced, so that there is time to rotate it. */
const EXPIRING_MS = 14 * 24 * 60 * 60 * 1000;

export type KeyState = 'live' | 'expiring' | 'expired' | 'revoked';

/** How a key stands; `expiring`: within 14 days. */
export function keyState(key: Pick<ListedApiKey, 'expiresAt' | 'revokedAt'>, now: Date): KeyState {
  if (key.revokedAt !== null) return 'revoked';
  if (isExpired(key, now)) return 'expired';
  return isExpired(key, new Date(now.getTime() + EXPIRING_MS)) ? 'expiring' : 'live';
}

/**
 * The keys whose end somebody has to do something about: they end within 14 days, and nobody has
 * used a successor yet.
 */
export function endingKeys(keys: readonly ListedApiKey[], now: Date): readonly ListedApiKey[] {
  const used = new Set(
    keys.filter(({ lastUsedAt }) => lastUsedAt !== null).map(({ keyId }) => keyId),
  );
  return keys.filter(
    (key) =>
      keyState(key, now) === 'expiring' &&
      !(key.replacedByKeyId !== null && used.has(key.replacedByKeyId)),
  );
}
