-- Up Migration

-- Who is billed, for what, and at which prices. docs/spec.md#terms.
--
-- Identifiers are the platform's own, as text: they go into workflow ids and
-- URLs, so the alphabet is kept small. Every table carries tenant_id where rows
-- belong to a tenant, so that the data can be distributed by tenant.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE DOMAIN external_id AS text
  CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$');
-- ISO 4217 (list one, published 2026-01-01), without codes that have no minor unit: the table in
-- src/domain/currency.ts, which says how many decimals each has.
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
-- Beyond 2^53 - 1 a number in JSON or JavaScript is no longer exact.
CREATE DOMAIN cents AS bigint
  CHECK (VALUE BETWEEN -9007199254740991 AND 9007199254740991);
CREATE DOMAIN month_start AS date
  CHECK (isfinite(VALUE) AND EXTRACT(DAY FROM VALUE) = 1);
-- In PostgreSQL's order NaN is above infinity, which is above every number.
CREATE DOMAIN quantity AS numeric
  CHECK (VALUE >= 0 AND VALUE < 'Infinity');

CREATE TABLE tenants (
  tenant_id external_id PRIMARY KEY,
  name text NOT NULL,
  currency currency_code NOT NULL,
  -- The last number given to an invoice of this tenant; numbers are gap-free
  -- because they are taken in the transaction that issues.
  last_invoice_seq bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE plans (
  plan_code external_id PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE plan_versions (
  plan_version_id text GENERATED ALWAYS AS (plan_code || '-v' || version::text) STORED PRIMARY KEY,
  plan_code external_id NOT NULL REFERENCES plans,
  version integer NOT NULL CHECK (version > 0),
  currency currency_code NOT NULL,
  base_price_cents cents NOT NULL CHECK (base_price_cents >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (plan_code, version)
);

CREATE TABLE plan_items (
  plan_version_id text NOT NULL REFERENCES plan_versions,
  position integer NOT NULL CHECK (position > 0),
  resource_kind text NOT NULL,
  included_qty quantity,
  overage_price_cents cents CHECK (overage_price_cents >= 0),
  -- Null: the price is for one base unit, which has no name.
  overage_unit text CHECK (overage_unit IN ('1k_tokens', 'hour', 'gb_month', 'gb', 'zone', 'snapshot')),
  hard_cap_qty quantity,
  PRIMARY KEY (plan_version_id, position),
  UNIQUE (plan_version_id, resource_kind)
);

-- A plan version is immutable: its items arrive with it, in one statement.
CREATE FUNCTION plan_items_arrive_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM plan_items
    WHERE plan_version_id IN (SELECT plan_version_id FROM new_items)
    GROUP BY plan_version_id
    HAVING count(*) <> (SELECT count(*) FROM new_items n WHERE n.plan_version_id = plan_items.plan_version_id)
  ) THEN
    RAISE EXCEPTION 'a plan version is immutable: no item can be added to it'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER plan_items_arrive_once AFTER INSERT ON plan_items
  REFERENCING NEW TABLE AS new_items
  FOR EACH STATEMENT EXECUTE FUNCTION plan_items_arrive_once();

CREATE TABLE addons (
  addon_code external_id PRIMARY KEY,
  resource_kind text NOT NULL,
  qty quantity NOT NULL,
  price_cents cents NOT NULL CHECK (price_cents >= 0),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE deployments (
  deployment_id external_id PRIMARY KEY,
  tenant_id external_id NOT NULL REFERENCES tenants,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, deployment_id)
);

-- One deployment on one plan version over [starts_at, ends_at). Month end reads
-- the instants and never the status, so that a late run bills what a punctual
-- one would have billed.
CREATE TABLE subscriptions (
  subscription_id external_id PRIMARY KEY,
  tenant_id external_id NOT NULL,
  deployment_id external_id NOT NULL,
  -- Null where the feeding platform names no plan yet: month end parks the
  -- tenant rather than guess a price.
  plan_version_id text REFERENCES plan_versions,
  starts_at timestamptz,
  ends_at timestamptz,
  status text GENERATED ALWAYS AS (
    CASE WHEN starts_at IS NULL THEN 'pending' WHEN ends_at IS NULL THEN 'active' ELSE 'cancelled' END
  ) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (tenant_id, deployment_id) REFERENCES deployments (tenant_id, deployment_id),
  CHECK (ends_at IS NULL OR (starts_at IS NOT NULL AND ends_at > starts_at)),
  -- Deferrable, so that it is checked after a statement: one may move the end of a subscription and
  -- the start of the next.
  CONSTRAINT subscriptions_one_at_a_time EXCLUDE USING gist
    (deployment_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (starts_at IS NOT NULL)
    DEFERRABLE
);
CREATE INDEX subscriptions_by_tenant ON subscriptions (tenant_id, deployment_id);

-- A snapshot of an addon, taken when it was attached: later changes of the
-- catalogue don't touch it.
CREATE TABLE subscription_addons (
  subscription_id external_id NOT NULL REFERENCES subscriptions,
  position integer NOT NULL CHECK (position > 0),
  addon_code external_id NOT NULL,
  resource_kind text NOT NULL,
  qty quantity NOT NULL,
  price_cents cents NOT NULL CHECK (price_cents >= 0),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz,
  -- Whether it may be in force beside another one of the same code: each is billed.
  allow_repeated boolean NOT NULL DEFAULT false,
  PRIMARY KEY (subscription_id, position),
  CHECK (ends_at IS NULL OR ends_at > starts_at),
  CONSTRAINT subscription_addons_once_at_a_time EXCLUDE USING gist
    (subscription_id WITH =, addon_code WITH =, tstzrange(starts_at, ends_at) WITH &&)
    WHERE (NOT allow_repeated) DEFERRABLE
);
