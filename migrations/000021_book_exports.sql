-- Up Migration

-- Which documents were exported to an accounting system, and in which export (docs/operations/export-to-xero.md). A
-- document is exported once. If it was superseded or voided afterwards, a later export reverses it, once. Nothing here
-- ever changes, so an export can be written again.

CREATE TABLE book_exports (
  -- 1, 2, … over all months, without a gap.
  export_id integer PRIMARY KEY CHECK (export_id > 0),
  period_start month_start NOT NULL,
  -- Whose mapping its documents have. A reversal has that of its document.
  seller_version integer NOT NULL REFERENCES seller_details,
  actor text NOT NULL,
  exported_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX book_exports_by_month ON book_exports (period_start);

CREATE TABLE book_export_documents (
  invoice_id uuid NOT NULL REFERENCES invoices,
  entry text NOT NULL CHECK (entry IN ('document', 'reversal')),
  export_id integer NOT NULL REFERENCES book_exports,
  -- Only what was exported can be reversed.
  reverses text GENERATED ALWAYS AS (CASE entry WHEN 'reversal' THEN 'document' END) STORED,
  PRIMARY KEY (invoice_id, entry),
  FOREIGN KEY (invoice_id, reverses) REFERENCES book_export_documents (invoice_id, entry)
);
CREATE INDEX book_export_documents_by_export ON book_export_documents (export_id);

-- Exports whose files were written completely. The next export of the month writes one that is not here first.
CREATE TABLE book_exports_written (
  export_id integer PRIMARY KEY REFERENCES book_exports,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER book_exports_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON book_exports
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER book_export_documents_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON book_export_documents
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER book_exports_written_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON book_exports_written
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Only the CLI exports.
GRANT SELECT ON book_exports, book_export_documents, book_exports_written TO arcadia_api, arcadia_readonly;
GRANT INSERT (export_id, period_start, seller_version, actor) ON book_exports TO arcadia_app;
GRANT INSERT (invoice_id, entry, export_id) ON book_export_documents TO arcadia_app;
GRANT INSERT (export_id) ON book_exports_written TO arcadia_app;
CALL isolate_tenants('book_export_documents', 'invoices', 'invoice_id');
