-- Up Migration

-- The gateway's control totals: what it says it has sent, per deployment and day (docs/spec.md#control-totals,
-- ADR 37). They bill nothing; the month end compares them with the ledger.

-- Append-only: a corrected total is another revision.
CREATE TABLE control_totals (
  tenant_id external_id NOT NULL,
  deployment_id external_id NOT NULL,
  -- In the billing time zone.
  day date NOT NULL CHECK (isfinite(day)),
  -- Counted from 1. The highest one counts.
  revision integer NOT NULL CHECK (revision >= 1),
  requests bigint NOT NULL CHECK (requests >= 0),
  charge_cents numeric(24, 12) NOT NULL CHECK (charge_cents >= 0 AND charge_cents < 'Infinity'),
  actor text NOT NULL,
  stated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, day, deployment_id, revision),
  FOREIGN KEY (tenant_id, deployment_id) REFERENCES deployments (tenant_id, deployment_id),
  CHECK (requests > 0 OR charge_cents = 0)
);
-- For a month of all tenants.
CREATE INDEX control_totals_by_day ON control_totals (day);
CREATE TRIGGER control_totals_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON control_totals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Differences that an operator accepted. Only this revision of the total and exactly this usage are accepted: a
-- corrected total, or usage that arrives later, needs another acceptance.
CREATE TABLE control_total_acceptances (
  tenant_id external_id NOT NULL,
  deployment_id external_id NOT NULL,
  day date NOT NULL,
  revision integer NOT NULL,
  ledger_requests bigint NOT NULL,
  ledger_charge_cents numeric NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  accepted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, day, deployment_id, revision, ledger_requests, ledger_charge_cents),
  FOREIGN KEY (tenant_id, day, deployment_id, revision) REFERENCES control_totals
);
CREATE TRIGGER control_total_acceptances_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON control_total_acceptances
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Counts and sums the LLM events of buckets by day. The worker, which can't read what single events say, compares them
-- with the control totals.
--   day_starts: the first instant of each day of the month, in order (src/domain/billing-calendar.ts)
--   day_no: counted from 1
CREATE FUNCTION llm_usage_by_day(month date, buckets bigint[], day_starts timestamptz[])
RETURNS TABLE (bucket bigint, day_no integer, requests bigint, charges numeric)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT e.bucket_id, greatest(width_bucket(e.occurred_at, day_starts), 1), count(*), sum(e.charge_cents)
  FROM (
    SELECT bucket_id, occurred_at, charge_cents FROM llm_usage_events WHERE bucket_id = ANY (buckets)
    UNION ALL
    SELECT bucket_id, occurred_at, charge_cents FROM llm_usage_archive
    WHERE service_month = month AND bucket_id = ANY (buckets)
  ) e
  GROUP BY 1, 2
$$;
-- By default, every role can call a function.
REVOKE ALL ON FUNCTION llm_usage_by_day FROM PUBLIC;
GRANT EXECUTE ON FUNCTION llm_usage_by_day TO arcadia_api, arcadia_worker, arcadia_readonly;

-- The API records totals and acceptances. Tenants see neither.
GRANT SELECT ON control_totals, control_total_acceptances TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT (tenant_id, deployment_id, day, revision, requests, charge_cents, actor) ON control_totals
  TO arcadia_api;
GRANT INSERT (tenant_id, deployment_id, day, revision, ledger_requests, ledger_charge_cents, actor, reason) ON control_total_acceptances TO arcadia_api;
CALL isolate_tenants('control_totals');
CALL isolate_tenants('control_total_acceptances');
