-- Up Migration

-- What is sold and at which prices: immutable plan versions with their units, and addons (docs/spec.md#terms).

-- What a price is for (docs/spec.md#units). src/domain/units.ts has the same built-in units.
CREATE TABLE units (
  unit_code external_id PRIMARY KEY,
  -- Base units (tokens, hours, ...) per unit.
  factor numeric NOT NULL CHECK (factor > 0 AND factor < 1e12 AND min_scale(factor) <= 12),
  -- What documents call one of them, and several. They have their own words for built-in units.
  label text,
  label_plural text,
  is_built_in boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (is_built_in = (label IS NULL)),
  CHECK (label IS NOT NULL OR label_plural IS NULL),
  CHECK (unit_code NOT IN ('month', 'request', 'item', 'credit', 'invoice'))
);
-- `GB` beside `gb` would be mistaken for it.
CREATE UNIQUE INDEX units_differ_beyond_case ON units (lower(unit_code));
INSERT INTO units (unit_code, factor, is_built_in) VALUES
  ('1k_tokens', 1000, true), ('1m_tokens', 1000000, true), ('hour', 1, true), ('gb_month', 1, true),
  ('gb', 1, true), ('zone', 1, true), ('snapshot', 1, true);
CREATE TRIGGER units_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON units
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE plans (
  plan_code external_id PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE plan_versions (
  plan_version_id text GENERATED ALWAYS AS (plan_code || '-v' || version::text) STORED PRIMARY KEY,
  plan_code external_id NOT NULL REFERENCES plans,
  version integer NOT NULL CHECK (version > 0),
  -- What documents call the plan; null: its code in words.
  name text,
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
  -- What documents call the resource kind; null: its code in words.
  name text,
  included_qty quantity,
  overage_price_cents unit_price,
  -- Null: the price is for one base unit, which has no name.
  overage_unit text REFERENCES units,
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
  -- What documents call it; null: its code in words.
  name text,
  resource_kind text NOT NULL,
  qty quantity NOT NULL,
  price_cents cents NOT NULL CHECK (price_cents >= 0),
  updated_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT ON units, plans, plan_versions, plan_items, addons TO arcadia_api, arcadia_readonly, arcadia_tenant;
GRANT SELECT ON units, plan_versions, plan_items TO arcadia_worker;
GRANT INSERT ON units, plans, plan_versions, plan_items, addons TO arcadia_api;
GRANT UPDATE (name, resource_kind, qty, price_cents, updated_at) ON addons TO arcadia_api;
