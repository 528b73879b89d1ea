-- Up Migration

-- What is sold and at which prices: immutable plan versions, and addons (docs/spec.md#terms).

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
  -- What a part of a month costs: by days, or a full month or nothing.
  proration text NOT NULL CHECK (proration IN ('daily', 'none')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (plan_code, version)
);
CREATE TRIGGER plan_versions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_versions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The price of one resource kind (docs/spec.md#overage).
CREATE TABLE plan_items (
  plan_version_id text NOT NULL REFERENCES plan_versions,
  position integer NOT NULL CHECK (position > 0),
  resource_kind text NOT NULL,
  included_qty quantity,
  overage_price_cents unit_price,
  -- Null: the price is for one base unit, which has no name.
  overage_unit text CHECK (overage_unit IN ('1k_tokens', 'hour', 'gb_month', 'gb', 'zone', 'snapshot')),
  hard_cap_qty quantity,
  PRIMARY KEY (plan_version_id, position),
  UNIQUE (plan_version_id, resource_kind)
);
CREATE TRIGGER plan_items_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_items
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A plan version is immutable: all its items are inserted by one statement.
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

GRANT SELECT ON plans, plan_versions, plan_items, addons TO arcadia_api, arcadia_readonly, arcadia_tenant;
GRANT SELECT ON plan_versions, plan_items TO arcadia_worker;
GRANT INSERT ON plans, plan_versions, plan_items, addons TO arcadia_api;
GRANT UPDATE (resource_kind, qty, price_cents, updated_at) ON addons TO arcadia_api;
