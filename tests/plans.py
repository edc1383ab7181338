"""Counts what a statement looks at, which tells a plan that grows with the square of a table from one that does not."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def rows_looked_at(by: str) -> Iterator[list[int]]:
    """How many rows the plan visited, for each run of this statement in the block, which then returns none."""
    found: list[int] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql != by:
            return execute(sql, params, many, context)
        answer = execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params, many, context)
        (plan,) = context["cursor"].fetchone()
        found.append(_visited((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
        return answer

    with connection.execute_wrapper(explain):
        yield found


def _visited(node: dict[str, Any]) -> int:
    rows = sum(node.get(key, 0) for key in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    if node["Node Type"] == "Bitmap Index Scan":
        # It counts entries, also those of rows that tests before rolled back; its heap scan counts what is there.
        rows = 0
    return round(rows * node["Actual Loops"]) + sum(_visited(part) for part in node.get("Plans", []))
