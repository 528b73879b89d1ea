-- Up Migration

-- Who sells and who buys, as an invoice's documents say it. Details are kept in versions: what changes is
-- a new one, and an invoice names the versions that it was issued with. So its documents never change.
-- ADR 18.

-- Australian Business Number, without blanks; its check digits are the feed's to check (src/domain/abn.ts).
CREATE DOMAIN abn AS text CHECK (VALUE ~ '^[1-9][0-9]{10}$');
-- From the street to the country, a line each.
CREATE DOMAIN address_lines AS text[] CHECK (cardinality(VALUE) BETWEEN 1 AND 6);

CREATE TABLE seller_details (
  version integer PRIMARY KEY CHECK (version > 0),
  legal_name text NOT NULL,
  trading_name text,
  abn abn NOT NULL,
  address address_lines NOT NULL,
  email text,
  -- Such as "Payable within 14 days", and where to.
  payment_terms text,
  payment_details text[] NOT NULL DEFAULT '{}',
  recorded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE buyer_details (
  tenant_id external_id NOT NULL REFERENCES tenants,
  -- 0: as this migration found the tenant, for the invoices of before.
  version integer NOT NULL CHECK (version >= 0),
  legal_name text NOT NULL,
  abn abn,
  address address_lines,
  -- To whose attention.
  contact text,
  email text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, version)
);

INSERT INTO buyer_details (tenant_id, version, legal_name) SELECT tenant_id, 0, name FROM tenants;

-- Without a name on invoices of before. Without a seller where none was known yet: it is the first one.
ALTER TABLE invoices
  ADD COLUMN buyer_name text,
  ADD COLUMN buyer_version integer,
  -- No foreign key: each invoice of everybody would lock the same row, and versions can't be deleted.
  ADD COLUMN seller_version integer,
  ADD FOREIGN KEY (tenant_id, buyer_version) REFERENCES buyer_details (tenant_id, version);

CREATE TRIGGER seller_details_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON seller_details
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER buyer_details_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON buyer_details
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON seller_details, buyer_details
  TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
GRANT INSERT ON seller_details, buyer_details TO arcadia_api;
GRANT SELECT (buyer_name, buyer_version, seller_version) ON invoices TO arcadia_tenant;
-- For invoices that don't name their buyer.
GRANT SELECT (tenant_id, name) ON tenants TO arcadia_tenant;
CALL isolate_tenants('buyer_details');
