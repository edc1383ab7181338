"""A database that is away is told from one that refuses something."""

import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError

from tenants.away import is_away


# The plain DatabaseError is what psycopg2 raises where the server ends in the middle of an answer.
@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_what_is_about_the_connection_may_be_tried_again(error: type[Exception]) -> None:
    assert is_away(error("server closed the connection unexpectedly"))


@pytest.mark.parametrize("error", [DataError, IntegrityError, ValueError])
def test_what_is_about_the_data_would_fail_again(error: type[Exception]) -> None:
    assert not is_away(error("value too long"))
