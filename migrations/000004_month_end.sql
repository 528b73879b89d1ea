-- Up Migration

-- Requests for a month, and what came of them. PostgreSQL keeps them, not the
-- workflow: they outlive it, and the same request id is the same request.

CREATE TABLE month_end_requests (
  request_seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  period_start month_start NOT NULL,
  request_id text NOT NULL,
  -- run: an ordinary pass. force: one that also rebuilds some or all invoices.
  kind text NOT NULL CHECK (kind IN ('run', 'force')),
  all_tenants boolean NOT NULL DEFAULT false,
  reason text,
  -- `key:<label>`, `cli:<user>`, `schedule`, or what a signal in the Web UI gave: `temporal:<name>`.
  actor text NOT NULL,
  -- SHA-256 of the canonical content: the same id with another content is refused.
  content_hash bytea NOT NULL,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'finished')),
  -- Counts and control totals of the pass that served it.
  manifest jsonb,
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  UNIQUE (period_start, request_id),
  CHECK ((state = 'finished') = (finished_at IS NOT NULL)),
  CHECK (kind = 'run' OR reason IS NOT NULL)
);
CREATE INDEX month_end_requests_open ON month_end_requests (period_start, request_seq) WHERE state <> 'finished';

-- The tenants that a forced request names (all of the due ones for "all").
CREATE TABLE month_end_request_tenants (
  request_seq bigint NOT NULL REFERENCES month_end_requests,
  -- As the operator typed it: it may be nobody's.
  tenant_id text NOT NULL,
  period_start month_start NOT NULL,
  -- Null: still to be served.
  outcome text CHECK (outcome IN ('rolled', 'refused', 'parked')),
  -- The draft that is serving it.
  draft_id uuid REFERENCES invoice_drafts,
  invoice_id uuid REFERENCES invoices,
  reason text,
  PRIMARY KEY (request_seq, tenant_id),
  CHECK ((outcome = 'rolled') = (outcome IS NOT NULL AND invoice_id IS NOT NULL)),
  CHECK (outcome IS NULL OR (outcome IN ('refused', 'parked')) = (reason IS NOT NULL))
);
CREATE INDEX month_end_request_tenants_pending
  ON month_end_request_tenants (tenant_id, period_start, request_seq) WHERE outcome IS NULL;

CREATE INDEX month_end_request_tenants_by_draft ON month_end_request_tenants (draft_id)
  WHERE draft_id IS NOT NULL;

-- The latest outcome of each tenant in a month.
CREATE TABLE tenant_outcomes (
  period_start month_start NOT NULL,
  tenant_id external_id NOT NULL REFERENCES tenants,
  outcome text NOT NULL CHECK (outcome IN ('rolled', 'skipped', 'parked')),
  invoice_id uuid REFERENCES invoices,
  -- A stable failure type, and a sentence that an operator can act on.
  reason_type text,
  reason text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (period_start, tenant_id),
  CHECK ((outcome = 'parked') = (invoice_id IS NULL)),
  CHECK ((outcome = 'parked') = (reason_type IS NOT NULL AND reason IS NOT NULL))
);
