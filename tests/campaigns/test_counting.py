"""Pages of a draft are there at once; the numbers of its audience follow, for a million people take seconds."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.actions import NewTenant
from tests import factories
from tests.campaigns.cast import draft
from tests.campaigns.test_views import HTMX, at


@pytest.mark.parametrize("step", ["audience", "message", "review"])
def test_a_page_does_not_wait_until_people_are_counted_and_fetches_that_itself(
    client: Client, bakery_made: NewTenant, step: str
) -> None:
    client.force_login(bakery_made.owner)
    campaign = draft(bakery_made.tenant, factories.contacts(bakery_made.tenant, 3))

    with CaptureQueriesContext(connection) as of_page:
        page = client.get(at(campaign, f"edit/{step}/")).content.decode()
    [fetched] = re.findall(r'hx-get="([^"]+)"\s+hx-trigger="load"', page)
    with CaptureQueriesContext(connection) as of_numbers:
        numbers = client.get(fetched, **HTMX).content.decode()

    assert (counts(of_page), counts(of_numbers)) == (0, 1)
    assert "<html" not in numbers
    assert 'hx-trigger="load"' not in numbers


@pytest.mark.parametrize("step", ["audience", "message", "review"])
def test_where_no_script_runs_people_are_counted_on_a_click(client: Client, bakery_made: NewTenant, step: str) -> None:
    client.force_login(bakery_made.owner)
    campaign = draft(bakery_made.tenant, factories.contacts(bakery_made.tenant, 3))
    [asked] = re.findall(r'<noscript><a href="([^"]+)"', client.get(at(campaign, f"edit/{step}/")).content.decode())

    with CaptureQueriesContext(connection) as of_page:
        page = client.get(at(campaign, f"edit/{step}/{asked}")).content.decode()

    assert counts(of_page) == 1
    assert "<html" in page
    assert 'hx-trigger="load"' not in page


def counts(queries: CaptureQueriesContext) -> int:
    """How many statements count everybody; to count among a thousand who were chosen costs nothing."""
    of_people = [row["sql"] for row in queries if "contacts_contact c" in row["sql"]]
    return sum("count(*)" in sql and "c.id = ANY" not in sql for sql in of_people)
