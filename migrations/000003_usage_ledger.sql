-- Up Migration

-- The usage ledger, for both kinds of usage.
--
-- Ingestion appends events and adds them to a running exact sum in a bucket:
-- one open bucket per (source, deployment, kind, service month). Month end seals
-- the tenant's open buckets for its draft; what arrives later opens a new one.
-- An event knows its bucket and a bucket its invoice, so each event is on
-- exactly one live invoice or visibly pending, and month end costs O(buckets).

CREATE TABLE usage_buckets (
  bucket_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  tenant_id external_id NOT NULL,
  deployment_id external_id NOT NULL,
  resource_kind text NOT NULL,
  service_month month_start NOT NULL,
  event_count bigint NOT NULL DEFAULT 0 CHECK (event_count >= 0),
  -- LLM: exact cents. Metered: exact quantity (a correction adds its difference).
  total numeric NOT NULL DEFAULT 0,
  -- Null: open. Else the draft that sealed it, which is also the id of the
  -- invoice that the draft became.
  sealed_for uuid REFERENCES invoice_drafts,
  FOREIGN KEY (tenant_id, deployment_id) REFERENCES deployments (tenant_id, deployment_id)
);
CREATE UNIQUE INDEX usage_buckets_one_open
  ON usage_buckets (source, deployment_id, resource_kind, service_month) WHERE sealed_for IS NULL;
CREATE INDEX usage_buckets_open_by_tenant
  ON usage_buckets (tenant_id, service_month) WHERE sealed_for IS NULL;
CREATE INDEX usage_buckets_by_draft ON usage_buckets (sealed_for) WHERE sealed_for IS NOT NULL;
CREATE INDEX usage_buckets_by_month ON usage_buckets (service_month, tenant_id);

-- A sealed bucket's sum never changes again: an ingestion that still held an
-- open bucket's id would lose usage without this.
CREATE FUNCTION usage_buckets_stay_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.sealed_for IS NOT NULL
     AND (NEW.sealed_for IS NULL OR (NEW.event_count, NEW.total) IS DISTINCT FROM (OLD.event_count, OLD.total))
  THEN
    RAISE EXCEPTION 'usage bucket % is sealed', OLD.bucket_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER usage_buckets_stay_sealed BEFORE UPDATE ON usage_buckets
  FOR EACH ROW EXECUTE FUNCTION usage_buckets_stay_sealed();

-- The primary keys below are the idempotency check: the insert itself, for ever.
-- There is no foreign key to the bucket: the one writer has just locked that
-- bucket in the same transaction, buckets are never deleted, and the check would
-- double the cost of a row at ingestion. For the same reason the columns that are
-- the bucket's as well are plain: they were checked there.
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
  -- SHA-256 of the canonical content as it is kept: defaults filled in, instants to the microsecond.
  content_hash bytea NOT NULL,
  bucket_id bigint NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX llm_usage_events_by_bucket ON llm_usage_events (bucket_id);

CREATE TABLE metered_usage_records (
  record_id text PRIMARY KEY,
  tenant_id text NOT NULL,
  deployment_id text NOT NULL,
  resource_kind text NOT NULL,
  occurred_at timestamptz NOT NULL,
  service_month date NOT NULL,
  qty numeric(24, 12) NOT NULL CHECK (qty >= 0 AND qty < 'Infinity'),
  -- What it adds to its bucket: qty, less that of the record it replaces.
  added_qty numeric(25, 12) NOT NULL CHECK (added_qty > '-Infinity' AND added_qty < 'Infinity'),
  -- A record is replaced at most once; a correction can itself be corrected.
  replaces text UNIQUE REFERENCES metered_usage_records,
  content_hash bytea NOT NULL,
  bucket_id bigint NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX metered_usage_records_by_bucket ON metered_usage_records (bucket_id);

-- What an invoice took from the ledger, and what became of it. Kept for
-- superseded invoices too, whose buckets have moved on to their successor.
CREATE TABLE invoice_usage (
  invoice_id uuid NOT NULL REFERENCES invoices,
  bucket_id bigint NOT NULL REFERENCES usage_buckets,
  line_no integer,
  disposition text NOT NULL CHECK (disposition IN ('billed', 'within_allowance', 'unpriced_kind', 'no_subscription')),
  PRIMARY KEY (invoice_id, bucket_id),
  FOREIGN KEY (invoice_id, line_no) REFERENCES invoice_lines,
  CHECK ((disposition = 'billed') = (line_no IS NOT NULL))
);
CREATE INDEX invoice_usage_by_bucket ON invoice_usage (bucket_id);

CREATE TRIGGER llm_usage_events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON llm_usage_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER metered_usage_records_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON metered_usage_records
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_usage_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_usage
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_buckets_are_kept BEFORE DELETE OR TRUNCATE ON usage_buckets
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
