-- Up Migration

-- What decides the tax of an invoice: treatments, which treatment a tenant has from which month on, the seller's
-- registration for GST, and exchange rates (docs/spec.md#tax). Nothing here ever changes. A correction is a further
-- row of the same month, and the last one counts. Invoices store what they were issued with.

CREATE TABLE tax_treatments (
  treatment_code external_id PRIMARY KEY,
  label text NOT NULL,
  -- As it was entered, so that "0.10" stays "0.10".
  rate numeric NOT NULL CHECK (rate >= 0 AND rate < 1 AND scale(rate) <= 6),
  note text,
  recorded_at timestamptz NOT NULL DEFAULT now()
);
-- The treatment of tenants to which no other is assigned. `DEFAULT_TREATMENT` in src/domain/invoice-totals.ts is the same.
INSERT INTO tax_treatments (treatment_code, label, rate) VALUES ('gst', 'GST', 0.10);

CREATE TABLE tenant_tax_treatments (
  tenant_id external_id NOT NULL REFERENCES tenants,
  from_month month_start NOT NULL,
  -- 1, and further numbers for corrections of the same month.
  entry integer NOT NULL CHECK (entry > 0),
  treatment_code external_id NOT NULL REFERENCES tax_treatments,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, from_month, entry)
);

-- The seller is registered until a row says otherwise.
CREATE TABLE gst_registrations (
  from_month month_start NOT NULL,
  entry integer NOT NULL CHECK (entry > 0),
  registered boolean NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (from_month, entry)
);

CREATE TABLE exchange_rates (
  from_currency currency_code NOT NULL,
  to_currency currency_code NOT NULL CHECK (to_currency <> from_currency),
  month month_start NOT NULL,
  entry integer NOT NULL CHECK (entry > 0),
  -- How many units of `to_currency` one unit of `from_currency` is worth.
  rate numeric NOT NULL CHECK (rate > 0 AND rate < 'Infinity' AND scale(rate) <= 12),
  -- Where the rate was published.
  source text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (from_currency, to_currency, month, entry)
);

CREATE TRIGGER tax_treatments_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON tax_treatments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tenant_tax_treatments_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON tenant_tax_treatments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER gst_registrations_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON gst_registrations
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exchange_rates_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange_rates
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A tenant's quote is taxed as its invoices are.
GRANT SELECT ON tax_treatments, tenant_tax_treatments, gst_registrations, exchange_rates
  TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
GRANT INSERT ON tax_treatments, tenant_tax_treatments, gst_registrations, exchange_rates TO arcadia_api;
CALL isolate_tenants('tenant_tax_treatments');
-- A treatment's note may say why another tenant is taxed as it is. A tenant reads the default one and its own.
ALTER TABLE tax_treatments ENABLE ROW LEVEL SECURITY;
ALTER TABLE tax_treatments FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON tax_treatments TO CURRENT_USER, arcadia_api, arcadia_worker, arcadia_readonly
  USING (true) WITH CHECK (true);
CREATE POLICY own_treatments ON tax_treatments FOR SELECT TO arcadia_tenant USING (
  treatment_code = 'gst' OR EXISTS (
    SELECT FROM tenant_tax_treatments a WHERE a.treatment_code = tax_treatments.treatment_code
  ));
