"""Every index is paid by every insert, so each one stands in docs/performance.md with what it is for, and no other."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.test_architecture import OURS

# Columns in their order, expressions as they are written, and those that are only carried along.
INDEXES = """
SELECT t.relname, i.relname, string_agg(pg_get_indexdef(i.oid, n, true), ', ' ORDER BY n)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
CROSS JOIN generate_series(1, x.indnkeyatts) n
WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition AND NOT x.indisprimary
  AND split_part(t.relname, '_', 1) = ANY(%s)
GROUP BY 1, 2
"""


def documented() -> list[str]:
    """What stands between backticks in the first column of the tables under "Indexes"."""
    page = (Path(settings.BASE_DIR) / "docs" / "performance.md").read_text()
    section = page.partition("\n## Indexes\n")[2].partition("\n## ")[0]
    firsts = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return [name for first in firsts for name in re.findall(r"`([^`]+)`", first)]


@pytest.mark.django_db
def test_every_index_is_explained_and_every_explained_one_exists() -> None:
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [sorted(OURS)])
        found = {name: f"{table}({columns})" for table, name, columns in cursor.fetchall()}
    told = documented()

    assert len(found) > 100
    assert {name: by for name, by in found.items() if name not in told and by not in told} == {}
    assert sorted({*told} - found.keys() - {*found.values()}) == []
    assert sorted(name for name in {*told} if told.count(name) > 1) == []
