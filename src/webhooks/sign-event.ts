import type { ClaimedDelivery } from '../db/webhooks/webhook-deliveries.ts';
import { signatureOf } from '../lib/signing/sign.ts';

/** A request's body and headers. */
export interface SignedEvent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * An event as it is sent (Standard Webhooks). The body is the same at every attempt, and so is the id;
 * the timestamp is the attempt's.
 * @param secrets all that the receiver may be holding: a signature of each
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
