-- Up Migration

-- What the tables share: value types, the append-only trigger function, the billing calendar.
--
-- Ids come from the platform, as text. They become part of workflow ids and URLs, so their alphabet is small.
-- Rows that belong to a tenant carry its tenant_id, so that the data can be distributed by tenant.

CREATE DOMAIN external_id AS text
  CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$');

-- ISO 4217 (list one, published 2026-01-01) without codes that have no minor unit. src/domain/currency.ts has
-- the same codes, with the number of decimals of each.
CREATE DOMAIN currency_code AS text CHECK (VALUE IN (
    'AED', 'AFN', 'ALL', 'AMD', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BHD',
    'BIF', 'BMD', 'BND', 'BOB', 'BOV', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF',
    'CHE', 'CHF', 'CHW', 'CLF', 'CLP', 'CNY', 'COP', 'COU', 'CRC', 'CUP', 'CVE', 'CZK', 'DJF',
    'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP',
    'GMD', 'GNF', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IQD', 'IRR',
    'ISK', 'JMD', 'JOD', 'JPY', 'KES', 'KGS', 'KHR', 'KMF', 'KPW', 'KRW', 'KWD', 'KYD', 'KZT',
    'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'LYD', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP',
    'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MXV', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR',
    'NZD', 'OMR', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'PYG', 'QAR', 'RON', 'RSD', 'RUB',
    'RWF', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN',
    'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TND', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH',
    'UGX', 'USD', 'USN', 'UYI', 'UYU', 'UYW', 'UZS', 'VED', 'VES', 'VND', 'VUV', 'WST', 'XAD',
    'XAF', 'XCD', 'XCG', 'XOF', 'XPF', 'YER', 'ZAR', 'ZMW', 'ZWG'
));

-- Minor units of a currency. Beyond 2^53 - 1, numbers in JSON and JavaScript are not exact
-- (docs/spec.md#money-and-quantities).
CREATE DOMAIN cents AS bigint
  CHECK (VALUE BETWEEN -9007199254740991 AND 9007199254740991);

CREATE DOMAIN month_start AS date
  CHECK (isfinite(VALUE) AND EXTRACT(DAY FROM VALUE) = 1);

-- PostgreSQL sorts NaN above infinity, so the upper bound excludes both.
CREATE DOMAIN quantity AS numeric
  CHECK (VALUE >= 0 AND VALUE < 'Infinity');

-- Minor units per unit of a resource: at most 16 digits before and 12 after the point, so that a product with a
-- quantity is exact (docs/spec.md#money-and-quantities).
CREATE DOMAIN unit_price AS numeric
  CHECK (VALUE >= 0 AND VALUE < 1e16 AND min_scale(VALUE) <= 12);

-- Australian Business Number without spaces. src/domain/abn.ts verifies the check digits.
CREATE DOMAIN abn AS text CHECK (VALUE ~ '^[1-9][0-9]{10}$');

-- One line each, from the street to the country.
CREATE DOMAIN address_lines AS text[] CHECK (cardinality(VALUE) BETWEEN 1 AND 6);

-- Trigger function of append-only tables. It applies to every role; rights are checked first.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- The billing time zone of the installation (docs/spec.md#billing-time-zone): one row. It can change until the
-- first usage or month-end request fixes it, because every month in the database is a month of this zone
-- (ADR 28).
CREATE TABLE billing_settings (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- IANA name. src/domain/time-zone.ts validates it.
  time_zone text NOT NULL,
  -- Set in front of the first usage or request; null: the zone can still change.
  fixed_at timestamptz
);
INSERT INTO billing_settings (time_zone) VALUES ('UTC');

-- The months of that zone, over `CALENDAR_YEARS` (src/domain/period.ts). Every component reads the boundaries
-- from here, so that time zone data of different versions can't disagree about them.
CREATE TABLE billing_months (
  month_start month_start PRIMARY KEY,
  starts_at timestamptz NOT NULL UNIQUE,
  ends_at timestamptz NOT NULL UNIQUE,
  CHECK (ends_at > starts_at)
);
INSERT INTO billing_months
SELECT first::date, first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC'
FROM generate_series(timestamp '2000-01-01', '2199-12-01', interval '1 month') AS months (first);

CREATE FUNCTION billing_zone_stays_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM billing_settings WHERE only_row AND fixed_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the billing time zone is fixed: % of % refused', TG_OP, TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER billing_settings_stay_fixed BEFORE UPDATE ON billing_settings
  FOR EACH ROW WHEN (OLD.fixed_at IS NOT NULL) EXECUTE FUNCTION billing_zone_stays_fixed();
CREATE TRIGGER billing_settings_are_kept BEFORE DELETE OR TRUNCATE ON billing_settings
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER billing_months_stay_fixed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON billing_months
  FOR EACH STATEMENT EXECUTE FUNCTION billing_zone_stays_fixed();

-- Returns the first day of the billing month of an instant; null outside of the stored months.
CREATE FUNCTION billing_month(at timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
  SELECT month_start::date FROM billing_months WHERE starts_at <= at AND ends_at > at
  ORDER BY starts_at DESC LIMIT 1
$$;

-- Returns the date of an instant in that zone, for dates of issue and the like. Which month an instant belongs to
-- is decided by billing_months alone.
CREATE FUNCTION billing_date(at timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
  SELECT (at AT TIME ZONE (SELECT time_zone FROM billing_settings WHERE only_row))::date
$$;

GRANT SELECT ON billing_settings, billing_months TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
GRANT UPDATE (fixed_at) ON billing_settings TO arcadia_api, arcadia_worker;
GRANT UPDATE (time_zone) ON billing_settings TO arcadia_app;
GRANT UPDATE (starts_at, ends_at) ON billing_months TO arcadia_app;
