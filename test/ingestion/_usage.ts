import type { Deployment } from '../../src/db/usage/usage-ledger.ts';

/** The deployment that the events below name. */
export const deployment: Deployment = {
  deploymentId: 'acme-a',
  tenantId: 'acme',
  currency: 'AUD',
};

/** An LLM event with all its fields but `currency`, as it is sent. */
export const sentLlmEvent = {
  gateway_request_id: 'req-1',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  model: 'large-2',
  occurred_at: '2026-05-10T12:00:00.1234567Z',
  charge_cents: '1.5',
  input_tokens: 100,
  output_tokens: 20,
};

/** A metered record, as it is sent. */
export const sentMeteredRecord = {
  record_id: 'rec-1',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  resource_kind: 'egress_gb',
  qty: '10.5',
  occurred_at: '2026-05-10T12:00:00.1234567Z',
};

/** An event without one of its fields. */
export function without(event: object, ...fields: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([field]) => !fields.includes(field)));
}
