import { z } from 'zod';
import { LLM_RESOURCE_KIND, type LlmEventRow } from '../db/usage/usage-ledger.ts';
import { normalizeDecimalString } from '../domain/decimal.ts';
import { attributesSchema, sortAttributes } from './attributes.ts';
import { contentHash } from './content-hash.ts';
import {
  currencyCode,
  decimalString,
  externalId,
  instant,
  text,
  tokenCount,
  visibleId,
} from './usage-fields.ts';
import type { Content, Entry, UsageKind } from './usage-kind.ts';

/** One gateway request, already priced by the gateway (docs/spec.md#usage). */
export const llmEventSchema = z
  .strictObject({
    gateway_request_id: visibleId(200).meta({ example: 'req_8f14e45f' }),
    tenant_id: externalId,
    deployment_id: externalId,
    model: text(200).meta({ example: 'large-2' }),
    occurred_at: instant,
    charge_cents: decimalString.describe('The exact charge in cents, not dollars.'),
    currency: currencyCode.optional().describe("By default the tenant's; another one is refused."),
    input_tokens: tokenCount.optional(),
    output_tokens: tokenCount.optional(),
    attributes: attributesSchema.optional(),
  })
  .meta({ id: 'LlmUsageEvent' });

export type LlmEvent = z.infer<typeof llmEventSchema>;

/** An LLM event whose bucket is not yet known. */
export interface LlmEntry extends Entry, Omit<LlmEventRow, 'bucketId'> {}

export const LLM_USAGE: UsageKind<LlmEvent, LlmEntry> = {
  source: 'llm',
  idField: 'gateway_request_id',
  schema: llmEventSchema,
  toEntry(event, { currency }, { serviceMonth, barred }) {
    const occurredAt = event.occurred_at;
    const attributes = sortAttributes(event.attributes);
    return {
      id: event.gateway_request_id,
      tenantId: event.tenant_id,
      deploymentId: event.deployment_id,
      resourceKind: LLM_RESOURCE_KIND,
      serviceMonth,
      model: event.model,
      occurredAt: occurredAt.stored,
      chargeCents: event.charge_cents,
      currency,
      inputTokens: event.input_tokens ?? null,
      outputTokens: event.output_tokens ?? null,
      attributes: attributes === undefined ? null : JSON.stringify(attributes),
      // Sorted by name, so that `contentHash` needn't sort again.
      contentHash: contentHash({
        attributes,
        charge_cents: normalizeDecimalString(event.charge_cents),
        currency,
        deployment_id: event.deployment_id,
        gateway_request_id: event.gateway_request_id,
        input_tokens: event.input_tokens,
        model: event.model,
        occurred_at: occurredAt.stored,
        output_tokens: event.output_tokens,
        tenant_id: event.tenant_id,
      } satisfies Content<LlmEvent>),
      barred,
    };
  },
};
