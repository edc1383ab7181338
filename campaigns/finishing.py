"""Computes from rows which campaigns are over, and which were stopped by Meta's errors."""

from django.db import connection

from campaigns.models import Campaign
from messaging.queries import first_under_way, first_waiting
from tenants.scope import across_tenants

# Nothing waits, nothing is being sent, no outcome is being clarified: computed from rows, so a campaign can never
# say "finished" while a message is left.
IS_OVER = f"""
k.state = 'running' AND k.frozen_at IS NOT NULL
  AND {first_waiting("k.tenant_id", "k.source_id")} IS NULL
  AND {first_under_way("k.tenant_id", "k.source_id")} IS NULL
"""
# Whoever puts messages back into the queue holds their source: so it is locked first and looked at again afterwards.
# What somebody else holds waits for the next round.
OVER = f"""
SELECT k.id FROM campaigns_campaign k JOIN messaging_source s ON s.tenant_id = k.tenant_id AND s.id = k.source_id
WHERE {IS_OVER} FOR NO KEY UPDATE SKIP LOCKED
"""
FINISH = f"""
WITH over AS (
  UPDATE campaigns_campaign k SET state = 'finished', finished_at = now()
  WHERE k.id = ANY(%s) AND {IS_OVER}
  RETURNING k.tenant_id, k.source_id
)
UPDATE messaging_source s SET state = 'closed' FROM over o WHERE s.tenant_id = o.tenant_id AND s.id = o.source_id
"""

# The sender pauses a source when Meta says that its template cannot be sent; the campaign shows it.
SHOW_PAUSED = """
UPDATE campaigns_campaign k SET state = 'paused' FROM messaging_source s
WHERE k.state = 'running' AND k.frozen_at IS NOT NULL AND s.tenant_id = k.tenant_id AND s.id = k.source_id
  AND s.state = 'paused' AND s.pause_code IS NOT NULL
"""


def finish_done() -> int:
    """Finish campaigns of all tenants that have nothing left; returns how many."""
    with across_tenants("every tenant's campaigns end by the same rule"), connection.cursor() as cursor:
        cursor.execute(SHOW_PAUSED)
        cursor.execute(OVER)
        cursor.execute(FINISH, [[row[0] for row in cursor.fetchall()]])
        return cursor.rowcount


def unfrozen() -> list[tuple[int, int]]:
    """(tenant id, campaign id) of running campaigns whose freeze is not complete: their worker may have died."""
    with across_tenants("a freeze may have lost its worker"):
        rows = Campaign.objects.filter(state=Campaign.State.RUNNING, frozen_at=None)
        return list(rows.values_list("tenant_id", "id")[:100])
