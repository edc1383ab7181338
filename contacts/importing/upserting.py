"""Puts staged lines into contacts by set: match, decide, insert, update, name, list and tag, one range at a time."""

from collections import Counter
from io import StringIO
from typing import Any

from django.db import connection

from contacts import identities
from contacts.models import Contact, Identity, Import
from tenants.models import Tenant

LINES_PER_RANGE = 5000
REFUSALS = ("conflict_with_base", "restricted", "identity_changed")

# What a line makes of each column; an empty cell (NULL) leaves the contact's value alone.
TEXTS = ("first_name", "last_name", "language", "country", "postcode")
GIVEN = {
    "phone": "m.phone",
    "bsuid": "m.bsuid",
    "email": "m.email",
    "external_id": "m.external_id",
    **{name: f"m.values->>'{name}'" for name in TEXTS},
    "birthday": "(m.values->>'birthday')::date",
}
NEW = {name: f"coalesce({given}, c.{name})" for name, given in GIVEN.items()}
NEW["attributes"] = "c.attributes || coalesce(m.values->'attributes', '{}')"
OLD = [f"c.{name}" for name in NEW]

# The lines of a range with the contacts that their keys name. A table of its own: joined with the contact by an
# expression, PostgreSQL would read all contacts for every range.
MATCH = """
    CREATE TEMP TABLE import_matches ON COMMIT DROP AS
    SELECT s.line, s.phone, s.bsuid, s.email, s.external_id, s.values, s.consent, s.outcome AS fate,
        p.id AS by_phone, e.id AS by_external_id, b.id AS by_bsuid,
        coalesce(p.id, e.id, b.id, s.contact_id) AS contact_id
    FROM contacts_stagedrow s
    LEFT JOIN contacts_contact p ON p.tenant_id = %(tenant)s AND p.phone = s.phone
    LEFT JOIN contacts_contact e ON e.tenant_id = %(tenant)s AND e.external_id = s.external_id
    LEFT JOIN contacts_contact b ON b.tenant_id = %(tenant)s AND b.bsuid = s.bsuid
    WHERE s.tenant_id = %(tenant)s AND s.imported_id = %(imported)s AND s.line > %(after)s AND s.line <= %(upto)s
"""
# Consent hangs on the number that messages go to, or for want of one on the BSUID: a file replaces neither, nor does it
# add a number, to which they would go from then on.
IS_LEFT = """(c.phone <> m.phone OR c.bsuid <> m.bsuid
    OR c.phone IS NULL AND c.bsuid IS NOT NULL AND m.phone IS NOT NULL)"""
# A new number has nothing of what was known of the one before.
GETS_NUMBER = "c.phone IS NULL AND m.phone IS NOT NULL"
# What is to be done with each line.
DECIDE = f"""
    CREATE TEMP TABLE import_batch ON COMMIT DROP AS
    SELECT m.*, c.id IS NOT NULL AND ({", ".join(NEW.values())}) IS DISTINCT FROM ({", ".join(OLD)}) AS differs,
        c.id IS NULL OR ({GETS_NUMBER}) OR (m.bsuid IS NOT NULL AND c.bsuid IS NULL)
            OR m.email <> c.email OR (m.email IS NOT NULL AND c.email IS NULL) AS is_named_anew,
        CASE
            WHEN m.fate <> '' THEN m.fate
            WHEN m.by_phone <> m.by_external_id OR m.by_phone <> m.by_bsuid OR m.by_external_id <> m.by_bsuid
                THEN 'conflict_with_base'
            WHEN c.restricted_at IS NOT NULL THEN 'restricted'
            WHEN {IS_LEFT} THEN 'identity_changed'
            WHEN c.id IS NULL THEN 'created'
            ELSE 'unchanged'
        END AS outcome
    FROM import_matches m
    LEFT JOIN contacts_contact c ON c.tenant_id = %(tenant)s AND c.id = m.contact_id
"""
TAGGED = """
    CREATE TEMP TABLE import_tags ON COMMIT DROP AS
    SELECT DISTINCT b.line, lower(name) AS name, name AS written
    FROM import_batch b, LATERAL (
        SELECT unnest(%(tags)s::text[]) AS name UNION SELECT jsonb_array_elements_text(b.values->'tags')
    ) given
    WHERE b.outcome IN ('created', 'unchanged')
"""
LACKS_A_TAG = """
    UPDATE import_batch b SET outcome = 'updated' WHERE b.outcome = 'unchanged' AND EXISTS (
        SELECT 1 FROM import_tags t WHERE t.line = b.line AND NOT EXISTS (
            SELECT 1 FROM contacts_contacttag ct JOIN contacts_tag g ON g.id = ct.tag_id
            WHERE ct.tenant_id = %(tenant)s AND ct.contact_id = b.contact_id AND lower(g.name) = t.name))
"""
NOT_ON_THE_LIST = """
    UPDATE import_batch b SET outcome = 'updated' WHERE b.outcome = 'unchanged' AND NOT EXISTS (
        SELECT 1 FROM contacts_listmember l
        WHERE l.tenant_id = %(tenant)s AND l.list_id = %(list)s AND l.contact_id = b.contact_id)
"""
# Ordered by key, so that two imports that meet at the unique indexes wait in the same order.
INSERT = f"""
    INSERT INTO contacts_contact (id, tenant_id, uid, subject_id, {", ".join(GIVEN)}, attributes)
    SELECT m.contact_id, %(tenant)s, gen_random_uuid(), gen_random_uuid(),
        {", ".join(f"coalesce({given}, '')" if name in TEXTS else given for name, given in GIVEN.items())},
        coalesce(m.values->'attributes', '{{}}')
    FROM import_batch m WHERE m.outcome = 'created' ORDER BY m.phone, m.external_id, m.bsuid
    ON CONFLICT DO NOTHING
"""
# In the order of ids, so that two writers of the same contacts cannot wait for each other in a circle. Somebody may
# have given one of them a number meanwhile, which an import must not replace; or restricted one.
LOCK = f"""
    SELECT count(*) FILTER (WHERE is_out_of_reach) FROM (
        SELECT {IS_LEFT} OR c.restricted_at IS NOT NULL AS is_out_of_reach
        FROM contacts_contact c JOIN import_batch m ON m.contact_id = c.id
        WHERE c.tenant_id = %(tenant)s AND m.differs AND m.outcome = 'updated' ORDER BY c.id FOR UPDATE OF c
    ) locked
"""
UPDATE = f"""
    UPDATE contacts_contact c SET {", ".join(f"{name} = {new}" for name, new in NEW.items())}, updated_at = now(),
        phone_invalid_at = CASE WHEN {GETS_NUMBER} THEN NULL ELSE c.phone_invalid_at END,
        unreachable_since = CASE WHEN {GETS_NUMBER} THEN NULL ELSE c.unreachable_since END,
        undelivered = CASE WHEN {GETS_NUMBER} THEN 0 ELSE c.undelivered END
    FROM import_batch m
    WHERE c.tenant_id = %(tenant)s AND c.id = m.contact_id AND m.differs AND m.outcome = 'updated'
"""
ADD_TO_LIST = """
    INSERT INTO contacts_listmember (tenant_id, list_id, contact_id)
    SELECT %(tenant)s, %(list)s, contact_id FROM import_batch WHERE outcome IN ('created', 'updated', 'unchanged')
    ORDER BY contact_id ON CONFLICT (tenant_id, list_id, contact_id) DO NOTHING
"""
NEW_TAGS = """
    INSERT INTO contacts_tag (tenant_id, uid, name)
    SELECT %(tenant)s, gen_random_uuid(), min(written) FROM import_tags GROUP BY name ORDER BY name
    ON CONFLICT DO NOTHING
"""
ADD_TAGS = """
    INSERT INTO contacts_contacttag (tenant_id, tag_id, contact_id)
    SELECT DISTINCT %(tenant)s, g.id, b.contact_id
    FROM import_tags t JOIN import_batch b ON b.line = t.line
    JOIN contacts_tag g ON g.tenant_id = %(tenant)s AND lower(g.name) = t.name
    ORDER BY 2, 3 ON CONFLICT (tenant_id, tag_id, contact_id) DO NOTHING
"""
REFUSED = """
    INSERT INTO contacts_rejectedrow (tenant_id, imported_id, line, reason, "column", cells)
    SELECT %(tenant)s, %(imported)s, line, outcome, '', '[]' FROM import_batch WHERE outcome = ANY(%(refusals)s)
    ON CONFLICT (tenant_id, imported_id, line) DO NOTHING
"""


class Raced(Exception):
    """Somebody else created, renumbered or restricted a contact between our look and our write: do the range again."""


def decide(imported: Import, upto: int) -> Counter[str]:
    """Compare the lines after `rows_done` up to data line `upto` with the contacts; returns how many of each outcome.

    Leaves the temporary table `import_batch` (line, contact_id, outcome, consent, …) until the transaction ends.
    Outcomes: created, updated, unchanged, the rejections of REFUSALS, and "rejected" for lines that were rejected
    before and are here only for their no. Writes no contact.
    """
    _execute(imported, "DROP TABLE IF EXISTS import_matches, import_batch, import_tags")
    _execute(imported, MATCH, after=imported.rows_done + 1, upto=upto + 1)
    _execute(imported, "ANALYZE import_matches (line, contact_id)")
    _execute(imported, DECIDE)
    # Temporary tables get statistics from nobody else, and without them the joins become nested loops.
    _execute(imported, "ANALYZE import_batch (line, contact_id, outcome)")
    _execute(imported, "UPDATE import_batch SET outcome = 'updated' WHERE differs AND outcome = 'unchanged'")
    if _has_tags(imported):
        _execute(imported, TAGGED, tags=imported.tags)
        _execute(imported, "ANALYZE import_tags")
        _execute(imported, LACKS_A_TAG)
    if imported.list_id:
        _execute(imported, NOT_ON_THE_LIST)
    _execute(imported, REFUSED, refusals=list(REFUSALS))
    with connection.cursor() as cursor:
        cursor.execute("SELECT outcome, count(*) FROM import_batch GROUP BY outcome")
        return Counter(dict(cursor.fetchall()))


def write(imported: Import, tenant: Tenant, outcomes: Counter[str]) -> None:
    """Do what `decide` found, in the same transaction; raises Raced when the range must be decided anew."""
    if outcomes["created"]:
        _execute(
            imported,
            "UPDATE import_batch SET contact_id = nextval(pg_get_serial_sequence('contacts_contact', 'id'))"
            " WHERE outcome = 'created'",
        )
        if _execute(imported, INSERT) != outcomes["created"]:
            raise Raced
        _name_new(tenant)
    if outcomes["updated"]:
        if _count(imported, LOCK):
            raise Raced
        _execute(imported, UPDATE)
        _name_changed(tenant)
    if imported.list_id:
        _execute(imported, ADD_TO_LIST)
    if _has_tags(imported):
        _execute(imported, NEW_TAGS)
        _execute(imported, ADD_TAGS)


def _name_new(tenant: Tenant) -> None:
    """Store the identities of the contacts just created; COPY cannot write through row-level security."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact_id, phone, bsuid, email FROM import_batch WHERE outcome = 'created'")
        kinds = (Identity.Kind.PHONE.value, Identity.Kind.BSUID.value, Identity.Kind.EMAIL.value)
        lines = [
            f"{contact_id}\t{kind}\t\\\\x{identities.digest(tenant, kind, value).hex()}\n"
            for contact_id, *values in cursor.fetchall()
            for kind, value in zip(kinds, values, strict=True)
            if value
        ]
        cursor.execute("DROP TABLE IF EXISTS import_names")
        cursor.execute("CREATE TEMP TABLE import_names (contact_id bigint, kind text, digest bytea) ON COMMIT DROP")
        cursor.copy_expert("COPY import_names FROM STDIN", StringIO("".join(lines)))
        cursor.execute(
            "INSERT INTO contacts_identity (tenant_id, contact_id, kind, digest)"
            " SELECT %s, contact_id, kind, digest FROM import_names",
            [tenant.pk],
        )


def _name_changed(tenant: Tenant) -> None:
    """Store new identities of known contacts and end those they no longer have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact_id FROM import_batch WHERE outcome = 'updated' AND is_named_anew")
        changed = [row[0] for row in cursor.fetchall()]
    if changed:
        identities.record(tenant, list(Contact.objects.filter(tenant=tenant, pk__in=changed)))


def _has_tags(imported: Import) -> bool:
    return bool(imported.tags) or "tags" in imported.mapping.values()


def _execute(imported: Import, sql: str, **more: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, _parameters(imported) | more)
        return cursor.rowcount


def _count(imported: Import, sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, _parameters(imported))
        return int(cursor.fetchone()[0])


def _parameters(imported: Import) -> dict[str, Any]:
    return {"tenant": imported.tenant_id, "imported": imported.pk, "list": imported.list_id}
