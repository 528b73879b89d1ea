import type { DeliverDueWebhooksResult } from '../contracts/webhook-types.ts';
import type { Database } from '../db/pool.ts';
import {
  claimDeliveries,
  nextAttemptInMs,
  recordAttempts,
  type ClaimedDelivery,
  type WebhookAttempt,
} from '../db/webhooks/webhook-deliveries.ts';
import {
  GONE_REASON,
  disableWebhookEndpoint,
  giveUpDeliveries,
  readReceiver,
} from '../db/webhooks/webhook-endpoints.ts';
import { retryInMs, type WebhookSettings } from './delivery-settings.ts';
import { openSender, type Posted, type Sender } from './sender.ts';
import { checkWebhookUrl } from './url-rules.ts';
import { signEvent, webhookSecret } from './webhook-signing.ts';

/** Concurrent requests to an endpoint. */
const PARALLEL = 20;
/** Time after which no further round begins, so that a stopping worker doesn't wait for a long queue. */
const ROUNDS_MS = 10_000;

/** Standard Webhooks: the receiver is gone permanently. */
const GONE = 410;

/**
 * Delivers an endpoint's due events, in rounds of a few events. Each attempt is claimed before it is made and recorded
 * afterwards. If the process dies in between, the event is sent again after its lease.
 * @param signal aborts the running attempts; they are due again when their leases end
 * @throws Error if there is no master secret to sign with
 */
export async function deliverDue(
  db: Database,
  endpointId: string,
  settings: WebhookSettings,
  signal: AbortSignal,
): Promise<DeliverDueWebhooksResult> {
  const receiver = await readReceiver(db, endpointId);
  if (receiver === null) {
    // A process that disabled the endpoint may have died before it gave up these deliveries.
    await giveUpDeliveries(db, endpointId);
    return { delivered: 0, failed: 0, nextInMs: null };
  }
  const { masterSecrets } = settings;
  if (masterSecrets.length === 0) {
    throw new Error("SIGNING_MASTER_SECRETS is not set, so events can't be signed");
  }
  const secrets = masterSecrets.flatMap((master) =>
    receiver.secretIds.map((secretId) => webhookSecret(master, secretId)),
  );
  const { reason } = checkWebhookUrl(receiver.url, settings.allowsAddress);
  using sender = openSender(new URL(receiver.url), settings);
  const send = (delivery: ClaimedDelivery) =>
    reason === null
      ? attempt(delivery, { sender, secrets, settings, signal })
      : Promise.resolve(refused(delivery, reason, settings));
  const until = Date.now() + ROUNDS_MS;
  let [delivered, failed] = [0, 0];
  do {
    const { leaseSeconds } = settings;
    const due = await claimDeliveries(db, endpointId, { limit: PARALLEL, leaseSeconds });
    if (due.length === 0) break;
    const attempts = (await Promise.all(due.map(send))).filter((made) => made !== null);
    await recordAttempts(db, endpointId, attempts);
    signal.throwIfAborted();
    const arrived = attempts.filter(({ outcome }) => outcome === 'delivered').length;
    delivered += arrived;
    failed += attempts.length - arrived;
    if (attempts.some(({ status }) => status === GONE)) {
      await disableWebhookEndpoint(db, endpointId, GONE_REASON);
    }
  } while (Date.now() < until && (await readReceiver(db, endpointId)) !== null);
  return { delivered, failed, nextInMs: await nextAttemptInMs(db, endpointId) };
}

interface AttemptContext {
  readonly sender: Sender;
  readonly secrets: readonly Buffer[];
  readonly settings: WebhookSettings;
  readonly signal: AbortSignal;
}

/** @returns null if the attempt was aborted, because its outcome is unknown */
async function attempt(
  delivery: ClaimedDelivery,
  { sender, secrets, settings, signal }: AttemptContext,
): Promise<WebhookAttempt | null> {
  const at = new Date();
  const posted = await sender.post(signEvent(delivery, secrets, at), signal);
  if (signal.aborted && posted.status === null) return null;
  return toAttempt(delivery, at, posted, settings);
}

function refused(delivery: ClaimedDelivery, reason: string, settings: WebhookSettings) {
  const posted = { status: null, error: `not sent: ${reason}`, response: null };
  return toAttempt(delivery, new Date(), posted, settings);
}

function toAttempt(
  { eventId, attempt }: ClaimedDelivery,
  at: Date,
  posted: Posted,
  { random, firstRetryMs }: WebhookSettings,
): WebhookAttempt {
  const isDelivered = posted.error === null;
  return {
    eventId,
    attempt,
    attemptedAt: at.toISOString(),
    durationMs: Date.now() - at.getTime(),
    outcome: isDelivered ? 'delivered' : 'failed',
    ...posted,
    retryInMs: isDelivered ? null : retryInMs(attempt, random(), firstRetryMs),
  };
}
