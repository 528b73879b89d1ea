-- Creates the roles and the database of an installation. Run it as a superuser before the first migration.
-- Running it again sets the passwords again. docs/operations/install-and-configure.md says what each role is
-- for; the migrations grant their rights.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY['arcadia_migrator', 'arcadia_app', 'arcadia_api', 'arcadia_worker',
  'arcadia_readonly', 'arcadia_tenant']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

ALTER ROLE arcadia_migrator LOGIN PASSWORD :'migrator_password';
ALTER ROLE arcadia_app LOGIN PASSWORD :'app_password';
ALTER ROLE arcadia_api LOGIN PASSWORD :'api_password';
ALTER ROLE arcadia_worker LOGIN PASSWORD :'worker_password';
ALTER ROLE arcadia_readonly LOGIN PASSWORD :'readonly_password';

-- The CLI's role has the rights of both processes. The API switches to arcadia_tenant for calls with a
-- tenant's key, and has that role's rights at no other time.
GRANT arcadia_api, arcadia_worker TO arcadia_app WITH INHERIT TRUE, SET TRUE;
GRANT arcadia_tenant TO arcadia_api WITH INHERIT FALSE, SET TRUE;

SELECT 'CREATE DATABASE arcadia OWNER arcadia_migrator'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'arcadia') \gexec
REVOKE ALL ON DATABASE arcadia FROM PUBLIC;
GRANT CONNECT ON DATABASE arcadia TO arcadia_app, arcadia_api, arcadia_worker, arcadia_readonly;
