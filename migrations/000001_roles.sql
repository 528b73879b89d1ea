-- Up Migration

-- Database roles and row-level security. Each process has a role with only the rights that its SQL needs. A
-- tenant's key is also restricted by row (ADR 10). The other migrations grant rights next to the tables that
-- they create. `src/db/access/rights.ts` lists all rights; test/db/roles.test.ts compares it with the database.

DO $$
BEGIN
  IF current_setting('server_version_num')::integer < 160000 THEN
    RAISE EXCEPTION 'PostgreSQL 16 or later is needed: memberships are granted with INHERIT and SET';
  END IF;
END $$;

-- Roles belong to the whole cluster. deploy/roles.sql or another database's migration may have created them
-- already, possibly concurrently.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY
    ARRAY['arcadia_app', 'arcadia_api', 'arcadia_worker', 'arcadia_readonly', 'arcadia_tenant']
  LOOP
    -- Check first: CREATE ROLE requires the privilege even if the role exists.
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$;

-- arcadia_app is for the CLI and for installations with one login: it has the rights of both processes, plus
-- those that only the CLI needs. The API switches to arcadia_tenant (SET ROLE) for the calls of a tenant's key.
-- It must not inherit that role, because then the tenant's policies would apply to the API's own queries. The
-- same holds for an owner that serves the API itself.
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
        -- A superuser created the roles. An owner that only runs migrations does not need the membership.
        IF wanted.member <> current_user THEN
          RAISE EXCEPTION '% has to be a member of %, and % may not grant that',
              wanted.member, wanted.role, current_user
            USING HINT = 'Run deploy/roles.sql as a superuser, then migrate again.';
        END IF;
    END;
  END LOOP;
END $$;

-- In a cluster that was created before PostgreSQL 15, every role may create tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant;

-- Lets each process check that the database has its migrations.
GRANT SELECT ON schema_migrations TO arcadia_api, arcadia_worker, arcadia_readonly;

-- Returns the tenant that the current transaction reads for, set by `src/db/access/tenant-scope.ts`. Null if
-- none is set; arcadia_tenant then sees no rows.
CREATE FUNCTION scoped_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('arcadia.tenant_id', true), '')
$$;

-- Isolates the rows of a table by tenant_id or, if it has no such column, by the parent row that they belong
-- to. Every table with tenants' rows needs it (CONTRIBUTING.md).
CREATE PROCEDURE isolate_tenants(isolated regclass, parent regclass DEFAULT NULL, parent_key name DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', isolated);
  -- Without this, policies do not apply to the owner. The `engine` policy shows the owner all rows, for later
  -- migrations.
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', isolated);
  EXECUTE format(
    'CREATE POLICY engine ON %s TO CURRENT_USER, arcadia_api, arcadia_worker, arcadia_readonly
     USING (true) WITH CHECK (true)', isolated);
  EXECUTE format('CREATE POLICY own_tenant ON %s FOR SELECT TO arcadia_tenant USING (%s)', isolated,
    CASE
      WHEN parent IS NULL THEN 'tenant_id = scoped_tenant()'
      -- The policy of the parent decides.
      ELSE format('EXISTS (SELECT FROM %1$s parent WHERE parent.%2$I = %3$s.%2$I)',
        parent, parent_key, isolated)
    END);
END $$;
