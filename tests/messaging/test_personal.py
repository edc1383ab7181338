"""A person's clicks are found without reading everybody's, and so are those that are past their time."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from messaging import personal
from messaging.models import Click
from tenants.models import Tenant
from tests.analytics import cast
from tests.plans import rows_looked_at

PEOPLE, EACH = 250, 20
LONG_AGO = timedelta(days=800)


@pytest.fixture
def clicks(in_bakery: Tenant) -> QuerySet[Click]:
    """Old clicks of many people, every second one a preview's, stored newest first, with fresh statistics."""
    link = cast.link_of(cast.source_of(in_bakery))
    began = timezone.now() - LONG_AGO
    Click.objects.bulk_create(
        Click(
            tenant=in_bakery,
            link=link,
            source_id=link.source_id,
            contact_id=n % PEOPLE + 1,
            at=began - timedelta(seconds=n),
            is_counted=n % 2 == 0,
        )
        for n in range(PEOPLE * EACH)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_click")
    return Click.objects.order_by("at")


def before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_a_night_s_batch_takes_the_oldest_clicks_and_looks_at_no_others(
    in_bakery: Tenant, clicks: QuerySet[Click]
) -> None:
    with rows_looked_at(by=personal.LET_CLICKS_GO) as looked_at:
        personal.let_go(in_bakery, before=before(700), most=10)

    assert looked_at[0] < 100
    anonymous = clicks.filter(contact=None).values_list("pk", flat=True)
    assert list(anonymous) == list(clicks.values_list("pk", flat=True)[:10])


def test_every_click_of_a_person_is_found_by_an_index(in_bakery: Tenant, clicks: QuerySet[Click]) -> None:
    theirs = Click.objects.filter(tenant=in_bakery, contact=7)

    assert theirs.count() == EACH
    plan = theirs.explain()
    assert "click_of_contact" in plan
    assert "Seq Scan" not in plan
