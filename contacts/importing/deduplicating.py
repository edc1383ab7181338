"""Finds staged lines that name the same person, keeps the last of them, and matches people known by e-mail only.

The later line wins because exports append: it is the newer one. An opt-out of an earlier line is carried over to the
line that wins, because a no must not get lost among duplicates; that of a rejected line goes to the good ones about
the same person.
"""

from collections import Counter
from collections.abc import Iterable

from django.db import connection

from contacts.models import Import

STRONG = ("phone", "external_id", "bsuid")
# The columns that statements here are planned by.
PLANNED_BY = ["tenant_id", "imported_id", "line", "phone", "email", "external_id", "outcome"]

# Lines ranked among those of the same person: place 1 wins, the others go.
BY_KEY = """
    SELECT line, consent, row_number() OVER w AS place, first_value(line) OVER w AS winner
    FROM contacts_stagedrow
    WHERE tenant_id = %(tenant)s AND imported_id = %(imported)s AND outcome = '' AND {key} IS NOT NULL
    WINDOW w AS (PARTITION BY {key} ORDER BY line DESC)
"""
# Only lines without any stronger key go; families may share an address.
BY_EMAIL = """
    SELECT line, consent, CASE WHEN is_weak THEN row_number() OVER w ELSE 1 END AS place,
        first_value(line) OVER w AS winner
    FROM (
        SELECT *, coalesce(phone, external_id, bsuid) IS NULL AS is_weak FROM contacts_stagedrow
        WHERE tenant_id = %(tenant)s AND imported_id = %(imported)s AND outcome = '' AND email IS NOT NULL
    ) s
    WINDOW w AS (PARTITION BY email ORDER BY is_weak, line DESC)
"""
MATCHES = " UNION ".join(
    f"""
    SELECT s.line, s.consent, c.id FROM contacts_stagedrow s
    JOIN contacts_contact c ON c.tenant_id = %(tenant)s AND c.{key} = s.{key}
    WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.outcome = ''
"""
    for key in STRONG
)
# Two lines that name one known contact by different keys.
BY_CONTACT = f"""
    SELECT line, consent, row_number() OVER w AS place, first_value(line) OVER w AS winner
    FROM (SELECT *, count(*) OVER (PARTITION BY line) AS contacts FROM ({MATCHES}) m) single
    WHERE contacts = 1
    WINDOW w AS (PARTITION BY id ORDER BY line DESC)
"""
REMOVE = """
    WITH ranked AS MATERIALIZED (SELECT * FROM ({ranked}) r WHERE place > 1),
    gone AS (
        DELETE FROM contacts_stagedrow s USING ranked r
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line = r.line
            AND r.line > %(done)s
        RETURNING s.line
    ), told AS (
        UPDATE contacts_stagedrow s SET consent = coalesce(s.consent, '{{}}') || '{{"optout": true}}'
        FROM (SELECT DISTINCT winner FROM ranked WHERE consent ? 'optout') r
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line = r.winner
    )
    INSERT INTO contacts_rejectedrow (tenant_id, imported_id, line, reason, "column", cells)
    SELECT %(tenant)s, %(imported)s, line, 'duplicate_in_file', '', '[]' FROM gone
    ON CONFLICT (tenant_id, imported_id, line) DO NOTHING
"""
# A rejected line hands its no to the good lines that one of its keys names, and leaves the key out, so that nobody is
# counted twice; likewise to a later rejected one. An address counts only where the line has nothing better.
CARRY = """
    WITH noes AS MATERIALIZED (
        SELECT line, {key} AS name FROM contacts_stagedrow
        WHERE tenant_id = %(tenant)s AND imported_id = %(imported)s AND outcome = 'rejected' AND {key} IS NOT NULL
            AND ({is_strong} OR coalesce(phone, external_id, bsuid) IS NULL)
    ), twins AS MATERIALIZED (
        SELECT n.line AS no, s.line, s.outcome FROM noes n JOIN contacts_stagedrow s ON s.{key} = n.name
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND (s.outcome = '' OR s.line > n.line)
    ), told AS (
        UPDATE contacts_stagedrow s SET consent = coalesce(s.consent, '{{}}') || '{{"optout": true}}'
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s
            AND s.line IN (SELECT line FROM twins WHERE outcome = '')
    )
    UPDATE contacts_stagedrow s SET {emptied}
    WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line IN (SELECT no FROM twins)
"""
CARRIED = """
    DELETE FROM contacts_stagedrow WHERE tenant_id = %(tenant)s AND imported_id = %(imported)s
        AND outcome = 'rejected' AND coalesce(phone, external_id, bsuid, email) IS NULL
"""
# lower() is not leakproof, so under row-level security it finds no index: once for the whole file, by hash join.
BY_ADDRESS = f"""
    WITH strong AS MATERIALIZED ({MATCHES}),
    known AS (
        SELECT lower(email) AS email, min(id) AS id, count(*) AS contacts FROM contacts_contact
        WHERE tenant_id = %(tenant)s AND email IS NOT NULL GROUP BY 1
    ), found AS (
        SELECT s.line, k.id, k.contacts, coalesce(s.phone, s.external_id, s.bsuid) IS NULL AS is_weak,
            row_number() OVER (PARTITION BY k.id ORDER BY s.line) AS place
        FROM contacts_stagedrow s
        JOIN known k ON k.email = s.email
        JOIN contacts_contact c ON c.id = k.id
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line > %(done)s AND s.outcome = ''
            AND NOT EXISTS (SELECT 1 FROM strong WHERE strong.line = s.line)
            AND NOT EXISTS (SELECT 1 FROM strong WHERE strong.id = k.id)
            AND (c.phone IS NULL OR s.phone IS NULL)
            AND (c.external_id IS NULL OR s.external_id IS NULL)
            AND (c.bsuid IS NULL OR s.bsuid IS NULL)
    ), taken AS (
        UPDATE contacts_stagedrow s SET contact_id = f.id FROM found f
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line = f.line
            AND f.contacts = 1 AND f.place = 1
    ), unclear AS (
        UPDATE contacts_stagedrow s SET outcome = 'rejected' FROM found f
        WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line = f.line
            AND f.contacts > 1 AND f.is_weak
        RETURNING s.line
    )
    INSERT INTO contacts_rejectedrow (tenant_id, imported_id, line, reason, "column", cells)
    SELECT %(tenant)s, %(imported)s, line, 'ambiguous_email', '', '[]' FROM unclear
    ON CONFLICT (tenant_id, imported_id, line) DO NOTHING
"""


def settle(imported: Import) -> None:
    """Reject the earlier ones of lines about the same person and match e-mail addresses, in the caller's transaction.

    Runs when all lines are staged, before the first is put into contacts; doing it again changes nothing.
    """
    with connection.cursor() as cursor:
        # Freshly filled, the table has no statistics, and a nested loop over a million lines never ends.
        cursor.execute("SELECT zusage_analyze('contacts_stagedrow', %s)", [PLANNED_BY])
        cursor.execute("SET LOCAL enable_nestloop = off")
    targets = set(imported.mapping.values())
    keys = [key for key in STRONG if key in targets]
    if "optout" in targets:
        _carry_noes(imported, targets)
    for key in keys:
        _count(imported, "duplicate_in_file", _execute(imported, REMOVE.format(ranked=BY_KEY.format(key=key))))
    if len(keys) > 1:
        _count(imported, "duplicate_in_file", _execute(imported, REMOVE.format(ranked=BY_CONTACT)))
    if "email" in targets:
        _count(imported, "duplicate_in_file", _execute(imported, REMOVE.format(ranked=BY_EMAIL)))
        _count(imported, "ambiguous_email", _execute(imported, BY_ADDRESS))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = on")


def _carry_noes(imported: Import, targets: set[str]) -> None:
    for key in (*STRONG, "email"):
        if key in targets:
            emptied = "email = NULL" if key == "email" else f"{key} = NULL, email = NULL"
            _execute(imported, CARRY.format(key=key, is_strong=key in STRONG, emptied=emptied))
    _execute(imported, CARRIED)


def without_cells(imported: Import, limit: int) -> list[int]:
    """Rejected lines whose cells have yet to be read from the file again, at most `limit`."""
    rows = imported.rejected_rows.filter(cells=[]).order_by("line")
    return list(rows.values_list("line", flat=True)[:limit])


def fill_cells(imported: Import, cells: Iterable[tuple[int, str]]) -> None:
    """Add the cells, as JSON text, to lines that were rejected after staging."""
    rows = list(cells)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_rejectedrow r SET cells = given.cells"
            " FROM unnest(%s::int[], %s::jsonb[]) AS given(line, cells)"
            " WHERE r.tenant_id = %s AND r.imported_id = %s AND r.line = given.line",
            [[row[0] for row in rows], [row[1] for row in rows], imported.tenant_id, imported.pk],
        )


def _execute(imported: Import, sql: str) -> int:
    done = imported.rows_done + 1  # the header is line 1
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": imported.tenant_id, "imported": imported.pk, "done": done})
        return cursor.rowcount


def _count(imported: Import, reason: str, lines: int) -> None:
    imported.rejected += lines
    imported.reasons = dict(Counter(imported.reasons) + Counter({reason: lines}))
