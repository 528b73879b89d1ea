-- Creates the role and the two databases of a self-hosted Temporal server. Run it as a superuser before
-- deploy/temporal-schema.sh. Running it again sets the password again. The PostgreSQL cluster may be the one that
-- holds the books: the role can't connect to them. See docs/operations/temporal-cluster.md.
\set ON_ERROR_STOP on

SELECT 'CREATE ROLE temporal'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'temporal') \gexec
ALTER ROLE temporal LOGIN PASSWORD :'temporal_password';

SELECT format('CREATE DATABASE %I OWNER temporal', name)
FROM unnest(ARRAY['temporal', 'temporal_visibility']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
