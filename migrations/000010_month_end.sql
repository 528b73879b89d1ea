-- Up Migration

-- Requests for a month, and their results. They are stored here and not in the workflow, because they outlive
-- it. Within a month, a request id identifies one request.

CREATE TABLE month_end_requests (
  request_seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  period_start month_start NOT NULL,
  request_id text NOT NULL,
  -- run: an ordinary pass. force: a pass that also rebuilds some or all invoices.
  kind text NOT NULL CHECK (kind IN ('run', 'force')),
  all_tenants boolean NOT NULL DEFAULT false,
  -- Rebuild only the invoices that would change (docs/spec.md#revisions).
  only_if_changed boolean NOT NULL DEFAULT false,
  -- Issue invoices even if their totals are beyond the bounds (docs/spec.md#safety-bounds).
  accept_bounds boolean NOT NULL DEFAULT false,
  reason text,
  -- `key:<label>`, `cli:<user>`, `schedule`, or `temporal:<name>` with the name given in a signal from the Web
  -- UI.
  actor text NOT NULL,
  -- SHA-256 of the canonical content: the same id with other content is rejected.
  content_hash bytea NOT NULL,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'finished')),
  -- Counts and control totals of the pass that served it.
  manifest jsonb,
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  UNIQUE (period_start, request_id),
  CHECK ((state = 'finished') = (finished_at IS NOT NULL)),
  CHECK (kind = 'run' OR reason IS NOT NULL),
  CONSTRAINT month_end_requests_options_are_of_force
    CHECK (kind = 'force' OR NOT (only_if_changed OR accept_bounds))
);
CREATE INDEX month_end_requests_open ON month_end_requests (period_start, request_seq) WHERE state <> 'finished';
GRANT SELECT ON month_end_requests TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT, UPDATE (state, manifest, started_at, finished_at) ON month_end_requests TO arcadia_worker;

-- The tenants that a forced request names; for "all", every due tenant.
CREATE TABLE month_end_request_tenants (
  request_seq bigint NOT NULL REFERENCES month_end_requests,
  -- As the operator typed it. The tenant may not exist.
  tenant_id text NOT NULL,
  period_start month_start NOT NULL,
  -- Null: not served yet. unchanged: the revision would have been the same, so the invoice stays live, or there was no
  -- difference for an adjustment note.
  outcome text CHECK (outcome IN ('rolled', 'adjusted', 'unchanged', 'nothing_to_bill', 'refused', 'parked')),
  -- The draft that is serving it.
  draft_id uuid REFERENCES invoice_drafts,
  -- The live invoice; for `adjusted`, the note.
  invoice_id uuid REFERENCES invoices,
  reason text,
  PRIMARY KEY (request_seq, tenant_id),
  CONSTRAINT month_end_request_tenants_invoice_check
    CHECK (coalesce(outcome IN ('rolled', 'adjusted', 'unchanged'), false) = (invoice_id IS NOT NULL)),
  CHECK (outcome IS NULL OR (outcome IN ('refused', 'parked')) = (reason IS NOT NULL))
);
CREATE INDEX month_end_request_tenants_pending
  ON month_end_request_tenants (tenant_id, period_start, request_seq) WHERE outcome IS NULL;
CREATE INDEX month_end_request_tenants_by_draft ON month_end_request_tenants (draft_id)
  WHERE draft_id IS NOT NULL;
GRANT SELECT ON month_end_request_tenants TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT, UPDATE (outcome, draft_id, invoice_id, reason) ON month_end_request_tenants TO arcadia_worker;
CALL isolate_tenants('month_end_request_tenants');

-- The latest outcome of each tenant in a month (docs/spec.md#month-end).
CREATE TABLE tenant_outcomes (
  period_start month_start NOT NULL,
  tenant_id external_id NOT NULL REFERENCES tenants,
  outcome text NOT NULL
    CHECK (outcome IN ('rolled', 'adjusted', 'skipped', 'unchanged', 'nothing_to_bill', 'parked')),
  -- The live invoice, also if the outcome is `adjusted`.
  invoice_id uuid REFERENCES invoices,
  -- A stable failure type, and a sentence that an operator can act on.
  reason_type text,
  reason text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (period_start, tenant_id),
  CHECK ((outcome IN ('nothing_to_bill', 'parked')) = (invoice_id IS NULL)),
  CHECK ((outcome = 'parked') = (reason_type IS NOT NULL AND reason IS NOT NULL))
);
-- Few rows: parked tenants of any month.
CREATE INDEX tenant_outcomes_parked ON tenant_outcomes (tenant_id, period_start) WHERE outcome = 'parked';
GRANT SELECT ON tenant_outcomes TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT, UPDATE (outcome, invoice_id, reason_type, reason, recorded_at) ON tenant_outcomes
  TO arcadia_worker;
CALL isolate_tenants('tenant_outcomes');

-- How far a month's end is for a tenant: `invoiced`; `passed`, if its runs have ended without an invoice for the tenant,
-- and it isn't parked; otherwise `open`. Tenants' running months need it, whose role reads neither requests and outcomes
-- nor invoices that aren't released.
CREATE FUNCTION month_end_state(tenant text, month date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM invoices i WHERE i.tenant_id = tenant AND i.period_start = month) THEN 'invoiced'
    WHEN EXISTS (SELECT FROM month_end_requests r WHERE r.period_start = month AND r.state = 'finished')
      AND NOT EXISTS (SELECT FROM month_end_requests r WHERE r.period_start = month AND r.state <> 'finished')
      AND NOT EXISTS (
        SELECT FROM tenant_outcomes o
        WHERE o.period_start = month AND o.tenant_id = tenant AND o.outcome = 'parked'
      ) THEN 'passed'
    ELSE 'open' END
  -- The tenant's role sees its own only, and nothing without a tenant.
  WHERE current_setting('role') <> 'arcadia_tenant' OR tenant = scoped_tenant()
$$;
-- By default, every role can call a function.
REVOKE ALL ON FUNCTION month_end_state FROM PUBLIC;
GRANT EXECUTE ON FUNCTION month_end_state TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
