"""Whom a program brought before anybody watched it, as far as the audit trail says who created a contact.

Only of those who came alone: a call with several left no line for each of them, and nobody guesses. In batches, while
people are written; run again, it does the same.
"""

from datetime import UTC, datetime
from typing import Any

from django.db import migrations

from tenants.scope import tenant_scope

AT_A_TIME = 2000
CREATED = """
SELECT at, id, object_uid, api_key_id FROM tenants_auditevent
WHERE tenant_id = %s AND (at, id) > (%s, %s) AND verb = 'contact.created' AND api_key_id IS NOT NULL
ORDER BY at, id LIMIT %s
"""
# People are locked in the order of their ids, as by whoever changes several. The night looks at all of a program again:
# it begins below 0, at another number each time, so that a look that is under way cannot take the change for none.
BROUGHT = """
WITH brought AS (
    SELECT c.tenant_id, c.id, k.id AS api_key_id FROM unnest(%s::uuid[], %s::bigint[]) AS said(uid, api_key_id)
    JOIN contacts_contact c ON c.tenant_id = %s AND c.uid = said.uid AND c.program_id IS NULL
    JOIN tenants_apikey k ON k.tenant_id = c.tenant_id AND k.id = said.api_key_id
    ORDER BY c.id FOR NO KEY UPDATE OF c
), programs AS (
    INSERT INTO contacts_program (tenant_id, uid, api_key_id)
    SELECT tenant_id, gen_random_uuid(), api_key_id FROM (SELECT DISTINCT tenant_id, api_key_id FROM brought) each
    ON CONFLICT (tenant_id, api_key_id)
        DO UPDATE SET known_upto = least(contacts_program.known_upto, 0) - 1, looked_at = NULL
    RETURNING id, api_key_id
)
UPDATE contacts_contact c SET program_id = p.id FROM brought b JOIN programs p ON p.api_key_id = b.api_key_id
WHERE c.tenant_id = b.tenant_id AND c.id = b.id
"""


def take_over(apps: Any, schema_editor: Any) -> None:
    for tenant in apps.get_model("tenants", "Tenant").objects.order_by("pk"):
        after: tuple[datetime, int] | None = (datetime.min.replace(tzinfo=UTC), 0)
        while after:
            after = _take_over(tenant.pk, after, schema_editor.connection)


def _take_over(tenant_id: int, after: tuple[datetime, int], connection: Any) -> tuple[datetime, int] | None:
    """Where the next batch begins; None at the end."""
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(CREATED, [tenant_id, *after, AT_A_TIME])
        rows = cursor.fetchall()
        cursor.execute(BROUGHT, [[row[2] for row in rows], [row[3] for row in rows], tenant_id])
    return rows[-1][:2] if len(rows) == AT_A_TIME else None


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0018_programs_checked")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
