-- Up Migration

-- Invoices, and the drafts that they are built from.
--
-- A draft is one attempt of one child workflow at one tenant's month. It gives
-- its id to the invoice that it becomes, it is never deleted, and what it sealed
-- in the usage ledger names it: so the ledger needs no change at issue.

CREATE TABLE invoice_drafts (
  draft_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'issued', 'abandoned')),
  -- The run of the child workflow that builds it: only that run may write to it.
  owner text NOT NULL,
  -- When that run started: a run that started earlier never takes over from it.
  owner_started_at timestamptz NOT NULL,
  -- The revision that it is going to replace (a forced re-run).
  replaces_invoice_id uuid,
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  -- Why it was abandoned.
  reason text,
  CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE UNIQUE INDEX invoice_drafts_one_open ON invoice_drafts (tenant_id, period_start) WHERE state = 'open';
CREATE INDEX invoice_drafts_unissued ON invoice_drafts (tenant_id) WHERE state <> 'issued';

CREATE TABLE invoices (
  invoice_id uuid PRIMARY KEY REFERENCES invoice_drafts,
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  period_end date NOT NULL,
  revision integer NOT NULL CHECK (revision > 0),
  status text NOT NULL DEFAULT 'issued' CHECK (status IN ('issued', 'paid', 'void', 'superseded')),
  tenant_seq bigint NOT NULL,
  number text NOT NULL UNIQUE,
  currency currency_code NOT NULL,
  subtotal_cents cents NOT NULL,
  tax_cents cents NOT NULL,
  total_cents cents NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  -- A forced revision: what it replaces, who asked, why, by which request.
  replaces_invoice_id uuid UNIQUE REFERENCES invoices,
  request_id text,
  actor text,
  reason text,
  superseded_by uuid REFERENCES invoices DEFERRABLE INITIALLY DEFERRED,
  superseded_at timestamptz,
  UNIQUE (tenant_id, period_start, revision),
  UNIQUE (tenant_id, tenant_seq),
  CHECK (total_cents = subtotal_cents + tax_cents),
  CHECK (period_end = (period_start + interval '1 month' - interval '1 day')::date),
  CHECK ((revision = 1) = (replaces_invoice_id IS NULL)),
  CONSTRAINT invoices_revisions_name_their_request CHECK (
    revision = 1 OR (request_id IS NOT NULL AND actor IS NOT NULL AND reason IS NOT NULL)),
  CHECK ((status = 'superseded') = (superseded_by IS NOT NULL)),
  CHECK ((superseded_by IS NULL) = (superseded_at IS NULL))
);
ALTER TABLE invoice_drafts
  ADD FOREIGN KEY (replaces_invoice_id) REFERENCES invoices;

-- Once per (tenant, period). Not deferrable: supersede first, then issue.
CREATE UNIQUE INDEX invoices_one_live ON invoices (tenant_id, period_start)
  WHERE status IN ('issued', 'paid', 'void');
-- The same request makes one revision, however often it is tried.
CREATE UNIQUE INDEX invoices_one_per_request ON invoices (tenant_id, period_start, request_id)
  WHERE request_id IS NOT NULL;
CREATE INDEX invoices_by_period ON invoices (period_start DESC, invoice_id DESC);

CREATE TABLE invoice_lines (
  invoice_id uuid NOT NULL REFERENCES invoices,
  line_no integer NOT NULL CHECK (line_no > 0),
  deployment_id external_id,
  subscription_id external_id,
  kind text NOT NULL CHECK (kind IN ('plan_base', 'addon', 'overage', 'llm_usage', 'tax')),
  resource_kind text,
  description text NOT NULL,
  qty numeric NOT NULL,
  -- The overage unit of the plan's item, as it is.
  unit text CHECK (unit IS NOT NULL OR kind = 'overage'),
  unit_price_cents cents,
  amount_cents cents NOT NULL,
  meta jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (invoice_id, line_no),
  CHECK ((kind = 'tax') = (deployment_id IS NULL))
);

-- For a tenant with thousands of deployments, whose usage is tied to its lines.
CREATE INDEX invoice_lines_by_deployment ON invoice_lines (invoice_id, deployment_id);

-- The lines of a draft, a document for each chunk that a step computed: of quotes, deployments after one up to
-- another; of LLM usage, all deployments at once. The first attempt at a chunk counts: a later one finds it and
-- changes nothing, so that chunks follow each other without a gap. Deleted when the draft is closed.
CREATE TABLE invoice_draft_chunks (
  draft_id uuid NOT NULL REFERENCES invoice_drafts,
  section text NOT NULL CHECK (section IN ('quote', 'llm')),
  -- Exclusive; empty: from the first deployment.
  after_deployment text NOT NULL,
  -- Inclusive; null: to the last one.
  up_to_deployment external_id,
  lines json NOT NULL,
  PRIMARY KEY (draft_id, section, after_deployment)
);

-- The lines of an invoice arrive in one statement and add up to its header.
CREATE FUNCTION invoice_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong uuid;
BEGIN
  SELECT n.invoice_id INTO wrong
  FROM (
    SELECT invoice_id, count(*) AS n,
      sum(amount_cents) FILTER (WHERE kind <> 'tax') AS subtotal,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'tax'), 0) AS tax
    FROM new_lines GROUP BY invoice_id
  ) n
  JOIN invoices i USING (invoice_id)
  WHERE n.subtotal IS DISTINCT FROM i.subtotal_cents
    OR n.tax <> i.tax_cents
    OR n.n <> (SELECT count(*) FROM invoice_lines l WHERE l.invoice_id = n.invoice_id)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the lines of invoice % do not add up to its header, or were added to later', wrong
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_lines_add_up AFTER INSERT ON invoice_lines
  REFERENCING NEW TABLE AS new_lines
  FOR EACH STATEMENT EXECUTE FUNCTION invoice_lines_add_up();

-- An invoice without lines would escape the check above. Only a revision may have none, and then charges
-- nothing: it takes back all that its predecessor charged.
CREATE FUNCTION invoices_have_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.replaces_invoice_id IS NULL OR NEW.subtotal_cents <> 0 OR NEW.tax_cents <> 0)
    AND NOT EXISTS (SELECT FROM invoice_lines WHERE invoice_id = NEW.invoice_id)
  THEN
    RAISE EXCEPTION 'invoice % was issued without lines', NEW.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_have_lines AFTER INSERT ON invoices
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION invoices_have_lines();

-- Issued invoices are immutable but for these changes of status. Rights keep the
-- app role out of the other columns; this holds for every role.
CREATE FUNCTION invoices_change_status_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - '{status,superseded_by,superseded_at}'::text[])
     IS DISTINCT FROM (to_jsonb(OLD) - '{status,superseded_by,superseded_at}'::text[])
  THEN
    RAISE EXCEPTION 'invoice % is issued: only its status can change', OLD.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (OLD.status, NEW.status) NOT IN
    (('issued', 'superseded'), ('issued', 'paid'), ('issued', 'void'))
  THEN
    RAISE EXCEPTION 'invoice % cannot go from % to %', OLD.invoice_id, OLD.status, NEW.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER invoices_change_status_only BEFORE UPDATE ON invoices
  FOR EACH ROW EXECUTE FUNCTION invoices_change_status_only();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_are_kept BEFORE DELETE OR TRUNCATE ON invoices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_lines_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_lines
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_versions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_versions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_items_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_items
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
