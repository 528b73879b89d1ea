import type { Deployment } from '../db/usage/usage-ledger.ts';
import { rejectedField, type FieldError, type UsageResult } from './results.ts';
import type { SentEvent } from './usage-kind.ts';

/**
 * Why an event that is well formed can't be taken.
 * @param deployment the one that the event names, if it exists
 * @returns null where it can
 */
export function checkEvent(
  event: SentEvent,
  deployment: Deployment | undefined,
): UsageResult | null {
  const error = findError(event, deployment);
  return error && rejectedField(error);
}

function findError(event: SentEvent, deployment: Deployment | undefined): FieldError | null {
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
  return null;
}
