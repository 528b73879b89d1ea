import type { Deployment } from '../db/usage-ledger.ts';
import type { FieldError, UsageResult } from './results.ts';
import type { SentEvent } from './usage-kind.ts';

/**
 * A sender's clock may run ahead; but one that is wrong by days must not open months that nobody
 * closes for years.
 */
export const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;

/**
 * Why an event that is well formed can't be taken.
 * @param deployment the one that the event names, if it exists
 * @returns null where it can
 */
export function checkEvent(
  event: SentEvent,
  deployment: Deployment | undefined,
  now: Date,
): UsageResult | null {
  const error = findError(event, deployment, now);
  return error && { status: 'rejected', reason: error.detail, errors: [error] };
}

function findError(
  event: SentEvent,
  deployment: Deployment | undefined,
  now: Date,
): FieldError | null {
  // Another tenant's deployment is as unknown as one that doesn't exist.
  if (deployment?.tenantId !== event.tenant_id) {
    return {
      pointer: '/deployment_id',
      detail: `tenant ${event.tenant_id} has no deployment ${event.deployment_id}`,
    };
  }
  if (event.currency !== undefined && event.currency !== deployment.currency) {
    return {
      pointer: '/currency',
      detail: `tenant ${event.tenant_id} is billed in ${deployment.currency}, not in ${event.currency}`,
    };
  }
  if (event.occurred_at.epochMs > now.getTime() + MAX_AHEAD_MS) {
    return {
      pointer: '/occurred_at',
      detail: `${event.occurred_at.text} is more than 24 hours ahead: check the sender's clock`,
    };
  }
  return null;
}
