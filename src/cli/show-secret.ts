import { deriveSecret, formatSecret } from '../lib/signing/secret.ts';
import { CliError } from './errors.ts';

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
