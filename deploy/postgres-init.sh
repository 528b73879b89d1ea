#!/bin/sh
# The PostgreSQL image runs this once, on an empty data directory.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres \
  --set migrator_password="$ARCADIA_MIGRATOR_PASSWORD" \
  --set app_password="$ARCADIA_APP_PASSWORD" \
  --set api_password="$ARCADIA_API_PASSWORD" \
  --set worker_password="$ARCADIA_WORKER_PASSWORD" \
  --set readonly_password="$ARCADIA_READONLY_PASSWORD" \
  --set temporal_password="$TEMPORAL_DATABASE_PASSWORD" \
  --file /deploy/roles.sql --file /deploy/temporal-role.sql
