#!/bin/sh
# Run once by the PostgreSQL image, on an empty data directory.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres \
  --set migrator_password="$ARCADIA_MIGRATOR_PASSWORD" \
  --set app_password="$ARCADIA_APP_PASSWORD" \
  --file /deploy/roles.sql
