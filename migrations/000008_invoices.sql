-- Up Migration

-- Invoices, their lines, and the usage that they bill. An invoice is issued completely or not at all, once per
-- tenant and period, and never changes afterwards except for its status (docs/spec.md#month-end). Adjustment notes,
-- which correct settled invoices (docs/spec.md#adjustment-notes), are rows of the same tables (ADR 30). A query says
-- which it means: `kind`, or the conditions of src/db/standing.ts.

CREATE TABLE invoices (
  invoice_id uuid PRIMARY KEY REFERENCES invoice_drafts,
  kind text NOT NULL DEFAULT 'invoice' CHECK (kind IN ('invoice', 'adjustment_note')),
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  period_end date NOT NULL,
  -- Of a note: its number among the notes of its invoice.
  revision integer NOT NULL CHECK (revision > 0),
  status text NOT NULL DEFAULT 'issued' CHECK (status IN ('issued', 'void', 'superseded')),
  -- Invoices and notes have a series each.
  tenant_seq bigint NOT NULL,
  number text NOT NULL,
  currency currency_code NOT NULL,
  subtotal_cents cents NOT NULL,
  -- The part of the subtotal that is taxed: all but invoice items that are not taxable.
  taxable_cents cents NOT NULL,
  tax_cents cents NOT NULL,
  total_cents cents NOT NULL,
  -- The subtotal by kind of line, so that the totals of months don't read lines.
  plan_base_cents cents NOT NULL DEFAULT 0,
  addon_cents cents NOT NULL DEFAULT 0,
  overage_cents cents NOT NULL DEFAULT 0,
  llm_usage_cents cents NOT NULL DEFAULT 0,
  item_cents cents NOT NULL DEFAULT 0,
  credit_cents cents NOT NULL DEFAULT 0,
  -- How it was taxed (docs/spec.md#tax): the tenant's treatment, whether the seller was registered for GST, and the
  -- tax in AUD of an invoice in another currency. No foreign key to the treatment, for the reason below.
  tax_treatment external_id NOT NULL,
  tax_label text NOT NULL,
  tax_rate numeric NOT NULL CHECK (tax_rate >= 0 AND tax_rate < 1),
  tax_note text,
  seller_registered boolean NOT NULL,
  aud_rate numeric CHECK (aud_rate > 0 AND aud_rate < 'Infinity'),
  aud_rate_source text,
  tax_aud_cents cents,
  -- The parties at issue, for the invoice's documents (ADR 18): the tenant's name, and the versions in force.
  -- Null if the tenant had no details or the seller was not known yet.
  buyer_name text NOT NULL,
  buyer_version integer,
  -- No foreign key: all invoices of all tenants would lock the same row, and versions can't be deleted.
  seller_version integer,
  issued_at timestamptz NOT NULL DEFAULT now(),
  -- What the due date follows from (docs/spec.md#release): the date of issue in the billing time zone, and the
  -- seller's payment days at that time.
  issued_on date NOT NULL DEFAULT billing_date(now()),
  payment_days integer NOT NULL CHECK (payment_days BETWEEN 0 AND 365),
  -- For a note: the invoice that it adjusts, and whether a forced rerun or an operator's credit made it.
  adjusts_invoice_id uuid REFERENCES invoices,
  note_origin text CHECK (note_origin IN ('rerun', 'credit')),
  -- For a revision: the invoice that it replaces. For a revision or a note: the request that asked for it, the actor and
  -- the reason.
  replaces_invoice_id uuid UNIQUE REFERENCES invoices,
  request_id text,
  actor text,
  reason text,
  -- What a note prints. A column of its own, because tenants can't read the reasons of forced revisions.
  note_reason text GENERATED ALWAYS AS (CASE WHEN kind = 'adjustment_note' THEN reason END) STORED,
  superseded_by uuid REFERENCES invoices DEFERRABLE INITIALLY DEFERRED,
  superseded_at timestamptz,
  UNIQUE (tenant_id, period_start, kind, revision),
  UNIQUE (tenant_id, kind, tenant_seq),
  FOREIGN KEY (tenant_id, buyer_version) REFERENCES buyer_details (tenant_id, version),
  CHECK (total_cents = subtotal_cents + tax_cents),
  CONSTRAINT invoices_kinds_add_up CHECK (subtotal_cents =
    plan_base_cents + addon_cents + overage_cents + llm_usage_cents + item_cents + credit_cents),
  CONSTRAINT invoices_taxed_by_treatment
    CHECK (kind = 'adjustment_note'
      OR tax_cents = CASE WHEN seller_registered THEN round(taxable_cents * tax_rate) ELSE 0 END),
  CONSTRAINT invoices_tax_in_aud CHECK (
    (currency <> 'AUD' AND tax_cents <> 0) = (tax_aud_cents IS NOT NULL)
    AND num_nulls(tax_aud_cents, aud_rate, aud_rate_source) IN (0, 3)),
  CHECK (period_end = (period_start + interval '1 month' - interval '1 day')::date),
  CHECK ((kind = 'adjustment_note' OR revision = 1) = (replaces_invoice_id IS NULL)),
  CONSTRAINT invoices_revisions_name_their_request CHECK (
    (kind = 'invoice' AND revision = 1)
    OR (request_id IS NOT NULL AND actor IS NOT NULL AND reason IS NOT NULL)),
  CONSTRAINT invoices_notes_adjust CHECK (
    num_nulls(adjusts_invoice_id, note_origin) = CASE kind WHEN 'adjustment_note' THEN 0 ELSE 2 END),
  CONSTRAINT invoices_notes_stay_issued CHECK (kind = 'invoice' OR status = 'issued'),
  -- A void invoice stays void when a later revision replaces it.
  CHECK (CASE status WHEN 'superseded' THEN superseded_by IS NOT NULL
    WHEN 'void' THEN true ELSE superseded_by IS NULL END),
  CHECK ((superseded_by IS NULL) = (superseded_at IS NULL))
);
-- Drafts and invoices refer to each other, so this key could not be created with the drafts.
ALTER TABLE invoice_drafts ADD FOREIGN KEY (replaces_invoice_id) REFERENCES invoices;

-- One live invoice per tenant and period. Not deferrable: the old invoice is superseded before the new one is
-- issued.
CREATE UNIQUE INDEX invoices_one_live ON invoices (tenant_id, period_start)
  WHERE kind = 'invoice' AND superseded_by IS NULL;
-- Numbers are unique, and found by their beginning.
CREATE UNIQUE INDEX invoices_by_number ON invoices (number text_pattern_ops);
CREATE INDEX invoices_notes ON invoices (adjusts_invoice_id, revision) WHERE adjusts_invoice_id IS NOT NULL;
-- One request makes at most one revision or note, however often it is retried (docs/spec.md#revisions).
CREATE UNIQUE INDEX invoices_one_per_request ON invoices (tenant_id, period_start, request_id)
  WHERE request_id IS NOT NULL;
-- Few rows: doctor looks for usage that void invoices hold.
CREATE INDEX invoices_void ON invoices (invoice_id) WHERE status = 'void' AND superseded_by IS NULL;
CREATE INDEX invoices_by_period ON invoices (period_start DESC, invoice_id DESC);
-- Covers the totals of months, so that 12 months of them don't read the table. Its condition is that of `standsUnvoided`
-- (src/db/standing.ts).
CREATE INDEX invoices_month_totals ON invoices (period_start, currency)
  INCLUDE (subtotal_cents, tax_cents, total_cents, plan_base_cents, addon_cents, overage_cents, llm_usage_cents,
    item_cents, credit_cents)
  WHERE kind = 'invoice' AND superseded_by IS NULL AND status <> 'void';

-- Numbers that this database never issues, because a database that was lost had issued them
-- (docs/operations/restore.md). They are the only gaps in a tenant's numbers.
CREATE TABLE skipped_invoice_numbers (
  tenant_id external_id NOT NULL REFERENCES tenants,
  -- Of which series.
  kind text NOT NULL CHECK (kind IN ('invoice', 'adjustment_note')),
  first_seq bigint NOT NULL CHECK (first_seq > 0),
  last_seq bigint NOT NULL CHECK (last_seq >= first_seq),
  actor text NOT NULL,
  reason text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, kind, first_seq)
);

CREATE TABLE invoice_lines (
  invoice_id uuid NOT NULL,
  line_no integer NOT NULL CHECK (line_no > 0),
  deployment_id external_id,
  subscription_id external_id,
  kind text NOT NULL CHECK (kind IN ('plan_base', 'addon', 'overage', 'llm_usage', 'item', 'credit', 'tax')),
  resource_kind text,
  description text NOT NULL,
  qty numeric NOT NULL,
  -- For overage: the unit of the plan item, unchanged, null included (docs/spec.md#overage).
  unit text CHECK (unit IS NOT NULL OR kind = 'overage'),
  unit_price_cents unit_price,
  amount_cents cents NOT NULL,
  meta jsonb NOT NULL DEFAULT '{}',
  -- Whether its amount is taxed. Only invoice items, and credits on those, can say otherwise.
  taxable boolean NOT NULL DEFAULT true CHECK (taxable OR kind IN ('item', 'credit')),
  -- Of kind `item`: the invoice item (000019_invoice_items.sql). Its amount is what this invoice takes of the item.
  item_id external_id,
  PRIMARY KEY (invoice_id, line_no),
  CHECK (CASE kind WHEN 'credit' THEN true ELSE (kind IN ('item', 'tax')) = (deployment_id IS NULL) END),
  CHECK ((kind = 'item') = (item_id IS NOT NULL))
);
-- For tenants with thousands of deployments, when usage is linked to lines.
CREATE INDEX invoice_lines_by_deployment ON invoice_lines (invoice_id, deployment_id);

-- What an invoice was composed from, besides the usage that it holds: its deployments, each with the
-- subscriptions that touched the period, their billed days and addons (src/domain/service-days.ts). With the
-- plan versions, which never change, every line can be recomputed from it, whatever has happened to the
-- subscriptions since. Copied from the draft's chunks, in their order. Kept for superseded invoices too.
CREATE TABLE invoice_compositions (
  invoice_id uuid NOT NULL,
  part integer NOT NULL CHECK (part > 0),
  deployments jsonb NOT NULL CHECK (jsonb_typeof(deployments) = 'array'),
  PRIMARY KEY (invoice_id, part),
  FOREIGN KEY (invoice_id) REFERENCES invoices
);

-- The usage that an invoice took from the ledger, and how it was treated. Kept for superseded invoices too,
-- although their buckets have moved to the successor. `excluded`: every event of the LLM usage was excluded, so
-- there is no line.
CREATE TABLE invoice_usage (
  invoice_id uuid NOT NULL,
  bucket_id bigint NOT NULL,
  line_no integer,
  disposition text NOT NULL CHECK (disposition IN
    ('billed', 'within_allowance', 'free_by_plan', 'unpriced_kind', 'no_subscription', 'excluded')),
  PRIMARY KEY (invoice_id, bucket_id),
  CHECK ((disposition = 'billed') = (line_no IS NOT NULL))
);
CREATE INDEX invoice_usage_by_bucket ON invoice_usage (bucket_id);
CREATE INDEX invoice_usage_by_line ON invoice_usage (invoice_id, line_no) WHERE line_no IS NOT NULL;
-- Few rows: doctor looks for the months that have them.
CREATE INDEX invoice_usage_unbilled ON invoice_usage (invoice_id)
  WHERE disposition IN ('unpriced_kind', 'no_subscription');

-- One statement writes all lines of an invoice, another all its usage, and neither ever changes. So the two
-- triggers below check references once per statement. Foreign keys would look up and lock a row for each line,
-- which took a quarter of the time of an invoice with 25,000 lines. Their checks on deletion are not needed:
-- nothing that these rows refer to can be deleted.

-- All lines arrive in one statement and add up to an existing invoice. Its kinds add up to its subtotal.
CREATE FUNCTION invoice_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong uuid;
BEGIN
  SELECT n.invoice_id INTO wrong
  FROM (
    SELECT invoice_id, count(*) AS n,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'plan_base'), 0) AS plan_base,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'addon'), 0) AS addon,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'overage'), 0) AS overage,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'llm_usage'), 0) AS llm_usage,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'item'), 0) AS item,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'credit'), 0) AS credit,
      coalesce(sum(amount_cents) FILTER (WHERE kind <> 'tax' AND taxable), 0) AS taxable,
      coalesce(sum(amount_cents) FILTER (WHERE kind = 'tax'), 0) AS tax
    FROM new_lines GROUP BY invoice_id
  ) n
  LEFT JOIN invoices i USING (invoice_id)
  WHERE n.plan_base IS DISTINCT FROM i.plan_base_cents
    OR n.addon IS DISTINCT FROM i.addon_cents
    OR n.overage IS DISTINCT FROM i.overage_cents
    OR n.llm_usage IS DISTINCT FROM i.llm_usage_cents
    OR n.item IS DISTINCT FROM i.item_cents
    OR n.credit IS DISTINCT FROM i.credit_cents
    OR n.taxable IS DISTINCT FROM i.taxable_cents
    OR n.tax IS DISTINCT FROM i.tax_cents
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

-- Usage rows must refer to an existing invoice and an existing line. This is stricter than foreign keys: the
-- bucket must also be sealed for that invoice.
CREATE FUNCTION invoice_usage_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong record;
BEGIN
  -- Looks up each row by its key. A join might be planned while the tables are small and then read all buckets
  -- of the invoice for each row.
  SELECT n.invoice_id, n.bucket_id INTO wrong
  FROM new_usage n
  WHERE n.invoice_id IS DISTINCT FROM (
      SELECT i.invoice_id FROM invoices i WHERE i.invoice_id = n.invoice_id)
    OR n.invoice_id IS DISTINCT FROM (
      SELECT b.sealed_for FROM usage_buckets b WHERE b.bucket_id = n.bucket_id)
    OR n.line_no IS DISTINCT FROM (
      SELECT l.line_no FROM invoice_lines l WHERE (l.invoice_id, l.line_no) = (n.invoice_id, n.line_no))
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'invoice % does not hold usage bucket %, or has no such line',
      wrong.invoice_id, wrong.bucket_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_usage_is_held AFTER INSERT ON invoice_usage
  REFERENCING NEW TABLE AS new_usage
  FOR EACH STATEMENT EXECUTE FUNCTION invoice_usage_is_held();

-- invoice_lines_add_up cannot catch an invoice without lines. Such an invoice must charge nothing. A revision then
-- reverses all that its predecessor charged (docs/spec.md#revisions), and a first invoice or a note must hold usage that
-- none of its lines charges for (docs/spec.md#month-end), or exclude some.
CREATE FUNCTION invoices_have_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM invoice_lines WHERE invoice_id = NEW.invoice_id)
    AND (NEW.subtotal_cents <> 0 OR NEW.taxable_cents <> 0 OR NEW.tax_cents <> 0 OR (NEW.replaces_invoice_id IS NULL
      AND NOT EXISTS (SELECT FROM invoice_usage WHERE invoice_id = NEW.invoice_id)
      AND NOT EXISTS (SELECT FROM invoice_exclusions WHERE invoice_id = NEW.invoice_id)))
  THEN
    RAISE EXCEPTION 'invoice % was issued without lines', NEW.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_have_lines AFTER INSERT ON invoices
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION invoices_have_lines();

-- Issued invoices are immutable except for the status changes below. Rights prevent the processes from changing
-- other columns; this trigger applies to every role.
CREATE FUNCTION invoices_change_status_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - '{status,superseded_by,superseded_at}'::text[])
     IS DISTINCT FROM (to_jsonb(OLD) - '{status,superseded_by,superseded_at}'::text[])
  THEN
    RAISE EXCEPTION 'invoice % is issued: only its status can change', OLD.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (OLD.status, NEW.status) NOT IN
    (('issued', 'superseded'), ('issued', 'void'))
    AND NOT (OLD.status = 'void' AND NEW.status = 'void' AND OLD.superseded_by IS NULL)
  THEN
    RAISE EXCEPTION 'invoice % cannot go from % to %', OLD.invoice_id, OLD.status, NEW.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  -- A settled invoice stays. Transactions that pay, adjust, replace or void an invoice lock its row and look again
  -- afterwards; this proves that they did.
  IF NEW.kind = 'invoice' AND NEW.status IN ('superseded', 'void') AND (
    EXISTS (SELECT FROM invoices n WHERE n.adjusts_invoice_id = OLD.invoice_id)
    OR EXISTS (
      SELECT FROM payments p WHERE p.tenant_id = OLD.tenant_id AND p.period_start = OLD.period_start
    )
  ) THEN
    RAISE EXCEPTION 'invoice % is settled: it cannot become %', OLD.invoice_id, NEW.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER invoices_change_status_only BEFORE UPDATE ON invoices
  FOR EACH ROW EXECUTE FUNCTION invoices_change_status_only();

-- Only the worker issues what runs compose. The API has the right to insert as well, for the adjustment notes of credits.
CREATE FUNCTION invoices_from_the_worker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pg_has_role(current_user, 'arcadia_worker', 'MEMBER') THEN
    RAISE EXCEPTION 'role % can only issue credits', current_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER invoices_from_the_worker BEFORE INSERT ON invoices
  FOR EACH ROW WHEN (NEW.note_origin IS DISTINCT FROM 'credit') EXECUTE FUNCTION invoices_from_the_worker();

-- A note adjusts the live invoice of its period, and brings the tax of the invoice and its notes to the tax of
-- what they charge together (docs/spec.md#adjustment-notes). Notes of an invoice are issued one after the other, because
-- their transactions lock the invoice.
CREATE FUNCTION invoices_notes_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  adjusted invoices%ROWTYPE;
  taxable numeric;
  tax numeric;
BEGIN
  SELECT * INTO adjusted FROM invoices WHERE invoice_id = NEW.adjusts_invoice_id;
  IF adjusted.kind <> 'invoice' OR adjusted.superseded_by IS NOT NULL OR adjusted.status = 'void'
    OR (adjusted.tenant_id, adjusted.period_start, adjusted.currency)
      IS DISTINCT FROM (NEW.tenant_id, NEW.period_start, NEW.currency)
    OR NEW.revision <> (SELECT count(*) FROM invoices n WHERE n.adjusts_invoice_id = adjusted.invoice_id)
  THEN
    RAISE EXCEPTION 'adjustment note % is not the next note of a live invoice', NEW.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT sum(d.taxable_cents), sum(d.tax_cents) INTO taxable, tax
  FROM invoices d WHERE adjusted.invoice_id IN (d.invoice_id, d.adjusts_invoice_id);
  IF tax <> (CASE WHEN NEW.seller_registered THEN round(taxable * NEW.tax_rate) ELSE 0 END) THEN
    RAISE EXCEPTION 'adjustment note % does not bring the tax to that of the subtotal', NEW.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoices_notes_add_up AFTER INSERT ON invoices
  FOR EACH ROW WHEN (NEW.kind = 'adjustment_note') EXECUTE FUNCTION invoices_notes_add_up();

-- Returns the SHA-256 of everything that an issued invoice says, which must never change.
CREATE FUNCTION invoice_digest(id uuid) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(jsonb_build_array(
    i.invoice_id, i.kind, i.tenant_id, i.period_start, i.period_end, i.revision, i.tenant_seq, i.number,
    i.currency, i.subtotal_cents, i.taxable_cents, i.tax_cents, i.total_cents,
    i.tax_treatment, i.tax_label, i.tax_rate::text, i.tax_note, i.seller_registered,
    i.aud_rate::text, i.aud_rate_source, i.tax_aud_cents,
    i.buyer_name, i.buyer_version, i.seller_version,
    extract(epoch FROM i.issued_at), i.issued_on, i.payment_days, i.adjusts_invoice_id, i.note_origin,
    i.replaces_invoice_id, i.request_id, i.actor, i.reason,
    (
      SELECT jsonb_agg(jsonb_build_array(l.line_no, l.deployment_id, l.subscription_id, l.kind,
        l.resource_kind, l.description, trim_scale(l.qty)::text, l.unit, trim_scale(l.unit_price_cents)::text,
        l.amount_cents, l.meta, l.taxable, l.item_id) ORDER BY l.line_no)
      FROM invoice_lines l WHERE l.invoice_id = i.invoice_id
    ),
    (
      SELECT jsonb_agg(c.deployments ORDER BY c.part)
      FROM invoice_compositions c WHERE c.invoice_id = i.invoice_id
    )
  )::text, 'UTF8'))
  FROM invoices i WHERE i.invoice_id = id
$$;
-- The digest of each invoice as it was issued.
CREATE TABLE invoice_digests (
  invoice_id uuid PRIMARY KEY REFERENCES invoices,
  digest bytea NOT NULL CHECK (length(digest) = 32)
);

CREATE TRIGGER invoices_are_kept BEFORE DELETE OR TRUNCATE ON invoices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_lines_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_lines
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_compositions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_compositions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_usage_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_usage
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER skipped_invoice_numbers_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE
  ON skipped_invoice_numbers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_digests_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_digests
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The worker issues and supersedes invoices. The API voids invoices; any other status change
-- needs another column to change as well. A tenant cannot see a rerun's actor or reason, nor what an invoice
-- was composed from, which are for operators only.
GRANT SELECT ON invoices, invoice_lines, invoice_compositions, invoice_usage TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT ON invoice_digests, skipped_invoice_numbers TO arcadia_api, arcadia_readonly;
GRANT INSERT (tenant_id, kind, first_seq, last_seq, actor, reason) ON skipped_invoice_numbers TO arcadia_app;
GRANT SELECT ON invoice_lines, invoice_usage TO arcadia_tenant;
GRANT SELECT (invoice_id, kind, tenant_id, period_start, period_end, revision, status, number, currency,
  subtotal_cents, taxable_cents, tax_cents, total_cents, tax_treatment, tax_label, tax_rate, tax_note, seller_registered,
  aud_rate, aud_rate_source, tax_aud_cents, buyer_name, buyer_version, seller_version, issued_at,
  issued_on, payment_days, adjusts_invoice_id, note_origin, note_reason, replaces_invoice_id, superseded_by,
  superseded_at) ON invoices TO arcadia_tenant;
GRANT INSERT ON invoices, invoice_lines, invoice_compositions, invoice_usage, invoice_digests
  TO arcadia_worker;
GRANT UPDATE (status, superseded_by, superseded_at) ON invoices TO arcadia_worker;
GRANT UPDATE (status) ON invoices TO arcadia_api;
-- The API issues the adjustment notes of credits, and nothing else (invoices_from_the_worker).
GRANT INSERT ON invoices, invoice_lines, invoice_digests TO arcadia_api;
CALL isolate_tenants('invoices');
CALL isolate_tenants('skipped_invoice_numbers');
CALL isolate_tenants('invoice_lines', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_compositions', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_usage', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_digests', 'invoices', 'invoice_id');
