-- Up Migration

-- Payments, the balance of each invoice, and which invoices were reported as overdue
-- (docs/spec.md#due-dates-and-payments).

-- Append-only: a reversal is another payment, with a negative amount. Paid, partly paid and the balance are derived
-- (`invoice_balances`), so that nothing can disagree with the payments (ADR 32).
CREATE TABLE payments (
  -- From outside. An id counts once, forever.
  payment_id text PRIMARY KEY CHECK (length(payment_id) BETWEEN 1 AND 200),
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  -- The invoice that the payment named. It counts for the live one of this month, which may be a revision of it.
  invoice_id uuid NOT NULL REFERENCES invoices,
  amount_cents cents NOT NULL CHECK (amount_cents <> 0),
  received_on date NOT NULL CHECK (isfinite(received_on)),
  method text,
  reference text,
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payments_by_month ON payments (tenant_id, period_start);
CREATE INDEX payments_by_time ON payments (recorded_at, payment_id);
CREATE INDEX payments_by_tenant ON payments (tenant_id, recorded_at, payment_id);

-- A payment names an invoice of its tenant and month, and an issued invoice stands for that month. The process that
-- records payments gives reasons; this trigger applies to every role.
CREATE FUNCTION payments_have_an_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM invoices i
    WHERE i.invoice_id = NEW.invoice_id AND i.tenant_id = NEW.tenant_id
      AND i.period_start = NEW.period_start AND i.kind = 'invoice'
  ) OR NOT EXISTS (
    SELECT FROM invoices i
    WHERE i.tenant_id = NEW.tenant_id AND i.period_start = NEW.period_start
      AND i.kind = 'invoice' AND i.superseded_by IS NULL AND i.status = 'issued'
  ) THEN
    RAISE EXCEPTION 'payment % has no issued invoice of % for %', NEW.payment_id, NEW.tenant_id, NEW.period_start
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payments_have_an_invoice BEFORE INSERT ON payments
  FOR EACH ROW EXECUTE FUNCTION payments_have_an_invoice();
CREATE TRIGGER payments_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is owed: one row per tenant and month with a live invoice. A void invoice has a total of 0. The reader's own
-- rights and row policies apply, so a tenant sees its own released invoices.
CREATE VIEW invoice_balances WITH (security_invoker = true) AS
SELECT i.tenant_id, i.period_start, i.invoice_id, i.status, i.currency, owed.total_cents,
  notes.cents AS notes_cents, paid.cents AS paid_cents, owed.balance_cents,
  -- Null until the month is released.
  (
    SELECT invoice_due_on(i.issued_on, r.released_on, i.payment_days) FROM releases r
    WHERE r.tenant_id = i.tenant_id AND r.period_start = i.period_start
  ) AS due_on,
  CASE
    WHEN owed.balance_cents <= 0 THEN 'paid'
    WHEN paid.cents > 0 THEN 'partly_paid'
    ELSE 'unpaid'
  END AS payment_status,
  paid.count + notes.count > 0 AS is_settled
FROM invoices i
CROSS JOIN LATERAL (
  SELECT coalesce(sum(p.amount_cents), 0)::bigint AS cents, count(*) AS count
  FROM payments p WHERE p.tenant_id = i.tenant_id AND p.period_start = i.period_start
) paid
CROSS JOIN LATERAL (
  SELECT coalesce(sum(n.total_cents), 0)::bigint AS cents, count(*) AS count
  FROM invoices n WHERE n.adjusts_invoice_id = i.invoice_id
) notes
CROSS JOIN LATERAL (
  SELECT t.cents AS total_cents, t.cents + notes.cents - paid.cents AS balance_cents
  FROM (SELECT CASE i.status WHEN 'void' THEN 0 ELSE i.total_cents END AS cents) t
) owed
WHERE i.kind = 'invoice' AND i.superseded_by IS NULL;

-- Invoices that were reported as overdue, each once.
CREATE TABLE overdue_notices (
  invoice_id uuid PRIMARY KEY REFERENCES invoices,
  due_on date NOT NULL,
  noticed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER overdue_notices_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON overdue_notices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The API records payments and writes their webhook events. A tenant does not see who recorded a payment.
GRANT SELECT ON payments TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (payment_id, tenant_id, period_start, invoice_id, amount_cents, received_on, method, reference,
  recorded_at) ON payments TO arcadia_tenant;
GRANT INSERT (payment_id, tenant_id, period_start, invoice_id, amount_cents, received_on, method, reference,
  actor) ON payments TO arcadia_api;
GRANT SELECT ON invoice_balances TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
GRANT SELECT ON overdue_notices TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT (invoice_id, due_on) ON overdue_notices TO arcadia_worker;
-- By the invoice, whose policy hides months that are not released.
CALL isolate_tenants('payments', 'invoices', 'invoice_id');
CALL isolate_tenants('overdue_notices', 'invoices', 'invoice_id');
