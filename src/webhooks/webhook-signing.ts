import type { ClaimedDelivery } from '../db/webhooks/webhook-deliveries.ts';
import { deriveSecret, formatSecret, signatureOf } from '../lib/signing/sign.ts';

/** How long a replaced secret stays valid by default: one day. */
export const DEFAULT_OVERLAP_SECONDS = 86_400;
/** 90 days. */
export const MAX_OVERLAP_SECONDS = 90 * 86_400;

/**
 * Returns an endpoint's secret, derived from the master secret as senders' secrets are (ADR 13), but never equal to one
 * of those.
 * @returns 32 bytes
 */
export function webhookSecret(masterSecret: string, secretId: string): Buffer {
  return deriveSecret(masterSecret, `webhook:${secretId}`);
}

/** Returns the secret in the form that its receiver needs: `whsec_…`. */
export function showSecret(masterSecret: string, secretId: string): string {
  return formatSecret(webhookSecret(masterSecret, secretId));
}

/** A request's body and headers. */
export interface SignedEvent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Returns an event in the form in which it is sent (Standard Webhooks). Id and body are the same for every attempt; the
 * timestamp and the signatures belong to the attempt.
 * @param secrets all secrets that the receiver may have; the request carries one signature for each
 */
export function signEvent(
  { eventId, type, occurredAt, data }: Omit<ClaimedDelivery, 'attempt'>,
  secrets: readonly Buffer[],
  at: Date,
): SignedEvent {
  const body = JSON.stringify({ type, timestamp: occurredAt, data });
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) =>
    signatureOf(secret, { id: eventId, timestamp, body }).toString('base64'),
  );
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': 'arcadia-invoicing',
      'webhook-id': eventId,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.map((signature) => `v1,${signature}`).join(' '),
    },
  };
}
