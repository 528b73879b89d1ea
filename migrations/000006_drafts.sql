-- Up Migration

-- Drafts: each is one child workflow's attempt at one tenant's month. The invoice or adjustment note that a draft
-- becomes takes over its id, and the usage ledger seals usage for that id, so the ledger needs no change at issue.
-- Drafts are never deleted (ADR 1).

CREATE TABLE invoice_drafts (
  draft_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  -- issued: as an invoice or as an adjustment note, which has the draft's id.
  -- unchanged: the revision would have equalled the invoice that it was to replace, so that invoice stays live, or there
  -- was no difference for an adjustment note.
  -- nothing_to_bill: no lines, no usage and no invoice to replace.
  state text NOT NULL DEFAULT 'open'
    CHECK (state IN ('open', 'issued', 'unchanged', 'nothing_to_bill', 'abandoned')),
  -- The run of the child workflow that builds the draft. Only that run may write to it.
  owner text NOT NULL,
  -- When that run started. A run that started earlier never takes the draft over.
  owner_started_at timestamptz NOT NULL,
  -- The invoice that the draft is to replace, or to adjust if it is settled by then (a forced rerun). Its foreign key is
  -- in 000008_invoices.sql.
  replaces_invoice_id uuid,
  -- Whether that invoice was void when the draft was opened. If it is voided afterwards, the draft is refused.
  replaces_void boolean NOT NULL DEFAULT false,
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  -- Why it was abandoned.
  reason text,
  CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE UNIQUE INDEX invoice_drafts_one_open ON invoice_drafts (tenant_id, period_start) WHERE state = 'open';
-- Drafts that may have sealed usage to take over. Closed ones have none, and their number grows with every rerun.
CREATE INDEX invoice_drafts_unfinished ON invoice_drafts (tenant_id) WHERE state IN ('open', 'abandoned');
CREATE INDEX invoice_drafts_empty ON invoice_drafts (tenant_id, period_start) WHERE state = 'nothing_to_bill';
CREATE INDEX invoice_drafts_by_replaced ON invoice_drafts (replaces_invoice_id)
  WHERE replaces_invoice_id IS NOT NULL;
GRANT SELECT ON invoice_drafts TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT, UPDATE (state, closed_at, reason) ON invoice_drafts TO arcadia_worker;
-- For the adjustment note of a credit, whose draft is closed from the start.
GRANT INSERT (tenant_id, period_start, state, owner, owner_started_at, replaces_invoice_id, closed_at)
  ON invoice_drafts TO arcadia_api;
CALL isolate_tenants('invoice_drafts');
-- For the tenant's running month: which drafts hold usage that its invoice will take. In addition to the policy by tenant,
-- because the others tell of documents that may not be released.
GRANT SELECT (draft_id, tenant_id, period_start, state, opened_at) ON invoice_drafts TO arcadia_tenant;
CREATE POLICY unfinished ON invoice_drafts AS RESTRICTIVE FOR SELECT TO arcadia_tenant
  USING (state IN ('open', 'abandoned'));

-- The lines of a draft: one document per chunk that a step computed. Quotes come in ranges of deployments, LLM
-- usage in one chunk for all deployments. The first attempt at a chunk counts and later ones change nothing, so
-- chunks follow each other without a gap. Chunks are deleted when the draft is closed; the compositions are
-- copied to invoice_compositions first, if the draft is issued.
CREATE TABLE invoice_draft_chunks (
  draft_id uuid NOT NULL REFERENCES invoice_drafts,
  section text NOT NULL CHECK (section IN ('quote', 'llm')),
  -- Exclusive. Empty: from the first deployment.
  after_deployment text NOT NULL,
  -- Inclusive. Null: to the last deployment.
  up_to_deployment external_id,
  lines json NOT NULL,
  -- What the quotes were computed from, besides usage: the deployments with their billed subscriptions.
  deployments jsonb,
  PRIMARY KEY (draft_id, section, after_deployment),
  CHECK ((section = 'quote') = (deployments IS NOT NULL))
);
GRANT SELECT ON invoice_draft_chunks TO arcadia_worker, arcadia_readonly;
GRANT INSERT, DELETE ON invoice_draft_chunks TO arcadia_worker;
CALL isolate_tenants('invoice_draft_chunks', 'invoice_drafts', 'draft_id');
