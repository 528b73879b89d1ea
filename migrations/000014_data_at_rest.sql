-- Up Migration

-- Indexes for months and months of rows. On a ledger with many events build the four below first, while
-- the service runs, with CREATE INDEX CONCURRENTLY: what is there already is not built again.

-- From a bucket to its events, in the order in which they are shown: a page reads no more than a page.
-- In place of the index on the bucket alone.
CREATE INDEX IF NOT EXISTS llm_usage_events_in_bucket
  ON llm_usage_events (bucket_id, gateway_request_id COLLATE "C");
CREATE INDEX IF NOT EXISTS metered_usage_records_in_bucket
  ON metered_usage_records (bucket_id, record_id COLLATE "C");
DROP INDEX llm_usage_events_by_bucket;
DROP INDEX metered_usage_records_by_bucket;

-- From a month to its events, wherever they are: the verification looks for those in wrong places. Events
-- come in month by month, so a summary per megabyte finds them; it costs an insert next to nothing.
-- (The values of a megabyte, not only the least and the greatest: archiving makes room amid the table.)
CREATE INDEX IF NOT EXISTS llm_usage_events_by_month
  ON llm_usage_events USING brin (service_month date_minmax_multi_ops);
CREATE INDEX IF NOT EXISTS metered_usage_records_by_month
  ON metered_usage_records USING brin (service_month date_minmax_multi_ops);
