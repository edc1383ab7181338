"""How fast a campaign goes and went: rate, expected end, and how long a message waits for WhatsApp's acceptance."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from analytics.kpi import Counts
from analytics.queries.sums import VariantSum
from campaigns.models import Campaign
from messaging.models import Source
from tenants.replica import reading

# A thousand index probes spread evenly over the contacts: milliseconds for any size, exact for small campaigns.
SAMPLE = 1000
MEDIAN_WAIT = """
WITH span AS (
    SELECT (SELECT contact_id FROM messaging_message WHERE tenant_id = %(tenant)s AND source_id = %(source)s
            ORDER BY contact_id LIMIT 1) AS lowest,
           (SELECT contact_id FROM messaging_message WHERE tenant_id = %(tenant)s AND source_id = %(source)s
            ORDER BY contact_id DESC LIMIT 1) AS highest
), sample AS (
    SELECT DISTINCT m.id, m.accepted_at - m.created_at AS wait
    FROM span
    CROSS JOIN generate_series(lowest, highest, greatest((highest - lowest) / %(size)s, 1)) AS start
    CROSS JOIN LATERAL (
        SELECT id, accepted_at, created_at FROM messaging_message
        WHERE tenant_id = %(tenant)s AND source_id = %(source)s AND contact_id >= start
        ORDER BY contact_id LIMIT 1
    ) m
    WHERE m.accepted_at IS NOT NULL
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY wait) FROM sample
"""


@dataclass(frozen=True)
class Timing:
    """When and how fast; times in UTC, None where it has not happened yet.

    `median_wait` is from queueing to WhatsApp's acceptance. `per_minute` is the mean over the whole sending, pauses
    included. `ends_at` is a forecast from it, only while the campaign may send.
    """

    launched_at: datetime | None
    finished_at: datetime | None
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None
    median_wait: timedelta | None
    per_minute: Decimal | None
    ends_at: datetime | None


def timing(campaign: Campaign, variants: list[VariantSum], counts: Counts, *, at: datetime) -> Timing:
    """The campaign's timing as of `at`; one query if anything was accepted, none otherwise."""
    first = min((v.first_accepted_at for v in variants if v.first_accepted_at), default=None)
    last = max((v.last_accepted_at for v in variants if v.last_accepted_at), default=None)
    rate = _per_minute(counts.accepted, first, last)
    may_send = campaign.source is not None and campaign.source.state == Source.State.OPEN
    return Timing(
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
        first_accepted_at=first,
        last_accepted_at=last,
        median_wait=_median_wait(campaign) if first else None,
        per_minute=rate,
        ends_at=at + timedelta(minutes=float(counts.open / rate)) if rate and counts.open and may_send else None,
    )


def _per_minute(accepted: int, first: datetime | None, last: datetime | None) -> Decimal | None:
    # One burst says nothing about a rate.
    if first is None or last is None or last - first < timedelta(seconds=1):
        return None
    minutes = Decimal(str((last - first).total_seconds())) / 60
    return (accepted / minutes).quantize(Decimal("0.1"))


def _median_wait(campaign: Campaign) -> timedelta | None:
    with reading().cursor() as cursor:
        cursor.execute(MEDIAN_WAIT, {"tenant": campaign.tenant_id, "source": campaign.source_id, "size": SAMPLE})
        row = cursor.fetchone()
    return row[0] if row else None
