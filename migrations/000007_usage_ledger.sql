-- Up Migration

-- The usage ledger, for LLM events and metered records (docs/spec.md#usage).
--
-- Ingestion appends events and adds each to the exact sum of a bucket. There is one open bucket per source,
-- deployment, kind, service month and model (ADR 35). Opening a draft seals the tenant's open buckets for it; usage that
-- arrives later opens a new bucket. An event names its bucket and a bucket its invoice, so each event is on
-- exactly one live invoice or visibly pending, and the cost of a month end depends on the number of buckets,
-- not of events.

CREATE TABLE usage_buckets (
  bucket_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  tenant_id external_id NOT NULL,
  deployment_id external_id NOT NULL,
  resource_kind text NOT NULL,
  service_month month_start NOT NULL,
  -- LLM: the model of its events. A deployment has buckets of at most 200 models in a month; events of all other
  -- models share the bucket ''. Metered: always ''.
  model text NOT NULL DEFAULT '',
  event_count bigint NOT NULL DEFAULT 0 CHECK (event_count >= 0),
  -- LLM: exact cents. Metered: an exact quantity; a correction adds its difference.
  total numeric NOT NULL DEFAULT 0,
  -- The draft that sealed it, which is also the id of the invoice or note that the draft became. Null: open.
  sealed_for uuid REFERENCES invoice_drafts,
  CHECK (source = 'llm' OR model = ''),
  FOREIGN KEY (tenant_id, deployment_id) REFERENCES deployments (tenant_id, deployment_id)
);
-- The only index of open buckets: it also finds those of a tenant and month. With two, PostgreSQL looked single buckets up
-- in the other one while it had no statistics of the table, by reading it from end to end.
CREATE UNIQUE INDEX usage_buckets_one_open
  ON usage_buckets (tenant_id, service_month, deployment_id, resource_kind, model, source)
  WHERE sealed_for IS NULL;
CREATE INDEX usage_buckets_by_draft ON usage_buckets (sealed_for) WHERE sealed_for IS NOT NULL;
-- Also finds the models that a deployment has buckets of.
CREATE INDEX usage_buckets_by_month ON usage_buckets (service_month, tenant_id, deployment_id, model);

-- The sum of a sealed bucket never changes: without this, an ingestion that still had the id of an open bucket
-- would lose usage. Usage that an invoice holds can only move to the revision that replaces it
-- (docs/spec.md#revisions). Usage that an adjustment note holds stays there.
CREATE FUNCTION usage_buckets_stay_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.sealed_for IS NULL THEN
    RETURN NEW;
  END IF;
  IF NEW.sealed_for IS NULL OR (NEW.event_count, NEW.total) IS DISTINCT FROM (OLD.event_count, OLD.total)
  THEN
    RAISE EXCEPTION 'usage bucket % is sealed', OLD.bucket_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.sealed_for <> OLD.sealed_for
     AND EXISTS (SELECT FROM invoices WHERE invoice_id = OLD.sealed_for)
     AND NOT EXISTS (
       SELECT FROM invoices
       WHERE invoice_id = NEW.sealed_for AND replaces_invoice_id = OLD.sealed_for
     )
  THEN
    RAISE EXCEPTION 'usage bucket % is held by invoice %', OLD.bucket_id, OLD.sealed_for
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
-- Not called for open buckets, because ingestion updates one for every event; and afterwards, because a trigger before
-- an update has each row locked by a step of its own.
CREATE TRIGGER usage_buckets_stay_sealed AFTER UPDATE ON usage_buckets
  FOR EACH ROW WHEN (OLD.sealed_for IS NOT NULL) EXECUTE FUNCTION usage_buckets_stay_sealed();
CREATE TRIGGER usage_buckets_are_kept BEFORE DELETE OR TRUNCATE ON usage_buckets
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The primary keys of the two tables below make each id count once, forever: the insert is the check. There is
-- no foreign key to the bucket, because it would double the cost of a row at ingestion: the only writer has
-- just locked the bucket in the same transaction, and buckets are never deleted. For the same reason, columns
-- copied from the bucket have plain types: the bucket's values were already checked.
--
-- Both tables are append-only; an event is deleted only when it moves to the archive
-- (000011_usage_archive.sql). That leaves a thirteenth of the table as dead rows, which autovacuum's default
-- threshold (a fifth) would not reclaim.
CREATE TABLE llm_usage_events (
  gateway_request_id text PRIMARY KEY,
  tenant_id text NOT NULL,
  deployment_id text NOT NULL,
  model text NOT NULL,
  occurred_at timestamptz NOT NULL,
  service_month date NOT NULL,
  charge_cents numeric(24, 12) NOT NULL CHECK (charge_cents >= 0 AND charge_cents < 'Infinity'),
  currency text NOT NULL,
  input_tokens bigint CHECK (input_tokens >= 0),
  output_tokens bigint CHECK (output_tokens >= 0),
  -- Short strings by name, such as the team of the request. Null: none.
  attributes jsonb,
  -- SHA-256 of the canonical content: defaults filled in, instants to the microsecond.
  content_hash bytea NOT NULL,
  bucket_id bigint NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE metered_usage_records (
  record_id text PRIMARY KEY,
  tenant_id text NOT NULL,
  deployment_id text NOT NULL,
  resource_kind text NOT NULL,
  occurred_at timestamptz NOT NULL,
  service_month date NOT NULL,
  qty numeric(24, 12) NOT NULL CHECK (qty >= 0 AND qty < 'Infinity'),
  -- The quantity added to the bucket: `qty`, less that of the record that it replaces.
  added_qty numeric(25, 12) NOT NULL CHECK (added_qty > '-Infinity' AND added_qty < 'Infinity'),
  -- A record is replaced at most once. A correction can itself be corrected.
  replaces text UNIQUE REFERENCES metered_usage_records,
  content_hash bytea NOT NULL,
  bucket_id bigint NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- For a bucket's events in display order: reading a page of events touches only that page.
CREATE INDEX llm_usage_events_in_bucket
  ON llm_usage_events (bucket_id, gateway_request_id COLLATE "C");
CREATE INDEX metered_usage_records_in_bucket
  ON metered_usage_records (bucket_id, record_id COLLATE "C");
-- For a month's events in any bucket: the verification looks for misplaced ones. Events arrive month by month,
-- so a BRIN summary per megabyte finds them and costs next to nothing per insert. The summaries hold several
-- value ranges, because archiving frees space in the middle of the table.
CREATE INDEX llm_usage_events_by_month
  ON llm_usage_events USING brin (service_month date_minmax_multi_ops);
CREATE INDEX metered_usage_records_by_month
  ON metered_usage_records USING brin (service_month date_minmax_multi_ops);

CREATE TRIGGER llm_usage_events_are_kept BEFORE UPDATE OR TRUNCATE ON llm_usage_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER metered_usage_records_are_kept BEFORE UPDATE OR TRUNCATE ON metered_usage_records
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The API adds usage. The worker seals buckets and can't read what single events say. A tenant's key finds events by
-- their bucket.
GRANT SELECT ON usage_buckets TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (bucket_id, source, tenant_id, deployment_id, resource_kind, service_month, model, event_count, total)
  ON usage_buckets TO arcadia_tenant;
-- Which usage is open, for the tenant's running month.
GRANT SELECT (sealed_for) ON usage_buckets TO arcadia_tenant;
GRANT INSERT (source, tenant_id, deployment_id, resource_kind, service_month, model, event_count, total),
  UPDATE (event_count, total) ON usage_buckets TO arcadia_api;
GRANT UPDATE (sealed_for) ON usage_buckets TO arcadia_worker;
GRANT SELECT ON llm_usage_events, metered_usage_records TO arcadia_api, arcadia_readonly, arcadia_tenant;
GRANT INSERT ON llm_usage_events, metered_usage_records TO arcadia_api;
CALL isolate_tenants('usage_buckets');
CALL isolate_tenants('llm_usage_events');
CALL isolate_tenants('metered_usage_records');
