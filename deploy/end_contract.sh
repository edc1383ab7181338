#!/bin/sh
# Deletes a company for good after the end of its contract, its key and its ledger too, and prints what went.
#
#   end_contract.sh <slug>
#
# As the superuser (PGUSER=postgres): the ledger lets nobody else delete. PGHOST, PGPASSWORD and PGDATABASE name the
# database, MEDIA_ROOT the folder of uploads. Refuses a company that is still active: switch it off in Django admin
# first, after it has taken its data ("Contract and records", "Take everything with you").
# Backups forget it as they are overwritten in their turn. The output is the proof of deletion; keep it.
set -eu
slug=${1:?"usage: end_contract.sh <slug>"}
: "${PGDATABASE:?}"

found=$(psql -v ON_ERROR_STOP=1 -v slug="$slug" -At <<'SQL'
SELECT uid || ' ' || is_active FROM tenants_tenant WHERE slug = :'slug'
SQL
)
case "$found" in
    "") echo "There is no company \"$slug\"." >&2; exit 1 ;;
    *" true") echo "\"$slug\" is still active: switch it off first." >&2; exit 1 ;;
esac
uid=${found% *}

# Names only what the rows name: each company's files lie between those of others.
files=$(psql -v ON_ERROR_STOP=1 -v slug="$slug" -At <<'SQL'
SELECT file FROM (
    SELECT tenant_id, file FROM contacts_import UNION ALL SELECT tenant_id, file FROM consent_datarequest
    UNION ALL SELECT tenant_id, file FROM consent_handover UNION ALL SELECT tenant_id, file FROM whatsapp_media
) AS named JOIN tenants_tenant t ON t.id = named.tenant_id WHERE t.slug = :'slug' AND file <> ''
SQL
)

# Without triggers and foreign keys: the ledger refuses to be deleted, and everything of the company goes at once.
psql -v ON_ERROR_STOP=1 -v slug="$slug" -At -F ' ' <<'SQL'
BEGIN;
SET LOCAL session_replication_role = replica;
SELECT set_config('zusage.ended', id::text, true) AS id FROM tenants_tenant WHERE slug = :'slug' AND NOT is_active \gset
CREATE TEMPORARY TABLE ended (name text, count bigint);
DO $$
DECLARE
    name text;
    count bigint;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('DELETE FROM %I WHERE tenant_id = $1', name) USING current_setting('zusage.ended')::bigint;
        GET DIAGNOSTICS count = ROW_COUNT;
        INSERT INTO ended VALUES (name, count);
    END LOOP;
    DELETE FROM tenants_tenant WHERE id = current_setting('zusage.ended')::bigint;
END $$;
SELECT now()::timestamptz(0), 'deleted';
SELECT name, count FROM ended WHERE count > 0 ORDER BY name;
COMMIT;
SELECT 'people who work for no company any more (delete them in Django admin):', count(*) FROM tenants_user u
WHERE NOT u.is_staff AND NOT EXISTS (SELECT FROM tenants_membership m WHERE m.user_id = u.id);
SQL

if [ -n "${MEDIA_ROOT:-}" ]; then
    printf '%s\n' "$files" | while IFS= read -r file; do
        [ -z "$file" ] || rm -f -- "$MEDIA_ROOT/$file"
    done
    printf '%s\n' "$files" | grep -c . | sed 's/^/files deleted: /' || true
fi
echo "company $slug ($uid) is deleted"
