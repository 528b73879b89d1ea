/** A valid LLM event with the given fields replaced. */
export function llmEvent(fields: Readonly<Record<string, unknown>> = {}) {
  return {
    gateway_request_id: `req-${crypto.randomUUID()}`,
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    model: 'large-2',
    occurred_at: '2026-05-10T12:00:00Z',
    charge_cents: '1.25',
    ...fields,
  };
}

/** A valid metered record with the given fields replaced. */
export function meteredRecord(fields: Readonly<Record<string, unknown>> = {}) {
  return {
    record_id: `rec-${crypto.randomUUID()}`,
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    resource_kind: 'droplet_hours',
    qty: '10.5',
    occurred_at: '2026-05-10T12:00:00Z',
    ...fields,
  };
}
