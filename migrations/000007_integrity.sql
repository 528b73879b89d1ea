-- Up Migration

-- What makes a month provable: revisions that are compared with what they replace,
-- changes of status that say who and why, events that an operator has excluded, and
-- a digest of every invoice as it was issued.

-- A forced request can ask for less (only what would come out differently) and for
-- more (an invoice beyond the safety bounds).
ALTER TABLE month_end_requests
  ADD COLUMN only_if_changed boolean NOT NULL DEFAULT false,
  ADD COLUMN accept_bounds boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT month_end_requests_options_are_of_force
    CHECK (kind = 'force' OR NOT (only_if_changed OR accept_bounds));

-- `unchanged`: the revision would have been the same, and the invoice stands.
ALTER TABLE month_end_request_tenants
  DROP CONSTRAINT month_end_request_tenants_outcome_check,
  DROP CONSTRAINT month_end_request_tenants_check,
  ADD CONSTRAINT month_end_request_tenants_outcome_check
    CHECK (outcome IN ('rolled', 'unchanged', 'refused', 'parked')),
  ADD CONSTRAINT month_end_request_tenants_invoice_check
    CHECK (coalesce(outcome IN ('rolled', 'unchanged'), false) = (invoice_id IS NOT NULL));
ALTER TABLE tenant_outcomes
  DROP CONSTRAINT tenant_outcomes_outcome_check,
  ADD CONSTRAINT tenant_outcomes_outcome_check
    CHECK (outcome IN ('rolled', 'skipped', 'unchanged', 'parked'));
ALTER TABLE invoice_drafts
  DROP CONSTRAINT invoice_drafts_state_check,
  ADD CONSTRAINT invoice_drafts_state_check
    CHECK (state IN ('open', 'issued', 'unchanged', 'abandoned'));
CREATE INDEX invoice_drafts_by_replaced ON invoice_drafts (replaces_invoice_id)
  WHERE replaces_invoice_id IS NOT NULL;

-- Who paid or voided an invoice, and why. An invoice leaves `issued` once.
CREATE TABLE invoice_status_changes (
  invoice_id uuid PRIMARY KEY REFERENCES invoices,
  status text NOT NULL CHECK (status IN ('paid', 'void')),
  actor text NOT NULL,
  -- For a payment, its reference, if there is one.
  reason text CHECK (reason IS NOT NULL OR status = 'paid'),
  changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION invoices_change_status_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM invoice_status_changes c
    WHERE c.invoice_id = NEW.invoice_id AND c.status = NEW.status
  ) THEN
    RAISE EXCEPTION 'invoice % became % without a record of who did it', NEW.invoice_id, NEW.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_change_status_on_record AFTER UPDATE ON invoices
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.status IN ('paid', 'void') AND OLD.status <> NEW.status)
  EXECUTE FUNCTION invoices_change_status_on_record();
-- And the other way round: no record of what didn't happen.
CREATE FUNCTION invoice_status_changes_happen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM invoices i WHERE i.invoice_id = NEW.invoice_id AND i.status = NEW.status
  ) THEN
    RAISE EXCEPTION 'invoice % is not %', NEW.invoice_id, NEW.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoice_status_changes_happen AFTER INSERT ON invoice_status_changes
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION invoice_status_changes_happen();

-- How a revision differs from what it replaces, line by line; equal lines have no row.
CREATE TABLE invoice_line_changes (
  invoice_id uuid NOT NULL REFERENCES invoices,
  change_no integer NOT NULL CHECK (change_no > 0),
  change text NOT NULL CHECK (change IN ('added', 'removed', 'changed')),
  replaced_invoice_id uuid NOT NULL REFERENCES invoices,
  -- The line before, and the line after.
  replaced_line_no integer,
  line_no integer,
  PRIMARY KEY (invoice_id, change_no),
  FOREIGN KEY (replaced_invoice_id, replaced_line_no) REFERENCES invoice_lines,
  FOREIGN KEY (invoice_id, line_no) REFERENCES invoice_lines,
  CHECK ((change = 'added') = (replaced_line_no IS NULL)),
  CHECK ((change = 'removed') = (line_no IS NULL))
);

-- SHA-256 of all that an issued invoice says and must go on saying.
CREATE FUNCTION invoice_digest(id uuid) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(jsonb_build_array(
    i.invoice_id, i.tenant_id, i.period_start, i.period_end, i.revision, i.tenant_seq, i.number,
    i.currency, i.subtotal_cents, i.tax_cents, i.total_cents,
    extract(epoch FROM i.issued_at), i.replaces_invoice_id, i.request_id, i.actor, i.reason,
    (
      SELECT jsonb_agg(jsonb_build_array(l.line_no, l.deployment_id, l.subscription_id, l.kind,
        l.resource_kind, l.description, trim_scale(l.qty)::text, l.unit, l.unit_price_cents,
        l.amount_cents, l.meta) ORDER BY l.line_no)
      FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
    )
  )::text, 'UTF8'))
  FROM invoices i WHERE i.invoice_id = id
$$;
CREATE TABLE invoice_digests (
  invoice_id uuid PRIMARY KEY REFERENCES invoices,
  digest bytea NOT NULL CHECK (length(digest) = 32)
);
-- Invoices from before this migration: as they are now.
INSERT INTO invoice_digests SELECT invoice_id, invoice_digest(invoice_id) FROM invoices;

-- An event that an operator has taken out of billing: it stays where it is, and
-- visible, but what it added to its bucket no longer counts.
CREATE TABLE usage_exclusions (
  exclusion_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  event_id text NOT NULL,
  tenant_id external_id NOT NULL REFERENCES tenants,
  bucket_id bigint NOT NULL REFERENCES usage_buckets,
  -- What no longer counts: exact cents, or a quantity. Of a correction, all that is
  -- left of the records that it has replaced.
  amount numeric NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  excluded_at timestamptz NOT NULL DEFAULT now(),
  -- The draft or invoice that is the first to leave it out. Null: none has yet; an
  -- invoice that holds the bucket then still bills the event, until a re-run.
  applied_to uuid REFERENCES invoice_drafts,
  UNIQUE (source, event_id)
);
CREATE INDEX usage_exclusions_by_bucket ON usage_exclusions (bucket_id);
CREATE INDEX usage_exclusions_by_tenant ON usage_exclusions (tenant_id, exclusion_id);
CREATE INDEX usage_exclusions_applied ON usage_exclusions (applied_to) WHERE applied_to IS NOT NULL;

-- What an invoice left out; kept for superseded invoices too, as `invoice_usage` is.
CREATE TABLE invoice_exclusions (
  invoice_id uuid NOT NULL REFERENCES invoices,
  exclusion_id bigint NOT NULL REFERENCES usage_exclusions,
  PRIMARY KEY (invoice_id, exclusion_id)
);

-- `excluded`: LLM usage of which every event was excluded, so that it has no line.
ALTER TABLE invoice_usage
  DROP CONSTRAINT invoice_usage_disposition_check,
  ADD CONSTRAINT invoice_usage_disposition_check CHECK (disposition IN
    ('billed', 'within_allowance', 'unpriced_kind', 'no_subscription', 'excluded'));
CREATE INDEX invoice_usage_by_line ON invoice_usage (invoice_id, line_no) WHERE line_no IS NOT NULL;

-- A sealed bucket's sum never changes, and what an invoice holds goes to the revision
-- that replaces it and nowhere else.
CREATE OR REPLACE FUNCTION usage_buckets_stay_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER invoice_status_changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_status_changes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_line_changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_line_changes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_digests_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_digests
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_exclusions_are_kept BEFORE DELETE OR TRUNCATE ON usage_exclusions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_exclusions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_exclusions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON invoice_status_changes, invoice_line_changes, invoice_digests,
  usage_exclusions, invoice_exclusions TO arcadia_app;
GRANT UPDATE (applied_to) ON usage_exclusions TO arcadia_app;
