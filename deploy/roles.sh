#!/bin/sh
# Makes the app's database and the roles that use it, at the first start of a PostgreSQL, as its superuser.
#
# zusage         owns the database; neither superuser nor BYPASSRLS, so that row-level security binds it
# zusage_backup  reads everything past row-level security and writes nothing: pg_dump refuses to read less
#
# Each has a password of its own: ZUSAGE_DB_PASSWORD and BACKUP_DB_PASSWORD (letters and digits: it stands in a URL).
set -eu
psql -v ON_ERROR_STOP=1 -v app="${ZUSAGE_DB_PASSWORD:?}" -v backup="${BACKUP_DB_PASSWORD:?}" \
    --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE zusage LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app';
CREATE ROLE zusage_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'backup';
GRANT pg_read_all_data TO zusage_backup;
ALTER ROLE zusage_backup SET default_transaction_read_only = on;
CREATE DATABASE zusage OWNER zusage ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE zusage FROM PUBLIC;
GRANT CONNECT ON DATABASE zusage TO zusage_backup;
SQL
