/** Events that the ledger could not take, and what can be done about them (docs/spec.md#quarantine). */

/** Why an event is held. */
export const QUARANTINE_REASONS = [
  'unknown_tenant',
  'unknown_deployment',
  'wrong_currency',
  'malformed',
  'conflict',
  'unpriced_model',
  'too_old',
  'too_early',
] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

export const QUARANTINE_STATES = ['held', 'released', 'dismissed'] as const;
export type QuarantineState = (typeof QUARANTINE_STATES)[number];

/**
 * Reasons whose events a release only includes if it names the reason or the events: to bill usage that is old, that has
 * no price, or of which only a part could be read is a decision of its own.
 */
export const RELEASED_BY_NAME = [
  'malformed',
  'unpriced_model',
  'too_old',
] as const satisfies readonly QuarantineReason[];

/** Reasons that go away: such events are released without an operator once they can be accepted. */
export const RELEASED_BY_SWEEP = [
  'unknown_tenant',
  'unknown_deployment',
  'too_early',
] as const satisfies readonly QuarantineReason[];

/** The event that a remedy is about. */
export interface HeldFor {
  readonly held_for: QuarantineReason;
  readonly state: QuarantineState;
  readonly tenant_id: string | null;
  readonly deployment_id: string | null;
  readonly model: string | null;
}

/** Returns what to do about a held event, in sentences; null if it is no longer held. */
export function remedyFor(event: HeldFor): string | null {
  if (event.state !== 'held') return null;
  const tenant = event.tenant_id ?? '(none)';
  const deployment = event.deployment_id ?? '(none)';
  switch (event.held_for) {
    case 'unknown_tenant':
      return (
        `Create tenant ${tenant} with deployment ${deployment}: the event is then released within minutes. ` +
        'If the gateway sent wrong ids, release it with the right ones.'
      );
    case 'unknown_deployment':
      return (
        `Create deployment ${deployment} of tenant ${tenant}: the event is then released within minutes. ` +
        'If the gateway sent wrong ids, release it with the right ones.'
      );
    case 'wrong_currency':
      return (
        'The currency of a tenant never changes, and nothing is converted. If the gateway key states the wrong ' +
        "currency, release the event with the tenant's; where that one has other decimals (AUD has 2, JPY none), send " +
        'the request again as LLM usage with the right charge, and dismiss this one. If the currency is right, bill ' +
        'the amount as an invoice item and dismiss the event.'
      );
    case 'malformed':
      return (
        'Fix the sender. If only the ids are wrong, release the event with the right ones. Otherwise send the ' +
        'request again as LLM usage, and dismiss this one.'
      );
    case 'conflict':
      return (
        'Another event with this id was accepted, and stays. If this is another request, send it as LLM usage with ' +
        'an id of its own. Then dismiss this one.'
      );
    case 'unpriced_model':
      return (
        `Set a price for model ${event.model ?? '(none)'} in the gateway, or add it to LITELLM_FREE_MODELS if it is ` +
        'free. To accept the request free of charge, release it; otherwise bill it as an invoice item and dismiss it.'
      );
    case 'too_old':
      return 'Release it with a reason to bill it as late usage, or dismiss it.';
    case 'too_early':
      return "Check the sender's clock. The event is released when its time has come.";
  }
}
