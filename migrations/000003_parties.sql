-- Up Migration

-- Tenants, which are billed, and the parties of an invoice: the seller and each tenant's buyer. Party details
-- are versioned. An invoice names the versions that it was issued with, so its documents never change (ADR 18).

CREATE TABLE tenants (
  tenant_id external_id PRIMARY KEY,
  name text NOT NULL,
  currency currency_code NOT NULL,
  -- The tenant's last number, issued or skipped (skipped_invoice_numbers). There are no other gaps, because the
  -- transaction that issues the invoice takes the number.
  last_invoice_seq bigint NOT NULL DEFAULT 0,
  -- The same for its adjustment notes, whose numbers are a series of their own.
  last_note_seq bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON tenants TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (tenant_id, currency) ON tenants TO arcadia_tenant;
GRANT INSERT (tenant_id, name, currency), UPDATE (name, last_note_seq) ON tenants TO arcadia_api;
GRANT UPDATE (last_invoice_seq, last_note_seq) ON tenants TO arcadia_worker;
CALL isolate_tenants('tenants');

CREATE TABLE seller_details (
  version integer PRIMARY KEY CHECK (version > 0),
  legal_name text NOT NULL,
  trading_name text,
  abn abn NOT NULL,
  address address_lines NOT NULL,
  email text,
  -- For example "Payable within 14 days".
  payment_terms text,
  -- Where to pay, one line per element.
  payment_details text[] NOT NULL DEFAULT '{}',
  -- `review`: tenants see a period's invoices once an operator releases them (docs/spec.md#release).
  release text NOT NULL DEFAULT 'immediate' CHECK (release IN ('immediate', 'review')),
  -- From the later of issue and release until the due date.
  payment_days integer NOT NULL DEFAULT 14 CHECK (payment_days BETWEEN 0 AND 365),
  -- How exports map lines to Xero's accounts and tax names. Null: not set. src/catalogue/xero-settings.ts validates it.
  xero jsonb CHECK (jsonb_typeof(xero) = 'object'),
  recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER seller_details_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON seller_details
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON seller_details TO arcadia_api, arcadia_worker, arcadia_readonly;
-- Only what documents show.
GRANT SELECT (version, legal_name, trading_name, abn, address, email, payment_terms, payment_details)
  ON seller_details TO arcadia_tenant;
GRANT INSERT ON seller_details TO arcadia_api;

CREATE TABLE buyer_details (
  tenant_id external_id NOT NULL REFERENCES tenants,
  version integer NOT NULL CHECK (version > 0),
  legal_name text NOT NULL,
  abn abn,
  address address_lines,
  -- The person or department that the invoice is addressed to.
  contact text,
  email text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, version)
);
CREATE TRIGGER buyer_details_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON buyer_details
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON buyer_details TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
GRANT INSERT ON buyer_details TO arcadia_api;
CALL isolate_tenants('buyer_details');
