import { Option } from 'commander';
import { keyState, type ListedApiKey } from '../db/access/api-keys.ts';
import { instantArgument, durationArgument } from './arguments.ts';
import { CliError } from './cli-error.ts';
import { deriveSecret, formatSecret } from '../lib/signing/sign.ts';

/** The keys that need attention: they expire within 14 days and have no successor that is in use. */
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

/** The values of `expiryOptions`. */
export interface ExpiryOptions {
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly expiresAt?: Date;
}

/** The options for the expiry of a new key. */
export function expiryOptions(): readonly Option[] {
  return [
    new Option('--expires-in <duration>', 'time until the key expires, such as 90d or 12h')
      .argParser(durationArgument)
      .conflicts('expiresAt'),
    new Option(
      '--expires-at <instant>',
      'instant at which the key expires, such as 2027-01-01T00:00:00Z',
    ).argParser(instantArgument),
  ];
}

/**
 * The expiry that the options ask for.
 * @returns undefined if neither option was given
 * @throws CliError if it is in the past
 */
export function expiryOf({ expiresIn, expiresAt }: ExpiryOptions, now: Date): Date | undefined {
  const expiry = expiresIn === undefined ? expiresAt : new Date(now.getTime() + expiresIn);
  if (expiry === undefined || expiry > now) return expiry;
  throw new CliError(`The expiry ${expiry.toISOString()} is in the past`);
}

/**
 * Derives a signing secret, formatted for its sender.
 * @param masterSecrets newest first: new secrets are derived from the first
 * @throws CliError if there is no master secret
 */
export function showSecret(masterSecrets: readonly string[], secretId: string) {
  return { secretId, secret: formatSecret(deriveSecret(newest(masterSecrets), secretId)) };
}

/**
 * The master secret to derive new secrets from.
 * @throws CliError if there is none
 */
export function newest([masterSecret]: readonly string[]): string {
  if (masterSecret !== undefined) return masterSecret;
  throw new CliError(
    'SIGNING_MASTER_SECRETS is missing. Set it to the same value as for the API: secrets are derived from it.',
  );
}
