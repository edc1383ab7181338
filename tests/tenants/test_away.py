"""A database that is away is told from one that refuses something."""

import psycopg2
import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, connection

from tenants.away import is_away


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_what_is_about_the_connection_may_be_tried_again(error: type[Exception]) -> None:
    # The plain one is what psycopg2 raises where the server ends in the middle of an answer.
    with pytest.raises(error) as told, connection.wrap_database_errors:
        raise getattr(psycopg2, error.__name__)("server closed the connection unexpectedly")

    assert is_away(told.value)


def test_what_django_says_itself_is_not_about_the_connection() -> None:
    assert not is_away(DatabaseError("Save with update_fields did not affect any rows."))


@pytest.mark.parametrize("error", [DataError, IntegrityError, ValueError])
def test_what_is_about_the_data_would_fail_again(error: type[Exception]) -> None:
    assert not is_away(error("value too long"))
