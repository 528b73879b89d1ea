-- Up Migration

-- Value types and the append-only trigger function that the tables share.
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
