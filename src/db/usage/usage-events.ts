import { sql } from '../sql.ts';

/**
 * Usage events from both places: the tables that ingestion writes to and the archive. Every query that reads
 * events uses one of these fragments, so archiving changes no result.
 *
 * Filter by `service_month` as well as by bucket or id wherever the month is known: the archive has one
 * partition per month.
 */

/** LLM events, with the columns of `llm_usage_events`. */
export const LLM_EVENTS = sql.fragment`(
  SELECT gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
    charge_cents, currency, input_tokens, output_tokens, attributes, content_hash, bucket_id, received_at
  FROM llm_usage_events
  UNION ALL
  SELECT gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
    charge_cents, currency, input_tokens, output_tokens, attributes, content_hash, bucket_id, received_at
  FROM llm_usage_archive
)`;

/** Metered records, with the columns of `metered_usage_records`. */
export const METERED_RECORDS = sql.fragment`(
  SELECT record_id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, qty,
    added_qty, replaces, content_hash, bucket_id, received_at
  FROM metered_usage_records
  UNION ALL
  SELECT record_id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, qty,
    added_qty, replaces, content_hash, bucket_id, received_at
  FROM metered_usage_archive
)`;
