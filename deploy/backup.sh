#!/bin/sh
# Writes one backup of database and uploads to $BACKUP_DIR/<time>/, and deletes those older than KEEP_DAYS.
#
#   backup.sh                now
#   backup.sh --every-night  at 02:30 UTC, for ever
#
# PGHOST, PGUSER (zusage_backup: row-level security hides rows from the app's own role), PGPASSWORD and PGDATABASE name
# the database; MEDIA_ROOT the uploads. BACKUP_FILTER encrypts, for instance "age -r age1…"; restore.sh undoes it.
# The keys of FIELD_ENCRYPTION_KEYS are in no backup: keep them elsewhere, without them no token can be read.
set -eu
umask 077
: "${BACKUP_DIR:?}" "${PGDATABASE:?}"

now() {
    made="$BACKUP_DIR/$(date -u +%Y%m%dT%H%M%SZ)"
    # Half a backup is none, and would keep the disk full that it has filled. One that was killed goes a day later.
    trap 'rm -rf "$made.part"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$made.part"
    find "$BACKUP_DIR" -maxdepth 1 -type d -name '20*.part' -mmin +1440 -exec rm -rf {} + ||
        echo "the rest of a broken backup cannot be removed" >&2
    # Through a file, because a shell does not notice when the first part of a pipe fails.
    pg_dump --format=custom --compress=6 --file="$made.part/database.dump"
    if [ -n "${MEDIA_ROOT:-}" ] && [ -d "$MEDIA_ROOT" ]; then
        # 1: a file vanished or changed meanwhile, as uploads do.
        tar -C "$MEDIA_ROOT" -cf "$made.part/media.tar" . || [ $? -eq 1 ]
    fi
    if [ -n "${BACKUP_FILTER:-}" ]; then
        for file in "$made.part"/*; do
            sh -c "$BACKUP_FILTER" < "$file" > "$file.sealed"
            rm "$file"
        done
    fi
    (cd "$made.part" && sha256sum -- * > SHA256SUMS)
    mv "$made.part" "$made"
    touch "$BACKUP_DIR/last"
    find "$BACKUP_DIR" -maxdepth 1 -type d -name '20*' -mtime "+${KEEP_DAYS:-14}" -exec rm -rf {} +
    echo "$made"
}

case "${1:-}" in
"") now ;;
--every-night)
    trap 'exit 0' TERM INT
    # The first at once: whoever sets this up sees that it works.
    sh "$0" || echo "the backup failed" >&2
    while true; do
        seconds=$(($(date -u +%s) % 86400))
        sleep $(((86400 + 9000 - seconds) % 86400 + 1)) &
        wait $!
        sh "$0" || echo "the backup failed" >&2
    done
    ;;
*) echo "usage: backup.sh [--every-night]" >&2 && exit 2 ;;
esac
