-- Up Migration

-- Spend thresholds, and which of them were reported as reached (docs/spec.md#spend-thresholds, ADR 38).

-- A row for each time that a threshold was set. A change removes one row and adds another, so what was in force when
-- stays on record: calls of tenants' keys are not in the audit trail of operators' actions.
CREATE TABLE spend_thresholds (
  setting_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id external_id NOT NULL REFERENCES tenants,
  threshold_id external_id NOT NULL,
  -- In the tenant's currency, before tax.
  amount_cents cents CHECK (amount_cents > 0),
  -- Of the recurring charges of the month. 100 or less would be reached as soon as a month starts.
  percent_of_plan integer CHECK (percent_of_plan BETWEEN 101 AND 100000),
  set_by text NOT NULL,
  set_at timestamptz NOT NULL DEFAULT now(),
  removed_by text,
  removed_at timestamptz,
  CHECK (num_nonnulls(amount_cents, percent_of_plan) = 1),
  CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
-- In the order of the sweep.
CREATE UNIQUE INDEX spend_thresholds_in_force ON spend_thresholds (tenant_id, threshold_id)
  WHERE removed_at IS NULL;
-- For the number of settings in the last 24 hours.
CREATE INDEX spend_thresholds_by_time ON spend_thresholds (tenant_id, set_at);

-- A setting only changes by being removed, once.
CREATE FUNCTION spend_thresholds_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changing CONSTANT text[] := '{removed_by,removed_at}';
BEGIN
  IF OLD.removed_at IS NOT NULL OR (to_jsonb(NEW) - changing) IS DISTINCT FROM (to_jsonb(OLD) - changing) THEN
    RAISE EXCEPTION 'spend threshold % stays as it was set: it can only be removed, once', OLD.threshold_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER spend_thresholds_stay BEFORE UPDATE ON spend_thresholds
  FOR EACH ROW EXECUTE FUNCTION spend_thresholds_stay();
CREATE TRIGGER spend_thresholds_are_kept BEFORE DELETE OR TRUNCATE ON spend_thresholds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Sets a threshold and returns what that did. It refuses with `too_many` if the tenant has as many as it can have, and
-- with `too_often` if its thresholds were set as often as is possible in 24 hours. Calls for a tenant wait for each
-- other. It is a function because each of its statements has to see what the calls before it have committed, and
-- transactions in a tenant's scope keep one snapshot. It has the rights and policies of its caller.
CREATE FUNCTION set_spend_threshold(
  tenant text, threshold text, amount bigint, percent integer, most integer, most_a_day integer, actor text
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  is_same boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('spend thresholds of ' || tenant, 0));
  SELECT (th.amount_cents, th.percent_of_plan) IS NOT DISTINCT FROM (amount, percent) INTO is_same
  FROM spend_thresholds th
  WHERE th.tenant_id = tenant AND th.threshold_id = threshold AND th.removed_at IS NULL;
  IF is_same THEN
    RETURN 'unchanged';
  ELSIF is_same IS NULL AND most <= (
    SELECT count(*) FROM spend_thresholds th WHERE th.tenant_id = tenant AND th.removed_at IS NULL
  ) THEN
    RETURN 'too_many';
  ELSIF most_a_day <= (
    SELECT count(*) FROM spend_thresholds th WHERE th.tenant_id = tenant AND th.set_at > now() - interval '24 hours'
  ) THEN
    RETURN 'too_often';
  END IF;
  UPDATE spend_thresholds th SET removed_by = actor, removed_at = now()
  WHERE th.tenant_id = tenant AND th.threshold_id = threshold AND th.removed_at IS NULL;
  INSERT INTO spend_thresholds (tenant_id, threshold_id, amount_cents, percent_of_plan, set_by)
  VALUES (tenant, threshold, amount, percent, actor);
  RETURN CASE WHEN is_same IS NULL THEN 'added' ELSE 'changed' END;
END $$;

-- Thresholds that a month has reached. The constraint is the check that each is reported once: a threshold is an id and
-- what it says, so setting it again to what was already reported reports nothing.
CREATE TABLE threshold_notices (
  notice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  threshold_id external_id NOT NULL,
  amount_cents cents,
  percent_of_plan integer,
  -- The amount that the threshold came to, and what the running invoice came to when it was found to be reached.
  threshold_cents cents NOT NULL,
  reached_cents cents NOT NULL CHECK (reached_cents >= threshold_cents),
  reached_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(amount_cents, percent_of_plan) = 1),
  CONSTRAINT threshold_notices_once UNIQUE NULLS NOT DISTINCT
    (tenant_id, period_start, threshold_id, amount_cents, percent_of_plan)
);
CREATE TRIGGER threshold_notices_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON threshold_notices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Operators and tenants set thresholds. They are the only rows that a tenant's key writes.
GRANT SELECT ON spend_thresholds TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (tenant_id, threshold_id, amount_cents, percent_of_plan, set_at, removed_at) ON spend_thresholds
  TO arcadia_tenant;
GRANT INSERT (tenant_id, threshold_id, amount_cents, percent_of_plan, set_by), UPDATE (removed_by, removed_at)
  ON spend_thresholds TO arcadia_api, arcadia_tenant;
GRANT SELECT ON threshold_notices TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;
GRANT INSERT (tenant_id, period_start, threshold_id, amount_cents, percent_of_plan, threshold_cents, reached_cents)
  ON threshold_notices TO arcadia_worker;
CALL isolate_tenants('spend_thresholds');
CALL isolate_tenants('threshold_notices');

-- In addition to the policy for reading: a tenant sets and removes thresholds of its own.
CREATE POLICY own_tenant_removes ON spend_thresholds FOR UPDATE TO arcadia_tenant
  USING (tenant_id = scoped_tenant()) WITH CHECK (tenant_id = scoped_tenant());
CREATE POLICY own_tenant_sets ON spend_thresholds FOR INSERT TO arcadia_tenant
  WITH CHECK (tenant_id = scoped_tenant());
