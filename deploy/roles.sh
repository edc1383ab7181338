#!/bin/sh
# Makes the app's role and database: neither superuser nor BYPASSRLS, so that row-level security binds it.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" --username postgres <<'SQL'
CREATE ROLE zusage LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE zusage OWNER zusage;
SQL
