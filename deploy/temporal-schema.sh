#!/bin/sh
# Creates the tables of Temporal's two databases, or updates them to the version of temporal-sql-tool. A schema that
# is up to date stays as it is. The tool reads SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_TLS….
set -eu
export SQL_PLUGIN=postgres12

# DATABASE SCHEMA
update() {
  temporal-sql-tool --database "$1" setup-schema --version 0.0
  temporal-sql-tool --database "$1" update-schema --schema-name "postgresql/v12/$2"
}

update temporal temporal
update temporal_visibility visibility
