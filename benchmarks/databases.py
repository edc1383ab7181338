"""The empty database that benchmarks and faults run in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections


@contextmanager
def empty() -> Iterator[None]:
    """A migrated database beside the named one, dropped afterwards; append-only tables cannot be emptied."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connections.close_all()
        connection.creation.destroy_test_db(name, verbosity=0)


def settle() -> None:
    """Clean up and write out now what one benchmark has left; else it would be done in the middle of the next one."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    os.sync()
