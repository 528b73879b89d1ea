import { llmEventSchema } from '../../ingestion/llm-event.ts';
import { defineUsageRoute } from './usage.ts';

const EVENT = {
  gateway_request_id: 'req_8f14e45f',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  model: 'large-2',
  occurred_at: '2026-05-20T08:30:00.125Z',
  charge_cents: '0.0425',
  input_tokens: 1200,
  output_tokens: 85,
};

export const postLlmUsage = defineUsageRoute({
  path: '/api/v1/integrations/llm-usage',
  operationId: 'postLlmUsage',
  scope: 'gateway',
  summary: 'Post priced LLM requests',
  source: 'llm',
  idField: 'gateway_request_id',
  batchField: 'events',
  schema: llmEventSchema,
  examples: { batch: [EVENT, { ...EVENT, gateway_request_id: 'req_c9f0f895' }] },
});
