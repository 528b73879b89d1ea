-- Up Migration

-- Invoices from before 000007 have no record of what it keeps from then on. Without one, the
-- verification of their months would find them wrong, and a revision would seem to say what its
-- predecessor said.

-- `paid` and `void` were set in SQL; nobody knows by whom.
INSERT INTO invoice_status_changes (invoice_id, status, actor, reason)
SELECT invoice_id, status, 'unknown', 'marked at an unknown time, before records were kept'
FROM invoices i
WHERE status IN ('paid', 'void')
  AND NOT EXISTS (SELECT FROM invoice_status_changes c WHERE c.invoice_id = i.invoice_id);

-- The differences of revisions, by the rules of `src/domain/line-changes.ts`. (Of a later revision
-- that has none stored there is none: it says the same.)
INSERT INTO invoice_line_changes
  (invoice_id, change_no, change, replaced_invoice_id, replaced_line_no, line_no)
WITH revision AS (
  SELECT invoice_id, replaces_invoice_id FROM invoices i
  WHERE replaces_invoice_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM invoice_line_changes c WHERE c.invoice_id = i.invoice_id)
), line AS (
  SELECT invoice_id, line_no,
    jsonb_build_array(deployment_id, kind, resource_kind, description) AS purpose,
    row_number() OVER (
      PARTITION BY invoice_id, deployment_id, kind, resource_kind, description ORDER BY line_no
    ) AS nth,
    jsonb_build_array(subscription_id, trim_scale(qty)::text, unit, unit_price_cents, amount_cents,
      meta) AS content
  FROM invoice_lines
  WHERE invoice_id IN (SELECT unnest(ARRAY[invoice_id, replaces_invoice_id]) FROM revision)
), before AS (
  SELECT r.invoice_id AS revision_id, l.* FROM revision r JOIN line l ON l.invoice_id = r.replaces_invoice_id
), after AS (
  SELECT r.invoice_id AS revision_id, l.* FROM revision r JOIN line l ON l.invoice_id = r.invoice_id
)
SELECT revision_id,
  row_number() OVER (PARTITION BY revision_id ORDER BY after.line_no NULLS LAST, before.line_no),
  CASE
    WHEN before.line_no IS NULL THEN 'added'
    WHEN after.line_no IS NULL THEN 'removed'
    ELSE 'changed' END,
  (SELECT r.replaces_invoice_id FROM revision r WHERE r.invoice_id = revision_id),
  before.line_no, after.line_no
FROM before FULL JOIN after USING (revision_id, purpose, nth)
WHERE before.content IS DISTINCT FROM after.content;
