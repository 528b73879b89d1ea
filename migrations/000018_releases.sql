-- Up Migration

-- The release of a tenant's period (docs/spec.md#release). Before it, the tenant can't see the period's invoices and
-- adjustment notes, nor anything below them. Afterwards all of them are visible, later ones as well.

CREATE TABLE releases (
  tenant_id external_id NOT NULL REFERENCES tenants,
  period_start month_start NOT NULL,
  -- In the billing time zone.
  released_on date NOT NULL DEFAULT billing_date(now()),
  released_at timestamptz NOT NULL DEFAULT now(),
  -- Under `immediate`, the statement that issues the period's first invoice releases it as well, without a request.
  actor text NOT NULL,
  reason text NOT NULL,
  request_id text,
  -- By period first: what waits in a month is found without the releases of other months.
  PRIMARY KEY (period_start, tenant_id)
);
-- To repeat the answer of a request.
CREATE INDEX releases_by_request ON releases (period_start, request_id) WHERE request_id IS NOT NULL;
CREATE TRIGGER releases_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON releases
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Requests to release, also those that released nothing. The insert is the check that a request releases once.
CREATE TABLE release_requests (
  period_start month_start NOT NULL,
  request_id text NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (period_start, request_id)
);
CREATE TRIGGER release_requests_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON release_requests
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Returns the due date of an invoice; null while its period is not released. Takes columns of `invoices` and
-- `releases` rather than a row, because the tenant role may not read whole rows of `invoices`.
CREATE FUNCTION invoice_due_on(issued_on date, released_on date, payment_days integer)
RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN released_on IS NOT NULL THEN greatest(issued_on, released_on) + payment_days END
$$;

GRANT SELECT ON releases TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT SELECT (tenant_id, period_start, released_on, released_at) ON releases TO arcadia_tenant;
GRANT INSERT (tenant_id, period_start, actor, reason, request_id) ON releases TO arcadia_api, arcadia_worker;
GRANT SELECT ON release_requests TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT (period_start, request_id) ON release_requests TO arcadia_api, arcadia_worker;
CALL isolate_tenants('releases');

-- In addition to the policy by tenant. Tables below invoices follow, because their policies ask for their invoice.
CREATE POLICY released ON invoices AS RESTRICTIVE FOR SELECT TO arcadia_tenant USING (
  EXISTS (
    SELECT FROM releases r WHERE r.tenant_id = invoices.tenant_id AND r.period_start = invoices.period_start
  ));
