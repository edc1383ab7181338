"""Finds the files that campaigns still need and Meta is about to forget."""

from datetime import timedelta

from django.db import connection
from django.utils.timezone import now

from tenants.scope import across_tenants

# Meta keeps files for 30 days; so one that it refuses has five more days of hourly rounds.
RENEWED_BEFORE = timedelta(days=5)
# Files in the header of campaigns that are scheduled or have begun. Their uids are compared without what spellings
# differ in; a cast would know fewer of those than Python does, and fail at the others.
NEEDED = """
SELECT DISTINCT m.id FROM campaigns_campaign k
JOIN campaigns_variant v ON v.tenant_id = k.tenant_id AND v.campaign_id = k.id
JOIN whatsapp_media m ON m.tenant_id = v.tenant_id AND replace(m.uid::text, '-', '')
  = regexp_replace(lower(v.variables -> 'header' ->> 'media'), 'urn:|uuid:|[-{}]', '', 'g')
JOIN tenants_tenant t ON t.id = k.tenant_id AND t.is_active
WHERE k.state IN ('scheduled', 'running', 'paused') AND m.expires_at < %s AND m.upload_due_at IS NULL
"""


def due() -> list[int]:
    """Ids of all files that a campaign needs and Meta will forget within days, or already has.

    Without those that wait already to be brought to Meta: workers take them in their turn (whatsapp.uploading).
    """
    with across_tenants("files of every tenant grow old"), connection.cursor() as cursor:
        cursor.execute(NEEDED, [now() + RENEWED_BEFORE])
        return [media_id for (media_id,) in cursor.fetchall()]
