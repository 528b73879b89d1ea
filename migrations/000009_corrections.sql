-- Up Migration

-- Records of later changes to usage and invoices: excluded events, the differences of revisions, and invoices
-- that were voided.

-- An event that an operator excluded from billing (docs/spec.md#usage). It stays in its bucket and stays
-- visible, but the amount that it added no longer counts (ADR 7).
CREATE TABLE usage_exclusions (
  exclusion_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  event_id text NOT NULL,
  tenant_id external_id NOT NULL REFERENCES tenants,
  bucket_id bigint NOT NULL REFERENCES usage_buckets,
  -- The amount that no longer counts: exact cents, or a quantity. Excluding a correction also excludes what
  -- remains of the records that it replaced.
  amount numeric NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  excluded_at timestamptz NOT NULL DEFAULT now(),
  -- The draft, live invoice or adjustment note that leaves the event out. Null: none yet, and an invoice that holds
  -- the bucket bills the event until it is rerun. A note may leave out usage that its invoice holds.
  applied_to uuid REFERENCES invoice_drafts,
  UNIQUE (source, event_id)
);
CREATE INDEX usage_exclusions_by_bucket ON usage_exclusions (bucket_id);
CREATE INDEX usage_exclusions_by_tenant ON usage_exclusions (tenant_id, exclusion_id);
CREATE INDEX usage_exclusions_applied ON usage_exclusions (applied_to) WHERE applied_to IS NOT NULL;

-- The exclusions that an invoice applied. Kept for superseded invoices, like `invoice_usage`.
CREATE TABLE invoice_exclusions (
  invoice_id uuid NOT NULL REFERENCES invoices,
  exclusion_id bigint NOT NULL REFERENCES usage_exclusions,
  PRIMARY KEY (invoice_id, exclusion_id)
);

-- How a revision differs from the invoice that it replaces. Equal lines have no row.
CREATE TABLE invoice_line_changes (
  invoice_id uuid NOT NULL REFERENCES invoices,
  change_no integer NOT NULL CHECK (change_no > 0),
  change text NOT NULL CHECK (change IN ('added', 'removed', 'changed')),
  replaced_invoice_id uuid NOT NULL REFERENCES invoices,
  -- The line numbers before and after the change.
  replaced_line_no integer,
  line_no integer,
  PRIMARY KEY (invoice_id, change_no),
  FOREIGN KEY (replaced_invoice_id, replaced_line_no) REFERENCES invoice_lines,
  FOREIGN KEY (invoice_id, line_no) REFERENCES invoice_lines,
  CHECK ((change = 'added') = (replaced_line_no IS NULL)),
  CHECK ((change = 'removed') = (line_no IS NULL))
);

-- The actor and reason for each invoice that was voided. An invoice leaves `issued` once.
CREATE TABLE invoice_status_changes (
  invoice_id uuid PRIMARY KEY REFERENCES invoices,
  status text NOT NULL CHECK (status = 'void'),
  actor text NOT NULL,
  reason text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- Every void invoice must have a record.
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
  FOR EACH ROW WHEN (NEW.status = 'void' AND OLD.status <> NEW.status)
  EXECUTE FUNCTION invoices_change_status_on_record();
-- Every record must match a change that happened.
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

CREATE TRIGGER usage_exclusions_are_kept BEFORE DELETE OR TRUNCATE ON usage_exclusions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_exclusions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_exclusions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_line_changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_line_changes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_status_changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_status_changes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON usage_exclusions, invoice_exclusions TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT ON invoice_line_changes, invoice_status_changes TO arcadia_api, arcadia_readonly;
GRANT SELECT ON invoice_exclusions, invoice_line_changes TO arcadia_tenant;
GRANT SELECT (exclusion_id, source, event_id, tenant_id, bucket_id, amount) ON usage_exclusions
  TO arcadia_tenant;
GRANT INSERT (source, event_id, tenant_id, bucket_id, amount, actor, reason) ON usage_exclusions
  TO arcadia_api;
GRANT UPDATE (applied_to) ON usage_exclusions TO arcadia_worker;
GRANT INSERT ON invoice_exclusions, invoice_line_changes TO arcadia_worker;
GRANT INSERT ON invoice_status_changes TO arcadia_api;
CALL isolate_tenants('usage_exclusions');
CALL isolate_tenants('invoice_exclusions', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_line_changes', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_status_changes', 'invoices', 'invoice_id');
