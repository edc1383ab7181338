#!/bin/sh
# Deletes a company for good after the end of its contract, its key and its ledger too, and prints what went.
#
#   end_contract.sh <slug>
#
# First `manage.py end_contract close <slug>`: from then on nothing of the company changes any more. Then export it, if
# it has not taken its data itself. This refuses a company that is not closed, or was closed less than CLOSED_FOR
# (default: 10 minutes) ago, because a worker may still be at it.
#
# As the superuser (PGUSER=postgres): the ledger lets nobody else delete. PGHOST, PGPASSWORD and PGDATABASE name the
# database, MEDIA_ROOT the folder of uploads. May be run again whenever it was broken off: the names of files are kept in
# the operator's register (consent_endedcontract, "Ended contracts" in Django admin) until the files are gone.
# Backups forget the company as they are overwritten in their turn. The register is the proof of deletion.
set -eu
slug=${1:?"usage: end_contract.sh <slug>"}
: "${PGDATABASE:?}"
closed_for=${CLOSED_FOR:-10 minutes}

query() { psql -q -v ON_ERROR_STOP=1 -v slug="$slug" -v closed_for="$closed_for" -At -F ' '; }

found=$(query <<'SQL'
SELECT CASE WHEN closed_at IS NULL THEN 'open' WHEN closed_at > now() - :'closed_for'::interval THEN 'early'
    ELSE 'closed' END
FROM tenants_tenant WHERE slug = :'slug'
UNION ALL SELECT 'gone' FROM consent_endedcontract WHERE slug = :'slug' AND NOT EXISTS
    (SELECT FROM tenants_tenant WHERE slug = :'slug')
LIMIT 1
SQL
)
case "$found" in
    "") echo "There is no company \"$slug\"." >&2; exit 1 ;;
    open) echo "\"$slug\" is still open: run manage.py end_contract close $slug first." >&2; exit 1 ;;
    early) echo "\"$slug\" was closed a moment ago: wait $closed_for, so that whoever is at it ends." >&2; exit 1 ;;
esac

# Without triggers and foreign keys: the ledger refuses to be deleted, and everything of the company goes at once.
sweep=$(cat <<'SQL'
CREATE FUNCTION pg_temp.sweep(company bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    name text;
    count bigint;
    gone jsonb := '{}';
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('DELETE FROM %I WHERE tenant_id = $1', name) USING company;
        GET DIAGNOSTICS count = ROW_COUNT;
        IF count > 0 THEN
            gone := gone || jsonb_build_object(name, count);
        END IF;
    END LOOP;
    RETURN gone;
END $$;
SQL
)
# Raw webhooks belong to no tenant: those of the company's own app go, and of others what is about its accounts. Whatever
# cannot be read and names them goes as a whole.
webhooks=$(cat <<'SQL'
CREATE FUNCTION pg_temp.forget_webhooks(accounts bigint[], names text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hook record;
    document jsonb;
    others jsonb;
    gone bigint := 0;
BEGIN
    FOR hook IN SELECT id, received_at, account_id, body FROM inbox_webhookevent WHERE account_id = ANY(accounts)
        OR EXISTS (SELECT FROM unnest(names) n WHERE position(convert_to('"' || n || '"', 'UTF8') IN body) > 0)
    LOOP
        others := NULL;
        BEGIN
            document := convert_from(hook.body, 'UTF8')::jsonb;
            SELECT jsonb_agg(entry) INTO others FROM jsonb_array_elements(document -> 'entry') entry
            WHERE NOT EXISTS (SELECT FROM unnest(names) n WHERE position('"' || n || '"' IN entry::text) > 0);
        EXCEPTION WHEN OTHERS THEN
            others := NULL;
        END;
        IF others IS NULL OR hook.account_id = ANY(accounts) THEN
            DELETE FROM inbox_webhookevent WHERE id = hook.id AND received_at = hook.received_at;
        ELSE
            UPDATE inbox_webhookevent SET body = convert_to(jsonb_set(document, '{entry}', others)::text, 'UTF8')
            WHERE id = hook.id AND received_at = hook.received_at;
        END IF;
        gone := gone + 1;
    END LOOP;
    RETURN gone;
END $$;
SQL
)

# The row is locked first, so that whoever writes to the company just now ends before, or finds it gone. The register is
# written in the same transaction: nothing is deleted of which it does not know.
if [ "$found" = closed ]; then
    { printf '%s\n' "BEGIN;" "$sweep" "$webhooks"; cat <<'SQL'; } | query > /dev/null
SELECT id AS company FROM tenants_tenant
WHERE slug = :'slug' AND closed_at <= now() - :'closed_for'::interval FOR UPDATE \gset
INSERT INTO consent_endedcontract
    (company_id, company_uid, slug, name, began_at, closed_at, deleted_at, agreements, names, files, deleted, files_deleted)
SELECT t.id, t.uid, t.slug, t.name, t.created_at, t.closed_at, now(),
    coalesce((SELECT jsonb_agg(to_jsonb(a) - 'id' - 'tenant_id' - 'accepted_by_id' ORDER BY a.accepted_at)
              FROM consent_agreement a WHERE a.tenant_id = t.id), '[]'),
    ARRAY(SELECT phone_number_id FROM whatsapp_number WHERE tenant_id = t.id UNION
          SELECT o.waba_id FROM whatsapp_account o WHERE o.tenant_id = t.id AND NOT EXISTS
              (SELECT FROM whatsapp_account x WHERE x.waba_id = o.waba_id AND x.tenant_id <> t.id)),
    -- Only what the rows name: each company's files lie between those of others.
    ARRAY(SELECT file FROM (
        SELECT tenant_id, file FROM contacts_import UNION ALL SELECT tenant_id, file FROM consent_datarequest
        UNION ALL SELECT tenant_id, file FROM consent_handover UNION ALL SELECT tenant_id, file FROM whatsapp_media
    ) AS named WHERE tenant_id = t.id AND file <> ''), '{}', 0
FROM tenants_tenant t WHERE t.id = :company;
SET LOCAL session_replication_role = replica;
SELECT pg_temp.forget_webhooks(
    ARRAY(SELECT id FROM whatsapp_account WHERE tenant_id = :company), e.names) AS hooks
FROM consent_endedcontract e WHERE e.company_id = :company \gset
SELECT pg_temp.sweep(:company) AS gone \gset
DELETE FROM tenants_tenant WHERE id = :company;
UPDATE consent_endedcontract
SET deleted = :'gone'::jsonb || jsonb_build_object('raw webhooks', :hooks) WHERE company_id = :company;
COMMIT;
SQL
fi

# Once more, for what a worker may have written between its last look and the end.
{ printf '%s\n' "BEGIN;" "$sweep" "$webhooks"; cat <<'SQL'; } | query
SET LOCAL session_replication_role = replica;
-- A number may belong to another company by now.
SELECT 'left behind and deleted now:', pg_temp.sweep(company_id), pg_temp.forget_webhooks('{}', ARRAY(
    SELECT n FROM unnest(names) n WHERE n NOT IN (SELECT phone_number_id FROM whatsapp_number)
    AND n NOT IN (SELECT waba_id FROM whatsapp_account)))
FROM consent_endedcontract WHERE slug = :'slug';
COMMIT;
SELECT deleted_at::timestamptz(0), 'deleted', name, '(' || company_uid || ')' FROM consent_endedcontract
WHERE slug = :'slug' ORDER BY id DESC LIMIT 1;
SELECT gone.key, gone.value FROM consent_endedcontract e, jsonb_each_text(e.deleted) gone
WHERE e.id = (SELECT max(id) FROM consent_endedcontract WHERE slug = :'slug') ORDER BY 1;
SELECT 'people who work for no company any more (delete them in Django admin):', count(*) FROM tenants_user u
WHERE NOT u.is_staff AND NOT EXISTS (SELECT FROM tenants_membership m WHERE m.user_id = u.id);
SQL

files=$(query <<'SQL'
SELECT unnest(files) FROM consent_endedcontract WHERE slug = :'slug'
SQL
)
if [ -n "$files" ] && [ -z "${MEDIA_ROOT:-}" ]; then
    echo "Its files are still there: name their folder in MEDIA_ROOT and run this again." >&2
    exit 1
fi
printf '%s\n' "$files" | while IFS= read -r file; do
    [ -z "$file" ] || rm -f -- "$MEDIA_ROOT/$file"
done
query <<'SQL'
UPDATE consent_endedcontract SET files_deleted = files_deleted + cardinality(files), files = '{}' WHERE slug = :'slug';
SELECT 'files deleted:', sum(files_deleted) FROM consent_endedcontract WHERE slug = :'slug';
SQL
echo "company $slug is deleted"
