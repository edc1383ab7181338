"""People are counted as a set: the planner takes those of a large company for few, and would loop over them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from segments import queries
from tenants.models import Tenant

YES: dict[str, Any] = {"consent": {"channel": "whatsapp", "purpose": "marketing"}, "op": "granted"}
VIEWED: dict[str, Any] = {"event": "product_viewed", "op": "ever"}
READ: dict[str, Any] = {"message": "read", "op": "has"}
SETTINGS = "SELECT current_setting(unnest('{enable_nestloop, work_mem, statement_timeout}'::text[]))"


def settings() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        return [value for (value,) in cursor.fetchall()]


@contextmanager
def held() -> Iterator[list[bool]]:
    """Whether loops are allowed, for each count inside."""
    loops: list[bool] = []
    with CaptureQueriesContext(connection) as asked:
        yield loops
    allowed = True
    for sql in (each["sql"] for each in asked):
        if "enable_nestloop" in sql and "set_config" in sql:
            allowed = "'off'" not in sql
        if sql.startswith("SELECT count(*) FROM contacts_contact c"):
            loops.append(allowed)


@pytest.mark.parametrize(
    ("rule", "loops"),
    [
        (YES, [False]),
        # Of messages and events there may be hundreds for each: where few people are asked about, loops are right.
        (VIEWED, [True]),
        ({"op": "and", "rules": [YES, {"op": "not", "rules": [READ]}]}, [True, False, True, True]),
    ],
)
def test_what_people_are_is_counted_as_a_set_and_what_they_did_as_the_planner_likes(
    in_bakery: Tenant, rule: dict[str, Any], loops: list[bool]
) -> None:
    before = settings()

    with held() as found:
        queries.preview(in_bakery, rule)

    assert found == loops
    assert settings() == before


def test_a_count_that_takes_too_long_leaves_the_settings_as_they_were(in_bakery: Tenant) -> None:
    before = settings()

    with pytest.raises(queries.TookTooLong), queries.at_most(0.05), queries.as_a_set(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")

    assert settings() == before
