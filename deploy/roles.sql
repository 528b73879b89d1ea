-- The roles of a deployment, made once by a superuser. The migrator owns the
-- tables; the app's login gets the rights that migration 000006 grants to
-- arcadia_app, and no others.
\set ON_ERROR_STOP on
CREATE ROLE arcadia_migrator LOGIN CREATEROLE PASSWORD :'migrator_password';
CREATE ROLE arcadia_app LOGIN PASSWORD :'app_password';
CREATE DATABASE arcadia OWNER arcadia_migrator;
