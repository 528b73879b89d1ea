import { llmEventSchema } from '../../ingestion/llm-event.ts';
import { defineUsageRoute } from './usage.ts';

export const postLlmUsage = defineUsageRoute({
  path: '/api/v1/integrations/llm-usage',
  operationId: 'postLlmUsage',
  scope: 'gateway',
  summary: 'Post priced LLM requests',
  source: 'llm',
  idField: 'gateway_request_id',
  batchField: 'events',
  schema: llmEventSchema,
});
