#!/bin/sh
# Makes the app's database and the roles that use it, as the superuser of a PostgreSQL: at its first start, and again
# after an upgrade of Zusage that needs another role. What is there already stays as it is.
#
# zusage         owns the database and migrates; nothing runs as it
# zusage_app     runs the app; its rights come from `manage.py grant_runtime zusage_app`, which zusage calls after migrate
# zusage_backup  reads everything past row-level security and writes nothing: pg_dump refuses to read less
#
# The first two are neither superuser nor BYPASSRLS, so that row-level security binds them. Each has a password of its
# own: ZUSAGE_DB_PASSWORD, APP_DB_PASSWORD and BACKUP_DB_PASSWORD (letters and digits: they stand in URLs).
set -eu
psql -v ON_ERROR_STOP=1 -v owner="${ZUSAGE_DB_PASSWORD:?}" -v app="${APP_DB_PASSWORD:?}" \
    -v backup="${BACKUP_DB_PASSWORD:?}" --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB %s PASSWORD %L', name, rights, password)
FROM (VALUES ('zusage', 'NOBYPASSRLS', :'owner'), ('zusage_app', 'NOBYPASSRLS', :'app'),
    ('zusage_backup', 'BYPASSRLS', :'backup')) AS wanted(name, rights, password)
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
GRANT pg_read_all_data TO zusage_backup;
ALTER ROLE zusage_backup SET default_transaction_read_only = on;
SELECT $$CREATE DATABASE zusage OWNER zusage ENCODING 'UTF8' TEMPLATE template0$$
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'zusage') \gexec
REVOKE ALL ON DATABASE zusage FROM PUBLIC;
GRANT CONNECT ON DATABASE zusage TO zusage_backup;
SQL
