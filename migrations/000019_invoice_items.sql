-- Up Migration

-- Invoice items: one-off charges and credits that a tenant's next invoices take (docs/spec.md#invoice-items, ADR 33).
-- An item never changes, except that it can be withdrawn while no invoice bills it. The line of an invoice that names
-- an item is the record of what that invoice takes of it; lines of superseded invoices don't count.

CREATE TABLE invoice_items (
  item_id external_id PRIMARY KEY,
  -- The order in which items were recorded.
  item_seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  tenant_id external_id NOT NULL REFERENCES tenants,
  -- The first month whose invoice can take it.
  period_start month_start NOT NULL,
  description text NOT NULL,
  -- A credit is negative.
  amount_cents cents NOT NULL CHECK (amount_cents <> 0),
  taxable boolean NOT NULL,
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  withdrawn_at timestamptz,
  withdrawn_by text,
  withdraw_reason text,
  -- What live invoices take of it, void ones included, because they hold their items until they are replaced. The
  -- triggers below keep it, so that a tenant's unbilled items are found without reading what was ever billed, and
  -- so that the constraints below hold for every writer.
  applied_cents cents NOT NULL DEFAULT 0,
  CONSTRAINT invoice_items_billed_at_most_once CHECK (
    CASE WHEN amount_cents > 0 THEN applied_cents IN (0, amount_cents)
      ELSE applied_cents BETWEEN amount_cents AND 0 END),
  CONSTRAINT invoice_items_withdrawn_unbilled CHECK (withdrawn_at IS NULL OR applied_cents = 0),
  CHECK (num_nulls(withdrawn_at, withdrawn_by, withdraw_reason) IN (0, 3))
);
CREATE INDEX invoice_items_by_tenant ON invoice_items (tenant_id, item_seq);
-- To verify a month.
CREATE INDEX invoice_items_by_month ON invoice_items (period_start);
-- Due tenants are those with such an item, among others.
CREATE INDEX invoice_items_unbilled ON invoice_items (tenant_id, period_start)
  WHERE withdrawn_at IS NULL AND applied_cents <> amount_cents;

-- An invoice takes an item in one line.
CREATE UNIQUE INDEX invoice_lines_of_items ON invoice_lines (invoice_id, item_id) WHERE item_id IS NOT NULL;
CREATE INDEX invoice_lines_by_item ON invoice_lines (item_id) WHERE item_id IS NOT NULL;

-- An item only changes by being withdrawn, once, or by what invoices take of it.
CREATE FUNCTION invoice_items_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - '{applied_cents,withdrawn_at,withdrawn_by,withdraw_reason}'::text[])
     IS DISTINCT FROM (to_jsonb(OLD) - '{applied_cents,withdrawn_at,withdrawn_by,withdraw_reason}'::text[])
    OR (OLD.withdrawn_at IS NOT NULL AND to_jsonb(NEW) IS DISTINCT FROM to_jsonb(OLD))
  THEN
    RAISE EXCEPTION 'invoice item % is recorded: it can only be withdrawn, once', OLD.item_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER invoice_items_stay BEFORE UPDATE ON invoice_items
  FOR EACH ROW EXECUTE FUNCTION invoice_items_stay();
CREATE TRIGGER invoice_items_are_kept BEFORE DELETE OR TRUNCATE ON invoice_items
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An invoice takes items of its own tenant, of its own month or earlier, and says what they say.
CREATE FUNCTION invoice_lines_take_items() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  taking bigint;
  taken bigint;
BEGIN
  SELECT count(*) INTO taking FROM new_lines WHERE item_id IS NOT NULL;
  IF taking = 0 THEN
    RETURN NULL;
  END IF;
  UPDATE invoice_items it SET applied_cents = it.applied_cents + n.amount_cents
  FROM new_lines n JOIN invoices i ON i.invoice_id = n.invoice_id
  WHERE n.item_id IS NOT NULL AND it.item_id = n.item_id AND it.tenant_id = i.tenant_id
    AND it.period_start <= i.period_start AND it.withdrawn_at IS NULL
    AND (it.taxable, it.description) = (n.taxable, n.description);
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> taking THEN
    RAISE EXCEPTION 'a line names an invoice item that its invoice cannot take'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_lines_take_items AFTER INSERT ON invoice_lines
  REFERENCING NEW TABLE AS new_lines
  FOR EACH STATEMENT EXECUTE FUNCTION invoice_lines_take_items();

-- A superseded invoice takes nothing any more: its successor can.
CREATE FUNCTION invoices_return_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE invoice_items it SET applied_cents = it.applied_cents - l.amount_cents
  FROM invoice_lines l
  WHERE l.invoice_id = NEW.invoice_id AND l.item_id IS NOT NULL AND it.item_id = l.item_id;
  RETURN NULL;
END $$;
CREATE TRIGGER invoices_return_items AFTER UPDATE OF superseded_by ON invoices
  FOR EACH ROW WHEN (OLD.superseded_by IS NULL AND NEW.superseded_by IS NOT NULL)
  EXECUTE FUNCTION invoices_return_items();

-- Operators record and withdraw items. Tenants see them as lines of their invoices and of the running month.
GRANT SELECT ON invoice_items TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (item_id, item_seq, tenant_id, period_start, description, amount_cents, taxable, applied_cents,
  withdrawn_at) ON invoice_items TO arcadia_tenant;
GRANT INSERT (item_id, tenant_id, period_start, description, amount_cents, taxable, actor) ON invoice_items
  TO arcadia_api;
GRANT UPDATE (withdrawn_at, withdrawn_by, withdraw_reason) ON invoice_items TO arcadia_api;
GRANT UPDATE (applied_cents) ON invoice_items TO arcadia_worker;
CALL isolate_tenants('invoice_items');
