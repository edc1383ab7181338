"""Few or none among many recipients are found without reading the others."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics import queries
from campaigns.models import Campaign
from messaging.models import Message
from tenants.models import Tenant
from tests.analytics.cast import NOON, State, campaign_of
from tests.plans import rows_looked_at

MANY, FEW = 5_000, 10
# Read by everybody.
MESSAGES = """
INSERT INTO messaging_message (tenant_id, source_id, contact_id, queue, state, accepted_at, sent_at, delivered_at,
    read_at)
SELECT %s, %s, n, 2, 6, now(), now(), now(), now() FROM generate_series(1, %s) n
"""
# What became of the last ones, as their writers leave it.
OTHERWISE: list[dict[str, Any]] = [
    {"state": State.FAILED, "failed_at": NOON, "error_code": 131026},
    {"state": State.FAILED, "reason": "invalid_payload"},
    {"state": State.SKIPPED, "reason": "withdrawn"},
    {"state": State.CANCELLED, "reason": "campaign_cancelled"},
    {"state": State.EXPIRED, "reason": "source_expired"},
    {"state": State.UNCERTAIN, "reason": "never_confirmed"},
    {"replied_at": NOON},
    {"opted_out_at": NOON},
    {"clicked_at": NOON},
]


@pytest.fixture
def large(in_bakery: Tenant) -> Campaign:
    """A campaign of thousands, of whom a few did not just read it."""
    campaign = campaign_of(in_bakery)
    with connection.cursor() as cursor:
        cursor.execute(MESSAGES, [in_bakery.pk, campaign.source_id, MANY])
    last = list(Message.objects.order_by("-contact_id").values_list("pk", flat=True)[: len(OTHERWISE)])
    for pk, fields in zip(last, OTHERWISE, strict=True):
        Message.objects.filter(pk=pk).update(**fields)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")
    return campaign


def page(campaign: Campaign, **chosen: Any) -> Any:
    return queries.recipients(campaign, **chosen)[:50]


CHOSEN: list[tuple[dict[str, Any], int]] = [
    ({"state": "failed"}, 2),
    ({"state": "skipped"}, 1),
    ({"state": "cancelled"}, 1),
    ({"state": "expired"}, 1),
    ({"state": "uncertain"}, 1),
    ({"reason": "withdrawn"}, 1),
    ({"reason": "nothing_of_that_name"}, 0),
    ({"error_code": 131026}, 1),
    ({"error_code": 1}, 0),
    ({"reached": "failed"}, 1),
    ({"reached": "replied"}, 1),
    ({"reached": "opted_out"}, 1),
]


@pytest.mark.parametrize(("chosen", "count"), CHOSEN)
def test_few_recipients_are_found_among_many_without_reading_the_others(
    large: Campaign, chosen: dict[str, Any], count: int
) -> None:
    assert len(page(large, **chosen)) == count

    with rows_looked_at(by=page(large, **chosen).query.sql_with_params()[0]) as looked_at:
        list(page(large, **chosen))

    assert looked_at[0] <= 4 * FEW


@pytest.mark.parametrize("chosen", [{"state": "held"}, {"state": "queued"}, {"state": "accepted"}])
def test_a_state_that_nobody_is_in_is_told_by_the_numbers(large: Campaign, chosen: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert list(page(large, **chosen)) == []

    assert not [query for query in asked if "messaging_message" in query["sql"]]


def test_a_step_that_nobody_reached_is_told_by_the_numbers(large: Campaign) -> None:
    Message.objects.update(opted_out_at=None)

    with CaptureQueriesContext(connection) as asked:
        assert list(page(large, reached="opted_out")) == []

    assert not [query for query in asked if "messaging_message" in query["sql"]]
