-- Up Migration

-- An invoice's lines and usage are written by one statement each, and never change. What they refer to
-- is checked once a statement, too: a foreign key looks at each row by itself, and locks what it finds, and
-- of an invoice with 25,000 lines that took a quarter of the time. Nothing that they refer to can be
-- deleted (`refuse_change`), which is the other half of what foreign keys do.

-- The invoice of a line has to exist: its totals are looked at anyway.
CREATE OR REPLACE FUNCTION invoice_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
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
  LEFT JOIN invoices i USING (invoice_id)
  WHERE n.subtotal IS DISTINCT FROM i.subtotal_cents
    OR n.tax IS DISTINCT FROM i.tax_cents
    OR n.n <> (SELECT count(*) FROM invoice_lines l WHERE l.invoice_id = n.invoice_id)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the lines of invoice % do not add up to its header, or were added to later', wrong
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
ALTER TABLE invoice_lines DROP CONSTRAINT invoice_lines_invoice_id_fkey;

-- More than foreign keys could say: the bucket is sealed for this very invoice.
CREATE FUNCTION invoice_usage_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong record;
BEGIN
  -- Each is looked up by its key. A join could be planned while the tables are small, and read all
  -- buckets of the invoice for each of them.
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
ALTER TABLE invoice_usage
  DROP CONSTRAINT invoice_usage_invoice_id_fkey,
  DROP CONSTRAINT invoice_usage_bucket_id_fkey,
  DROP CONSTRAINT invoice_usage_invoice_id_line_no_fkey;
