"""Cancels what waits in a source that was closed, a batch at a time: a million rows are no work for one request."""

import time

from django.db import connection

from messaging.models import Message, Source
from tenants.scope import across_tenants, tenant_scope

AT_A_TIME = 10_000
# In the order of claims, so that neither waits for the other in a circle. MATERIALIZED: looked up again for each row of
# a join, a limited and locking select would each time find the next ones.
CANCEL = """
WITH waiting AS MATERIALIZED (
  SELECT id FROM messaging_message WHERE tenant_id = %(tenant)s AND source_id = %(source)s AND queue = 0
  ORDER BY next_attempt_at, id LIMIT %(most)s FOR UPDATE
)
UPDATE messaging_message m SET queue = %(out)s, state = %(cancelled)s, reason = 'campaign_cancelled'
FROM waiting WHERE m.tenant_id = %(tenant)s AND m.id = waiting.id
"""


def empty(tenant_id: int, source_id: int) -> bool:
    """Cancel the next waiting messages of a closed source; True once none is left.

    What comes back into a closed source's queue is cancelled by whoever brings it (messaging.queries.hold_sources).
    """
    with tenant_scope(tenant_id):
        with connection.cursor() as cursor:
            params = {"out": Message.Queue.OUT, "cancelled": Message.State.CANCELLED, "most": AT_A_TIME}
            cursor.execute(CANCEL, {**params, "tenant": tenant_id, "source": source_id})
            is_done = cursor.rowcount < AT_A_TIME
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
