import { Option } from 'commander';
import { isExpired, type ListedApiKey } from '../db/access/api-keys.ts';
import { instantArgument, durationArgument } from './arguments.ts';
import { CliError } from './cli-error.ts';
import { deriveSecret, formatSecret } from '../lib/signing/secret.ts';

/** How early a key's end is announced, so that there is time to rotate it. */
const EXPIRING_MS = 14 * 24 * 60 * 60 * 1000;

type KeyState = 'live' | 'expiring' | 'expired' | 'revoked';

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

/** What `expiryOptions` adds to a command's options. */
export interface ExpiryOptions {
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly expiresAt?: Date;
}

/** When a new key ends. */
export function expiryOptions(): readonly Option[] {
  return [
    new Option('--expires-in <duration>', 'such as 90d or 12h')
      .argParser(durationArgument)
      .conflicts('expiresAt'),
    new Option('--expires-at <instant>', 'such as 2027-01-01T00:00:00Z').argParser(instantArgument),
  ];
}

/**
 * @returns undefined where the user didn't say
 * @throws CliError where it would be over already
 */
export function expiryOf({ expiresIn, expiresAt }: ExpiryOptions, now: Date): Date | undefined {
  const expiry = expiresIn === undefined ? expiresAt : new Date(now.getTime() + expiresIn);
  if (expiry === undefined || expiry > now) return expiry;
  throw new CliError(`A key that expires at ${expiry.toISOString()} has expired already`);
}

/**
 * A signing secret as its sender needs it.
 * @param masterSecrets the newest first: that is the one to derive new secrets from
 * @throws CliError where there is none
 */
export function showSecret(masterSecrets: readonly string[], secretId: string) {
  return { secretId, secret: formatSecret(deriveSecret(newest(masterSecrets), secretId)) };
}

/** @throws CliError */
export function newest([masterSecret]: readonly string[]): string {
  if (masterSecret !== undefined) return masterSecret;
  throw new CliError('Set SIGNING_MASTER_SECRETS as the API has it: secrets are derived from it');
}
