import { deriveSecret, formatSecret } from '../lib/signing/secret.ts';

/** How long a former secret goes on, where nobody says otherwise: a day. */
export const DEFAULT_OVERLAP_SECONDS = 86_400;
/** 90 days. */
export const MAX_OVERLAP_SECONDS = 90 * 86_400;

/**
 * The secret of an endpoint, by its id: derived, as those of senders are (ADR 13), and never one of theirs.
 * @returns 32 bytes
 */
export function webhookSecret(masterSecret: string, secretId: string): Buffer {
  return deriveSecret(masterSecret, `webhook:${secretId}`);
}

/** As its receiver needs it: `whsec_…`. */
export function showSecret(masterSecret: string, secretId: string): string {
  return formatSecret(webhookSecret(masterSecret, secretId));
}
