"""Cancels what waits in a source that was closed, a batch at a time: a million rows are no work for one request."""

import time

from django.db import connection

from messaging import queries
from messaging.models import Message, Source
from tenants.scope import across_tenants, tenant_scope

AT_A_TIME = 10_000
# In the order of claims, so that neither waits for the other in a circle.
WAITING = """
SELECT id FROM messaging_message WHERE tenant_id = %s AND source_id = %s AND queue = 0
ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE
"""
CANCEL = """
UPDATE messaging_message SET queue = %s, state = %s, reason = 'campaign_cancelled' WHERE tenant_id = %s AND id = ANY(%s)
"""


def empty(tenant_id: int, source_id: int) -> bool:
    """Cancel the next waiting messages of a closed source; True once none is left.

    What comes back into a closed source's queue is cancelled by whoever brings it (messaging.queries.hold_sources).
    """
    with tenant_scope(tenant_id):
        with connection.cursor() as cursor:
            with queries.in_order_of_claims(cursor):
                cursor.execute(WAITING, [tenant_id, source_id, AT_A_TIME])
                waiting = [row[0] for row in cursor.fetchall()]
            cursor.execute(CANCEL, [Message.Queue.OUT, Message.State.CANCELLED, tenant_id, waiting])
        is_done = len(waiting) < AT_A_TIME
        if is_done:
            Source.objects.filter(tenant=tenant_id, pk=source_id).update(is_emptying=False)
    return is_done


def run(*, seconds: float) -> bool:
    """Empty every closed source for at most about this many seconds; True if something is left."""
    end = time.monotonic() + seconds
    with across_tenants("closed sources of every tenant are emptied by the same worker"):
        left = list(Source.objects.filter(is_emptying=True).order_by("pk").values_list("tenant_id", "pk"))
    while left and time.monotonic() < end:
        if empty(*left[0]):
            left.pop(0)
    return bool(left)
