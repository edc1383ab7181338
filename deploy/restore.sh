#!/bin/sh
# Brings a backup of backup.sh back into an empty database, and its uploads into an empty folder.
#
#   restore.sh <folder of the backup>
#
# As the superuser (PGUSER=postgres), because loading rows past row-level security is nobody else's right; everything
# belongs to the role `zusage` afterwards. PGHOST, PGPASSWORD and PGDATABASE name the database, whose roles roles.sh has
# made; MEDIA_ROOT the folder. RESTORE_FILTER opens what BACKUP_FILTER sealed, for instance "age -d -i key.txt".
# Stop the app first. Afterwards `manage.py grant_runtime zusage_app` as zusage, because no rights are restored, then,
# before any worker starts, `manage.py pause_after_restore` and `manage.py replay_erasures`, as docs/operations.md says
# in "After a restore".
set -eu
umask 077
from=${1:?"usage: restore.sh <folder of the backup>"}
: "${PGDATABASE:?}"
(cd "$from" && sha256sum --check --quiet SHA256SUMS)

opened() {
    if [ -f "$from/$1.sealed" ]; then
        sh -c "${RESTORE_FILTER:?the backup is sealed}" < "$from/$1.sealed"
    else
        cat "$from/$1"
    fi
}

tables=$(psql -v ON_ERROR_STOP=1 -Atc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
if [ "$tables" -ne 0 ]; then
    echo "The database $PGDATABASE is not empty: restore into a new one." >&2
    exit 1
fi
dump="$from/database.dump"
if [ ! -f "$dump" ]; then
    # In TMPDIR, which needs room for it.
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    dump="$work/database.dump"
    opened database.dump > "$dump"
fi
# In one transaction: all of it or nothing.
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --role=zusage --dbname="$PGDATABASE" \
    "$dump"
# Without statistics every screen would be planned blindly.
psql -v ON_ERROR_STOP=1 -qc "ANALYZE"
if [ -n "${MEDIA_ROOT:-}" ] && { [ -f "$from/media.tar" ] || [ -f "$from/media.tar.sealed" ]; }; then
    opened media.tar | tar -C "$MEDIA_ROOT" -xf -
fi
echo "restored $from"
echo "Before the app starts: manage.py migrate and manage.py grant_runtime zusage_app, both as zusage."
echo "Then, before any worker starts: manage.py pause_after_restore (what was sent since would be sent again),"
echo "and manage.py replay_erasures (people who were erased since are back)."
