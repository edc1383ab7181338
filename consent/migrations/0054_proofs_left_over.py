"""An end for proofs of contacts that were deleted before a deletion did that.

Where such a contact had agreed to something that nobody has ended since, above all to e-mail, its proof would stay for
good: nobody knows any more whose it is. Nor does anybody know when the consent was last used, because its messages name
nobody: so the years count from now, and no proof that is still owed goes.

Batch by batch, so that consents are given meanwhile; run again, it does the same.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import migrations

from tenants.scope import tenant_scope

AT_A_TIME = 2000
LEFT_OVER = """
SELECT DISTINCT s.subject_id FROM consent_consentstate s
WHERE s.tenant_id = %s AND s.subject_id > %s AND s.state IN ('granted', 'renewed')
  AND NOT EXISTS (SELECT FROM contacts_contact c WHERE c.tenant_id = s.tenant_id AND c.subject_id = s.subject_id)
ORDER BY s.subject_id LIMIT %s
"""
MERGED = "SELECT source_ref, subject_id FROM consent_consentevent WHERE tenant_id = %s AND state = 'merged'"
STAYING = "SELECT subject_id FROM contacts_contact WHERE tenant_id = %s AND subject_id = ANY(%s::uuid[])"
LOCK_AWAY = """
UPDATE consent_consentevidence p SET kept_until = make_date(extract(year FROM now())::int + 3, 12, 31)
FROM consent_consentevent said
WHERE said.tenant_id = %s AND said.subject_id = ANY(%s::uuid[])
  AND p.tenant_id = said.tenant_id AND p.event_id = said.event_id AND p.kept_until IS NULL
"""


def lock_away(apps: Any, schema_editor: Any) -> None:
    for tenant in apps.get_model("tenants", "Tenant").objects.order_by("pk"):
        after: UUID | None = UUID(int=0)
        while after:
            with tenant_scope(tenant.pk), schema_editor.connection.cursor() as cursor:
                after = _lock_away(tenant.pk, after, cursor)


def _lock_away(tenant_id: int, after: UUID, cursor: Any) -> UUID | None:
    """Where the next batch begins; None at the end."""
    cursor.execute(LEFT_OVER, [tenant_id, after, AT_A_TIME])
    subjects = [subject for (subject,) in cursor.fetchall()]
    cursor.execute(MERGED, [tenant_id])
    merged: dict[UUID, set[UUID]] = {}
    for gone, kept in cursor.fetchall():
        merged.setdefault(UUID(gone), set()).add(kept)
    people = {subject: set(_as_whom(subject, merged)) for subject in subjects}
    cursor.execute(STAYING, [tenant_id, list(set().union(*people.values()))])
    staying = {subject for (subject,) in cursor.fetchall()}
    # Whoever was merged into a contact that stays is shown with it, and so is what proves their words.
    cursor.execute(LOCK_AWAY, [tenant_id, [subject for subject in subjects if not people[subject] & staying]])
    return subjects[-1] if len(subjects) == AT_A_TIME else None


def _as_whom(subject: UUID, merged: dict[UUID, set[UUID]]) -> Iterator[UUID]:
    """As whom the ledger knows a person since they were merged, however often."""
    known = [subject]
    for one in known:
        yield one
        known += merged.get(one, set()) - set(known)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("consent", "0053_found_of_strangers")]

    operations = [migrations.RunPython(lock_away, migrations.RunPython.noop)]
