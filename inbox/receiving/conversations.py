"""Opens conversations and remembers when people last wrote, which is what free text is allowed by."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from tenants.models import Tenant


def touch(tenant: Tenant, written: Sequence[tuple[int, int, datetime | None]]) -> dict[tuple[int, int], int]:
    """Ids of the conversations of (number id, contact id, time written); opens missing ones.

    Their rows stay locked to the end of the transaction, so that two receivers never store one message twice.
    """
    numbers, contacts, times = (list(column) for column in zip(*written, strict=True)) if written else ([], [], [])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_conversation (tenant_id, uid, number_id, contact_id, last_inbound_at)"
            " SELECT %s, gen_random_uuid(), number_id, contact_id, max(at)"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) w (number_id, contact_id, at)"
            " GROUP BY number_id, contact_id ORDER BY number_id, contact_id"
            " ON CONFLICT (tenant_id, number_id, contact_id) DO UPDATE"
            " SET last_inbound_at = greatest(inbox_conversation.last_inbound_at, excluded.last_inbound_at)"
            " RETURNING number_id, contact_id, id",
            [tenant.pk, numbers, contacts, times],
        )
        return {(number_id, contact_id): pk for number_id, contact_id, pk in cursor.fetchall()}
