import { sql } from '../sql.ts';

/**
 * Usage events, wherever they are: in the tables that ingestion writes to, or in the archive. Every
 * reader of events reads both, by one of these, so that moving them changes no answer.
 *
 * Name `service_month` besides the bucket or the id wherever it is known: the archive has a partition
 * for each.
 */

/** Rows of `llm_usage_events`. */
export const LLM_EVENTS = sql.fragment`(
  SELECT gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
    charge_cents, currency, input_tokens, output_tokens, content_hash, bucket_id, received_at
  FROM llm_usage_events
  UNION ALL
  SELECT gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
    charge_cents, currency, input_tokens, output_tokens, content_hash, bucket_id, received_at
  FROM llm_usage_archive
)`;

/** Rows of `metered_usage_records`. */
export const METERED_RECORDS = sql.fragment`(
  SELECT record_id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, qty,
    added_qty, replaces, content_hash, bucket_id, received_at
  FROM metered_usage_records
  UNION ALL
  SELECT record_id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, qty,
    added_qty, replaces, content_hash, bucket_id, received_at
  FROM metered_usage_archive
)`;
