"""Counts the KPI tables anew from messages, clicks and orders: to prove them right, or to rewrite them."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from messaging.models import Message

REACHED = ("accepted", "sent", "delivered", "read", "clicked", "replied", "opted_out")
HOURLY = ("accepted", "sent", "delivered", "read", "failed", "clicked", "replied", "opted_out")
OWN_ROWS = "x.tenant_id = %(tenant)s AND (%(source)s::bigint IS NULL OR x.source_id = %(source)s)"

ORDERS = {
    "orders": "count(*) FILTER (WHERE x.value >= 0)",
    "revenue": "coalesce(sum(x.value) FILTER (WHERE x.currency = t.currency), 0)",
}
CREDITS = f"analytics_ordercredit x JOIN tenants_tenant t ON t.id = x.tenant_id WHERE {OWN_ROWS}"

# Credits that the attribution rule asks for and that are missing or different, and those it does not ask for although
# order and click are both still there. A credit outlives its order and click.
CREDIT_DRIFT = """
WITH due AS MATERIALIZED (
    SELECT * FROM analytics_credits_due(%(tenant)s, array(
        SELECT id FROM contacts_event
        WHERE tenant_id = %(tenant)s AND name IN ('order_placed', 'order_refunded')))
)
SELECT coalesce(d.event_id, x.event_id), coalesce(x.source_id, d.source_id), coalesce(x.variant, d.variant),
    x.value, d.value
FROM due d
FULL JOIN (SELECT * FROM analytics_ordercredit x WHERE x.tenant_id = %(tenant)s) x ON x.event_id = d.event_id
WHERE (%(source)s::bigint IS NULL OR %(source)s IN (x.source_id, d.source_id))
    AND (x.source_id, x.variant, x.contact_id, x.value, x.currency, x.occurred_at)
        IS DISTINCT FROM (d.source_id, d.variant, d.contact_id, d.value, d.currency, d.occurred_at)
    AND (d.event_id IS NOT NULL OR (
        EXISTS (SELECT 1 FROM contacts_event e WHERE e.tenant_id = %(tenant)s AND e.id = x.event_id)
        AND EXISTS (SELECT 1 FROM messaging_click k WHERE k.tenant_id = %(tenant)s AND k.id = x.click_id
                    AND k.contact_id IS NOT NULL)))
ORDER BY 1
"""


@dataclass(frozen=True)
class Part:
    """One place to count from: the FROM and WHERE, and an SQL expression for each column it contributes to."""

    rows: str
    columns: dict[str, str]
    key: dict[str, str]


@dataclass(frozen=True)
class Recount:
    """How one KPI table follows from the rows it counts."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def counted(self) -> str:
        """SELECT of key and columns, counted from the rows."""
        parts = " UNION ALL ".join(self._selected(part) for part in self.parts)
        return f"SELECT {self._summed()} FROM ({parts}) p GROUP BY {', '.join(self.key)}"

    @property
    def stored(self) -> str:
        """SELECT of key and columns as the KPI table has them, over all shards."""
        return f"SELECT {self._summed()} FROM {self.table} x WHERE {OWN_ROWS} GROUP BY {', '.join(self.key)}"

    def _selected(self, part: Part) -> str:
        key = [f"{part.key.get(name, f'x.{name}')} AS {name}" for name in self.key]
        columns = [f"{part.columns.get(name, '0')} AS {name}" for name in self.columns]
        numbers = ", ".join(str(i + 1) for i in range(len(self.key)))
        return f"(SELECT {', '.join(key + columns)} FROM {part.rows} GROUP BY {numbers})"

    def _summed(self) -> str:
        return ", ".join([*self.key, *(f"sum({name}) AS {name}" for name in self.columns)])


def _hour(column: str) -> str:
    return f"date_trunc('hour', {column}, 'UTC')"


KPI = Recount(
    "analytics_kpi",
    ("source_id", "variant"),
    (*(f"in_{state.name.lower()}" for state in Message.State), *REACHED, "clicks", "orders", "converted", "revenue"),
    (
        Part(
            f"messaging_message x WHERE {OWN_ROWS}",
            {f"in_{s.name.lower()}": f"count(*) FILTER (WHERE x.state = {s.value})" for s in Message.State}
            | {step: f"count(x.{step}_at)" for step in REACHED},
            {},
        ),
        Part(
            f"messaging_click x WHERE {OWN_ROWS} AND x.is_counted",
            {"clicks": "count(*)"},
            {"variant": "analytics_click_variant(x.tenant_id, x.message_id, x.link_id)"},
        ),
        Part(CREDITS, ORDERS | {"converted": "count(DISTINCT x.contact_id) FILTER (WHERE x.value >= 0)"}, {}),
    ),
)
HOURLY_KPI = Recount(
    "analytics_hourlykpi",
    ("source_id", "variant", "hour"),
    (*HOURLY, "orders", "revenue"),
    (
        *(
            Part(
                f"messaging_message x WHERE {OWN_ROWS} AND x.{step}_at IS NOT NULL",
                {step: "count(*)"},
                {"hour": _hour(f"x.{step}_at")},
            )
            for step in HOURLY
        ),
        Part(CREDITS, ORDERS, {"hour": _hour("x.occurred_at")}),
    ),
)
REASON_KPI = Recount(
    "analytics_reasonkpi",
    ("source_id", "variant", "state", "reason", "error_code"),
    ("messages",),
    (
        Part(
            f"messaging_message x WHERE {OWN_ROWS} AND x.state BETWEEN 7 AND 11",
            {"messages": "count(*)"},
            {"error_code": "coalesce(x.error_code, 0)"},
        ),
    ),
)
COST_KPI = Recount(
    "analytics_costkpi",
    ("source_id", "variant", "hour", "market", "price_type", "price_category"),
    ("messages",),
    (
        Part(
            f"messaging_message x WHERE {OWN_ROWS} AND x.delivered_at IS NOT NULL",
            {"messages": "count(*)"},
            {"hour": _hour("x.delivered_at")},
        ),
    ),
)
RECOUNTS = (KPI, HOURLY_KPI, REASON_KPI, COST_KPI)


@dataclass(frozen=True)
class Drift:
    """One number that is stored otherwise than it is counted; `key` names the row beside source and variant."""

    table: str
    source_id: int
    variant: int
    key: tuple[str, ...]
    column: str
    stored: Decimal | int
    counted: Decimal | int


def drifts(tenant_id: int, source_id: int | None = None) -> list[Drift]:
    """Every difference between KPI tables and rows of a tenant, or of one source of it; needs the tenant's scope.

    Each table is compared in one statement, hence in one snapshot: changes going on meanwhile are no difference.
    """
    found = [drift for recount in RECOUNTS for drift in _compare(recount, tenant_id, source_id)]
    for event_id, source, variant, stored, counted in _credit_drifts(tenant_id, source_id):
        key = (f"event {event_id}",)
        found.append(Drift("analytics_ordercredit", source, variant, key, "value", stored or 0, counted or 0))
    return found


@transaction.atomic
def rewrite(tenant_id: int, source_id: int | None = None) -> None:
    """Replace the KPI rows of a tenant, or of one source, by a recount; needs the tenant's scope.

    Nobody can write messages, clicks, orders or credits meanwhile, of any tenant: seconds for millions of messages.
    """
    values = {"tenant": tenant_id, "source": source_id}
    with connection.cursor() as cursor:
        cursor.execute(
            "LOCK TABLE messaging_message, messaging_click, contacts_event, analytics_ordercredit"
            " IN SHARE ROW EXCLUSIVE MODE"
        )
        events = [row[0] for row in _credit_drifts(tenant_id, source_id)]
        cursor.execute("SELECT analytics_attribute(%s, %s::bigint[], '{}')", [tenant_id, events])
        for recount in RECOUNTS:
            columns = ", ".join([*recount.key, *recount.columns])
            cursor.execute(f"DELETE FROM {recount.table} x WHERE {OWN_ROWS}", values)
            cursor.execute(
                f"INSERT INTO {recount.table} (tenant_id, shard, {columns})"
                f" SELECT %(tenant)s, 0, {columns} FROM ({recount.counted}) counted",
                values,
            )
        cursor.execute(
            "UPDATE analytics_kpi k SET first_accepted_at = m.first, last_accepted_at = m.last FROM ("
            " SELECT x.source_id, x.variant, min(x.accepted_at) AS first, max(x.accepted_at) AS last"
            f" FROM messaging_message x WHERE {OWN_ROWS} GROUP BY 1, 2) m"
            " WHERE k.tenant_id = %(tenant)s AND k.source_id = m.source_id AND k.variant = m.variant",
            values,
        )


def _compare(recount: Recount, tenant_id: int, source_id: int | None) -> list[Drift]:
    key, columns = ", ".join(recount.key), recount.columns
    sides = [f"coalesce({side}.{name}, 0)" for side in ("s", "c") for name in columns]
    sql = (
        f"SELECT {key}, {', '.join(sides)} FROM ({recount.stored}) s FULL JOIN ({recount.counted}) c USING ({key})"
        f" WHERE ({', '.join(sides[: len(columns)])}) IS DISTINCT FROM ({', '.join(sides[len(columns) :])})"
        f" ORDER BY {key}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": tenant_id, "source": source_id})
        return [drift for row in cursor.fetchall() for drift in _row_drifts(recount, row)]


def _row_drifts(recount: Recount, row: tuple) -> list[Drift]:
    width = len(recount.key)
    stored, counted = row[width : width + len(recount.columns)], row[width + len(recount.columns) :]
    names = tuple(f"{name} {value}" for name, value in zip(recount.key[2:], row[2:width], strict=True))
    return [
        Drift(recount.table, row[0], row[1], names, column, was, now)
        for column, was, now in zip(recount.columns, stored, counted, strict=True)
        if was != now
    ]


def _credit_drifts(tenant_id: int, source_id: int | None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(CREDIT_DRIFT, {"tenant": tenant_id, "source": source_id})
        return cursor.fetchall()
