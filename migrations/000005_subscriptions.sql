-- Up Migration

-- Which deployment is on which plan version, with which addons, and when (docs/spec.md#terms).

-- Lets the exclusion constraints below compare ids for equality.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE deployments (
  deployment_id external_id PRIMARY KEY,
  tenant_id external_id NOT NULL REFERENCES tenants,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, deployment_id)
);
GRANT SELECT ON deployments TO arcadia_api, arcadia_readonly;
GRANT INSERT ON deployments TO arcadia_api;
CALL isolate_tenants('deployments');

-- One deployment on one plan version over [starts_at, ends_at). The month end reads these instants and never
-- the status, so a late run bills what a punctual one would have billed (docs/spec.md#month-end).
CREATE TABLE subscriptions (
  subscription_id external_id PRIMARY KEY,
  tenant_id external_id NOT NULL,
  deployment_id external_id NOT NULL,
  -- Null if the platform has not named a plan yet: the month end parks the tenant rather than guess a price.
  plan_version_id text REFERENCES plan_versions,
  starts_at timestamptz,
  ends_at timestamptz,
  status text GENERATED ALWAYS AS (
    CASE WHEN starts_at IS NULL THEN 'pending' WHEN ends_at IS NULL THEN 'active' ELSE 'cancelled' END
  ) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (tenant_id, deployment_id) REFERENCES deployments (tenant_id, deployment_id),
  CHECK (ends_at IS NULL OR (starts_at IS NOT NULL AND ends_at > starts_at)),
  -- Deferrable, so that it is checked at the end of a statement: one statement can move both the end of a
  -- subscription and the start of the next.
  CONSTRAINT subscriptions_one_at_a_time EXCLUDE USING gist
    (deployment_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (starts_at IS NOT NULL)
    DEFERRABLE
);
CREATE INDEX subscriptions_by_tenant ON subscriptions (tenant_id, deployment_id);
-- For paginated lists, ordered by id. A tenant has few subscriptions, so its list needs no index of its own.
CREATE INDEX subscriptions_by_deployment ON subscriptions (deployment_id, subscription_id);
CREATE INDEX subscriptions_by_status ON subscriptions (status, subscription_id);
GRANT SELECT ON subscriptions TO arcadia_api, arcadia_worker, arcadia_readonly;
-- A tenant's running month is composed from its subscriptions.
GRANT SELECT (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at) ON subscriptions
  TO arcadia_tenant;
GRANT INSERT, UPDATE (plan_version_id, starts_at, ends_at) ON subscriptions TO arcadia_api;
CALL isolate_tenants('subscriptions');

-- A snapshot of an addon, taken when it was attached: later changes to the catalogue do not affect it.
CREATE TABLE subscription_addons (
  subscription_id external_id NOT NULL REFERENCES subscriptions,
  position integer NOT NULL CHECK (position > 0),
  addon_code external_id NOT NULL,
  name text,
  resource_kind text NOT NULL,
  qty quantity NOT NULL,
  price_cents cents NOT NULL CHECK (price_cents >= 0),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz,
  -- Whether it may overlap another addon with the same code. Each is billed.
  allow_repeated boolean NOT NULL DEFAULT false,
  PRIMARY KEY (subscription_id, position),
  CHECK (ends_at IS NULL OR ends_at > starts_at),
  CONSTRAINT subscription_addons_once_at_a_time EXCLUDE USING gist
    (subscription_id WITH =, addon_code WITH =, tstzrange(starts_at, ends_at) WITH &&)
    WHERE (NOT allow_repeated) DEFERRABLE
);
GRANT SELECT ON subscription_addons TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (subscription_id, position, addon_code, name, resource_kind, qty, price_cents, starts_at, ends_at)
  ON subscription_addons TO arcadia_tenant;
GRANT INSERT, UPDATE (ends_at, allow_repeated) ON subscription_addons TO arcadia_api;
CALL isolate_tenants('subscription_addons', 'subscriptions', 'subscription_id');
