"""Tells a database that is away from one that refuses what it is given."""

import psycopg2
from django.db import DatabaseError, InterfaceError, OperationalError


def is_away(error: BaseException) -> bool:
    """Whether an error is about the connection or the server, so that the same may be tried again later.

    psycopg2 raises a plain DatabaseError, without SQLSTATE, where the server ends in the middle of an answer. Django
    raises plain ones of its own.
    """
    is_plain = type(error) is DatabaseError and isinstance(error.__cause__, psycopg2.Error)
    return is_plain or isinstance(error, OperationalError | InterfaceError)
