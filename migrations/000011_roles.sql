-- Up Migration

-- A role for each process, with the rights that its SQL needs, and row level security for what a
-- tenant's key may read. Rights first, policies behind them, triggers behind both. ADR 10.
--
-- `src/db/access/rights.ts` says the same in data, and test/db/roles.test.ts compares the two.

DO $$
BEGIN
  IF current_setting('server_version_num')::integer < 160000 THEN
    RAISE EXCEPTION 'PostgreSQL 16 or later is needed: memberships are granted with INHERIT and SET';
  END IF;
END $$;

-- Roles belong to the whole cluster. They may be there already: made by deploy/roles.sql, or by the
-- migration of another database, perhaps at this very moment.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['arcadia_api', 'arcadia_worker', 'arcadia_readonly', 'arcadia_tenant'] LOOP
    -- Asked first: who may create no role is refused one that exists, too.
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$;

-- arcadia_app is for the CLI and for set-ups with one login: both processes' rights, and beside them
-- only what the CLI alone does, which is making and ending keys. The API becomes arcadia_tenant for the calls of a tenant's key (SET ROLE), and must not have
-- that role's rights, or its policies, otherwise. So does an owner that serves the API itself.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('arcadia_api', 'arcadia_app', 'TRUE'),
      ('arcadia_worker', 'arcadia_app', 'TRUE'),
      ('arcadia_tenant', 'arcadia_api', 'FALSE'),
      ('arcadia_tenant', current_user::text, 'FALSE')
    ) AS w (role, member, inherits)
  LOOP
    CONTINUE WHEN pg_has_role(wanted.member, wanted.role, 'SET')
      AND (wanted.inherits = 'FALSE' OR pg_has_role(wanted.member, wanted.role, 'USAGE'));
    BEGIN
      EXECUTE format('GRANT %I TO %I WITH INHERIT %s, SET TRUE', wanted.role, wanted.member, wanted.inherits);
    EXCEPTION
      WHEN insufficient_privilege THEN
        -- A superuser made the roles. An owner that only migrates does without.
        IF wanted.member <> current_user THEN
          RAISE EXCEPTION '% has to be a member of %, and % may not grant that',
              wanted.member, wanted.role, current_user
            USING HINT = 'Run deploy/roles.sql as a superuser, then migrate again.';
        END IF;
    END;
  END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM arcadia_app;
REVOKE ALL ON SCHEMA public FROM arcadia_app;
-- A cluster that was upgraded from before PostgreSQL 15 lets everybody in.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;

-- The API: usage in, catalogue and subscriptions fed, an operator's decisions, on record; and the
-- reports. It builds no invoice, seals no usage, gives no number, and makes no key.
GRANT SELECT ON tenants, plans, plan_versions, plan_items, addons, deployments, subscriptions,
  subscription_addons, invoice_drafts, invoices, invoice_lines, invoice_usage, invoice_status_changes,
  invoice_line_changes, invoice_digests, invoice_exclusions, usage_buckets, llm_usage_events,
  metered_usage_records, usage_exclusions, month_end_requests, month_end_request_tenants,
  tenant_outcomes, api_keys, signing_secrets, operator_actions, schema_migrations TO arcadia_api;
GRANT INSERT ON plans, plan_versions, plan_items, addons, deployments, subscriptions,
  subscription_addons, llm_usage_events, metered_usage_records, invoice_status_changes
  TO arcadia_api;
GRANT INSERT (tenant_id, name, currency), UPDATE (name) ON tenants TO arcadia_api;
GRANT UPDATE (resource_kind, qty, price_cents, updated_at) ON addons TO arcadia_api;
GRANT UPDATE (plan_version_id, starts_at, ends_at) ON subscriptions TO arcadia_api;
GRANT UPDATE (ends_at, allow_repeated) ON subscription_addons TO arcadia_api;
GRANT INSERT (source, tenant_id, deployment_id, resource_kind, service_month, event_count, total),
  UPDATE (event_count, total) ON usage_buckets TO arcadia_api;
GRANT INSERT (source, event_id, tenant_id, bucket_id, amount, actor, reason) ON usage_exclusions
  TO arcadia_api;
-- Paid or void: for anything else another column would have to change as well.
GRANT UPDATE (status) ON invoices TO arcadia_api;
GRANT UPDATE (last_used_at) ON api_keys TO arcadia_api;
GRANT SELECT, INSERT, UPDATE (noticed_at) ON api_notices TO arcadia_api;
-- Not even the time of an action can be made up.
GRANT INSERT (actor, key_id, channel, action, target, input, input_sha256, input_bytes, request_id,
    month_request, tenant_ids, all_tenants, reason),
  UPDATE (outcome, status, detail) ON operator_actions TO arcadia_api, arcadia_worker;

GRANT INSERT ON api_keys, signing_secrets TO arcadia_app;
GRANT UPDATE (expires_at, revoked_at) ON api_keys TO arcadia_app;
GRANT UPDATE (revoked_at) ON signing_secrets TO arcadia_app;

-- The worker: requests, drafts, invoices, outcomes. It sees no key and no single event, and of the
-- actions on record only which door a request came through.
GRANT SELECT (action_id, actor, channel, request_id, month_request, outcome) ON operator_actions TO arcadia_worker;
GRANT SELECT ON tenants, plan_versions, plan_items, subscriptions, subscription_addons,
  invoice_drafts, invoice_draft_chunks, invoices, invoice_lines, invoice_usage, invoice_exclusions,
  usage_buckets, usage_exclusions, month_end_requests, month_end_request_tenants, tenant_outcomes,
  schema_migrations TO arcadia_worker;
GRANT INSERT ON invoice_drafts, invoice_draft_chunks, invoices, invoice_lines, invoice_line_changes,
  invoice_usage, invoice_exclusions, invoice_digests, month_end_requests, month_end_request_tenants,
  tenant_outcomes TO arcadia_worker;
GRANT UPDATE (last_invoice_seq) ON tenants TO arcadia_worker;
GRANT UPDATE (state, closed_at, reason) ON invoice_drafts TO arcadia_worker;
GRANT UPDATE (status, superseded_by, superseded_at) ON invoices TO arcadia_worker;
GRANT UPDATE (sealed_for) ON usage_buckets TO arcadia_worker;
GRANT UPDATE (applied_to) ON usage_exclusions TO arcadia_worker;
GRANT UPDATE (state, manifest, started_at, finished_at) ON month_end_requests TO arcadia_worker;
GRANT UPDATE (outcome, draft_id, invoice_id, reason) ON month_end_request_tenants TO arcadia_worker;
GRANT UPDATE (outcome, invoice_id, reason_type, reason, recorded_at) ON tenant_outcomes TO arcadia_worker;
-- A draft's lines are scratch paper; nothing else can be deleted.
GRANT DELETE ON invoice_draft_chunks TO arcadia_worker;

-- Support and reports: everything but the hashes of keys.
GRANT SELECT ON tenants, plans, plan_versions, plan_items, addons, deployments, subscriptions,
  subscription_addons, invoice_drafts, invoice_draft_chunks, invoices, invoice_lines, invoice_usage,
  invoice_status_changes, invoice_line_changes, invoice_digests, invoice_exclusions, usage_buckets,
  llm_usage_events, metered_usage_records, usage_exclusions, month_end_requests,
  month_end_request_tenants, tenant_outcomes, operator_actions, api_notices, schema_migrations
  TO arcadia_readonly;
GRANT SELECT (key_id, scope, tenant_id, label, created_at, revoked_at, expires_at, last_used_at,
  replaces_key_id) ON api_keys TO arcadia_readonly;

-- What a tenant's key reads: the catalogue, and of its own rows what the API shows. Who asked for a
-- re-run or marked an invoice, and why, is between operators.
GRANT SELECT ON plans, plan_versions, plan_items, addons, invoice_lines, invoice_line_changes,
  invoice_usage, invoice_exclusions, llm_usage_events, metered_usage_records TO arcadia_tenant;
GRANT SELECT (invoice_id, tenant_id, period_start, period_end, revision, status, number, currency,
  subtotal_cents, tax_cents, total_cents, issued_at, replaces_invoice_id, superseded_by, superseded_at)
  ON invoices TO arcadia_tenant;
GRANT SELECT (exclusion_id, source, event_id, tenant_id, bucket_id, amount) ON usage_exclusions
  TO arcadia_tenant;

-- Row level security. Who the rows are for is said once for a transaction, by `src/db/access/tenant-scope.ts`:
-- where nobody has, no row is anybody's.
CREATE FUNCTION scoped_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('arcadia.tenant_id', true), '')
$$;

-- Isolates a table's rows by their tenant_id, or, without one, by the parent that they belong to.
-- For this migration and for later ones: each table with tenants' rows needs it (CONTRIBUTING.md).
CREATE PROCEDURE isolate_tenants(isolated regclass, parent regclass DEFAULT NULL, parent_key name DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', isolated);
  -- For the owner too, who else would be left out; its policy lets it see all, for later backfills.
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', isolated);
  EXECUTE format(
    'CREATE POLICY engine ON %s TO CURRENT_USER, arcadia_api, arcadia_worker, arcadia_readonly
     USING (true) WITH CHECK (true)', isolated);
  EXECUTE format('CREATE POLICY own_tenant ON %s FOR SELECT TO arcadia_tenant USING (%s)', isolated,
    CASE
      WHEN parent IS NULL THEN 'tenant_id = scoped_tenant()'
      -- The parent's policy decides.
      ELSE format('EXISTS (SELECT FROM %1$s parent WHERE parent.%2$I = %3$s.%2$I)',
        parent, parent_key, isolated)
    END);
END $$;

CALL isolate_tenants('tenants');
CALL isolate_tenants('deployments');
CALL isolate_tenants('subscriptions');
CALL isolate_tenants('subscription_addons', 'subscriptions', 'subscription_id');
CALL isolate_tenants('invoice_drafts');
CALL isolate_tenants('invoice_draft_chunks', 'invoice_drafts', 'draft_id');
CALL isolate_tenants('invoices');
CALL isolate_tenants('invoice_lines', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_usage', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_status_changes', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_line_changes', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_digests', 'invoices', 'invoice_id');
CALL isolate_tenants('invoice_exclusions', 'invoices', 'invoice_id');
CALL isolate_tenants('usage_buckets');
CALL isolate_tenants('llm_usage_events');
CALL isolate_tenants('metered_usage_records');
CALL isolate_tenants('usage_exclusions');
CALL isolate_tenants('month_end_request_tenants');
CALL isolate_tenants('tenant_outcomes');
CALL isolate_tenants('api_keys');
CALL isolate_tenants('signing_secrets', 'api_keys', 'key_id');
CALL isolate_tenants('operator_actions', 'api_keys', 'key_id');
