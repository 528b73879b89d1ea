import type { KnownEvent } from '../../db/usage/reconcile-usage.ts';
import { Decimal } from '../../domain/decimal.ts';
import type { JsonObject } from '../../domain/types.ts';

/** A request of LiteLLM's log that costs something. */
export interface BilledRequest {
  /** Its id in the ledger. */
  readonly id: string;
  readonly tenantId: string;
  readonly deploymentId: string;
  /** Decimal string. */
  readonly chargeCents: string;
  /** UTC instant with six decimals, so that texts compare as instants do; in LiteLLM's log, to the millisecond. */
  readonly occurredAt: string;
}

/** Reads the fields of an `LlmUsageEvent` that `toLlmEvent` has returned, with a charge and a time. */
export function toBilledRequest(fields: JsonObject): BilledRequest {
  const textOf = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return {
    id: textOf('gateway_request_id'),
    tenantId: textOf('tenant_id'),
    deploymentId: textOf('deployment_id'),
    chargeCents: textOf('charge_cents'),
    occurredAt: textOf('occurred_at'),
  };
}

/**
 * Returns whether a request of LiteLLM's log is the accepted event with its id: tenant, deployment and charge are equal
 * (docs/spec.md#litellm). The time isn't compared, because the log rounds it, nor is the charge of an expired event.
 */
export function isSameRequest(request: BilledRequest, accepted: KnownEvent): boolean {
  const { tenantId, deploymentId, chargeCents } = accepted;
  return (
    request.tenantId === tenantId &&
    request.deploymentId === deploymentId &&
    (chargeCents === null || new Decimal(chargeCents).equals(request.chargeCents))
  );
}
