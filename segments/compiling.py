"""Turns a rule into one SQL condition over `contacts_contact c`: own fragments only, every value a parameter.

Each condition is true or false, never NULL, so that "not" means the opposite. What happened elsewhere is asked with
EXISTS over a (grouped) sub-select that carries `tenant_id`: PostgreSQL turns it into one hash join where it can, and
into an index lookup per contact where it cannot, but never into a scan per contact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import singledispatch
from operator import eq, ge, gt, le, lt
from typing import Any

from django.utils import timezone

from consent import rules
from consent.models import Purpose
from consent.queries import is_invalidating, special_names
from segments import asking
from segments.rules import (
    Attribute,
    Behaved,
    Comparison,
    Consented,
    Field,
    Group,
    Happened,
    Listed,
    Node,
    Tagged,
    Window,
    parse,
)

OPERATORS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "gt": (">", gt),
    "gte": (">=", ge),
    "lt": ("<", lt),
    "lte": ("<=", le),
    "is": ("=", eq),
}
# A negative is the exact opposite of its positive, so contacts without a value belong to it.
OPPOSITES = {"is_not": "is", "not_in": "in", "not_contains": "contains", "is_not_set": "is_set"}
# What is compared as a number or a date must look like one: casting anything else would stop the whole query.
NUMERIC = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$"
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
TEXT_COLUMNS = {
    "first_name": "c.first_name",
    "last_name": "c.last_name",
    "language": "c.language",
    "country": "c.country",
    "postcode": "c.postcode",
    "email": "c.email",
    "phone": "c.phone",
    "external_id": "c.external_id",
}
# A message that was read was delivered, even if WhatsApp's "delivered" got lost.
MOMENTS = {
    "received": "m.accepted_at",
    "delivered": "coalesce(m.delivered_at, m.read_at)",
    "read": "m.read_at",
    "clicked": "m.clicked_at",
    "replied": "m.replied_at",
    "opted_out": "m.opted_out_at",
    "failed": "m.failed_at",
}
# Using one person's reads and clicks needs the person's yes to being measured (consent-gdpr CG-36).
MEASURED = {"read", "clicked"}
INVALIDATING = rules.IS_INVALIDATING.format(state="s", tenant="{}")


@dataclass(frozen=True)
class Compiled:
    """SQL with `%s` for each of the params, in order."""

    sql: str
    params: tuple[Any, ...] = ()


NOTHING = Compiled("")


@dataclass(frozen=True)
class Frame:
    """For whom and for which moment a rule is compiled."""

    tenant_id: int
    at: datetime


def members(rule: dict[str, Any] | None, *, tenant_id: int, at: datetime | None = None) -> Compiled:
    """One SELECT of the ids of the tenant's contacts for whom the rule holds at a moment (default now).

    Raises InvalidRule. "Today" is the tenant's local day.
    """
    holds = condition(rule, tenant_id=tenant_id, at=at)
    return _fill("SELECT c.id FROM contacts_contact c WHERE c.tenant_id = {} AND {}", _value(tenant_id), holds)


def condition(
    rule: dict[str, Any] | None, *, tenant_id: int, at: datetime | None = None, is_excluding: bool = False
) -> Compiled:
    """The rule as one boolean over the alias `c` of contacts_contact, in brackets; raises InvalidRule.

    `is_excluding` when whoever it holds for is to get nothing.
    """
    return guarded(parse(rule), Frame(tenant_id, at or timezone.now()), is_excluding=is_excluding)


def guarded(node: Node, frame: Frame, *, is_excluding: bool = False) -> Compiled:
    """The condition of a rule, or of a part of it, for the people for whom it may be asked.

    What the company has marked as special (Art. 9 GDPR) counts only for people who agreed to its use, and the whole
    rule is guarded: what a "not" or an "or" around it finds would tell it, too (CG-08).

    A rule that excludes holds for everybody else as well. Nobody may look at their data, so nobody knows whether they
    are among those who must not get the message: leaving all of them out uses nobody's data, and sending to them might
    reach the very people whom the company wanted to spare.
    """
    holds = compiled(node, frame)
    if not asking.is_special(node, frame.tenant_id):
        return holds
    agreed = _granted("whatsapp", "special_category", frame, is_wanted=True)
    return _fill("(NOT {} OR {})" if is_excluding else "({} AND {})", agreed, holds)


@singledispatch
def compiled(node: Node, frame: Frame) -> Compiled:
    """The condition of one node."""
    raise TypeError(type(node))


@compiled.register
def _group(node: Group, frame: Frame) -> Compiled:
    if not node.rules:
        return Compiled("TRUE")
    parts = [compiled(rule, frame) for rule in node.rules]
    joined = _joined(" AND " if node.op == "and" else " OR ", parts)
    return _fill("(NOT ({}))" if node.op == "not" else "({})", joined)


@compiled.register
def _field(node: Field, frame: Frame) -> Compiled:
    if node.name == "birthday":
        return _birthday(node.comparison, frame)
    if node.name == "created_at":
        return _moment("c.created_at", node.comparison, frame)
    return _compared(Compiled(TEXT_COLUMNS[node.name]), node.comparison, frame)


@compiled.register
def _attribute(node: Attribute, frame: Frame) -> Compiled:
    return _compared(_fill("(c.attributes ->> {}::text)", _value(node.key)), node.comparison, frame)


@compiled.register
def _tagged(node: Tagged, frame: Frame) -> Compiled:
    return _exists(
        node.op == "has",
        "contacts_contacttag x WHERE x.tenant_id = {} AND x.contact_id = c.id"
        " AND x.tag_id = (SELECT t.id FROM contacts_tag t WHERE t.tenant_id = {} AND t.uid = {}::uuid)",
        *(_value(frame.tenant_id), _value(frame.tenant_id), _value(str(node.uid))),
    )


@compiled.register
def _listed(node: Listed, frame: Frame) -> Compiled:
    return _exists(
        node.op == "in",
        "contacts_listmember x WHERE x.tenant_id = {} AND x.contact_id = c.id"
        " AND x.list_id = (SELECT l.id FROM contacts_contactlist l WHERE l.tenant_id = {} AND l.uid = {}::uuid)",
        *(_value(frame.tenant_id), _value(frame.tenant_id), _value(str(node.uid))),
    )


@compiled.register
def _consented(node: Consented, frame: Frame) -> Compiled:
    return _granted(node.channel, node.purpose, frame, is_wanted=node.op == "granted")


@compiled.register
def _behaved(node: Behaved, frame: Frame) -> Compiled:
    moment = MOMENTS[node.what]
    parts = [_fill("m.tenant_id = {} AND m.contact_id = c.id", _value(frame.tenant_id))]
    parts += [Compiled(f"{moment} IS NOT NULL"), *_in_window(moment, node.window, frame)]
    if node.source:
        source = "m.source_id = (SELECT s.id FROM messaging_source s WHERE s.tenant_id = {} AND s.uid = {}::uuid)"
        parts.append(_fill(source, _value(frame.tenant_id), _value(str(node.source))))
    else:
        parts += _of_no_special_source(frame)
    did = _exists(True, "messaging_message m WHERE {}", _joined(" AND ", parts))
    if node.what in MEASURED:
        did = _fill("({} AND {})", did, _granted("whatsapp", "tracking", frame, is_wanted=True))
    return did if node.op == "has" else _fill("(NOT {})", did)


def _of_no_special_source(frame: Frame) -> list[Compiled]:
    """A rule about any message knows none whose recipients special data chose: they would tell the same (CG-08)."""
    if not (special := special_names(frame.tenant_id)):
        return []
    sources = "SELECT s.id FROM messaging_source s WHERE s.tenant_id = {} AND s.chosen_by && {}::text[]"
    return [_fill(f"m.source_id <> ALL(ARRAY({sources}))", _value(frame.tenant_id), _value(sorted(special)))]


@compiled.register
def _happened(node: Happened, frame: Frame) -> Compiled:
    events = _events(node, frame)
    if node.measure is None:
        return _exists(node.op == "ever", "contacts_event e WHERE e.contact_id = c.id AND {}", events)
    sign, holds = OPERATORS[node.op]
    if node.measure == "days_since_last":
        measured = _fill(
            f"{{}}::timestamptz - max(e.occurred_at) {sign} make_interval(secs => {{}})",
            _value(frame.at),
            _value(node.value * 86400),
        )
        return _grouped(True, events, measured)
    total = "count(*)" if node.measure == "count" else "coalesce(sum(e.value), 0)"
    measured = _fill(f"{total} {sign} {{}}", _value(node.value))
    # Whoever has no event at all has 0 of it, and no group either: then the others are the ones to be found.
    if holds(0, node.value):
        return _grouped(False, events, _fill("NOT ({})", measured))
    return _grouped(True, events, measured)


def rests_on_events(node: Node) -> bool:
    """Whether everybody for whom a rule holds has done something that it names, such as placing an order."""
    if isinstance(node, Group):
        below = [rests_on_events(rule) for rule in node.rules]
        return any(below) if node.op == "and" else node.op == "or" and bool(below) and all(below)
    if not isinstance(node, Happened) or node.op == "never":
        return False
    return node.measure in (None, "days_since_last") or not OPERATORS[node.op][1](0, node.value)


def _events(node: Happened, frame: Frame) -> Compiled:
    """Which events count."""
    parts = [_fill("e.tenant_id = {} AND e.name = {}", _value(frame.tenant_id), _value(node.name))]
    parts += _in_window("e.occurred_at", node.window, frame)
    for one in node.where:
        found = _fill("(e.properties ->> {}::text)", _value(one.key))
        parts.append(_compared(found, one.comparison, frame))
    if node.measure == "sum":
        # Amounts in other currencies cannot be added up.
        own = "e.currency = (SELECT t.currency FROM tenants_tenant t WHERE t.id = {})"
        parts.append(_fill(own, _value(frame.tenant_id)))
    return _joined(" AND ", parts)


def _grouped(is_wanted: bool, events: Compiled, having: Compiled) -> Compiled:
    source = "(SELECT e.contact_id FROM contacts_event e WHERE {} GROUP BY e.contact_id HAVING {}) g"
    return _exists(is_wanted, source + " WHERE g.contact_id = c.id", events, having)


def _granted(channel: str, purpose: str, frame: Frame, *, is_wanted: bool) -> Compiled:
    # Asked beforehand: in the statement it costs three times as much, and on nearly every day there is nothing to find.
    tenant, invalidating = _value(frame.tenant_id), is_invalidating(frame.tenant_id)
    still_stands = _fill(f" AND NOT {INVALIDATING}", tenant, tenant, tenant) if invalidating else NOTHING
    # Whether somebody may be written to is asked anew when it is done; what is used of them here is used now.
    is_use = purpose in (Purpose.TRACKING, Purpose.SPECIAL_CATEGORY)
    of_age = rules.IS_OF_AGE.format(state="s") if is_use else "s.age_confirmed IS NOT FALSE"
    return _exists(
        is_wanted,
        "consent_consentstate s WHERE s.tenant_id = {} AND s.subject_id = c.subject_id AND s.channel = {}"
        f" AND s.purpose = {{}} AND s.state IN ('granted', 'renewed') AND {of_age}"
        " AND (s.valid_until IS NULL OR s.valid_until > {}::timestamptz){}",
        *(tenant, _value(channel), _value(purpose), _value(frame.at), still_stands),
    )


def _compared(text: Compiled, comparison: Comparison, frame: Frame) -> Compiled:
    """A text, perhaps NULL, perhaps a number or date in disguise, compared."""
    if positive := OPPOSITES.get(comparison.op):
        return _fill("(NOT {})", _compared(text, Comparison(positive, comparison.value), frame))
    op, value = comparison.op, comparison.value
    if op == "is_set":
        return _fill("(coalesce({}, '') <> '')", text)
    if op in OPERATORS and not isinstance(value, str | bool):
        number = f"(CASE WHEN {{}} ~ {{}} THEN {{}}::numeric {OPERATORS[op][0]} {{}} ELSE FALSE END)"
        return _fill(number, text, _value(NUMERIC), text, _value(value))
    if op in ("is", "contains", "starts_with", "in"):
        return _fill(TEXTUAL[op], text, _value(_textual(value)))
    return _day(text, op, value, frame)


TEXTUAL = {
    "is": "coalesce(lower({}) = lower({}), FALSE)",
    "contains": "coalesce(strpos(lower({}), lower({})) > 0, FALSE)",
    "starts_with": "coalesce(starts_with(lower({}), lower({})), FALSE)",
    "in": "coalesce(lower({}) IN (SELECT lower(v) FROM unnest({}::text[]) AS given(v)), FALSE)",
}


def _textual(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(value) if isinstance(value, tuple) else value


def _day(text: Compiled, op: str, value: Any, frame: Frame) -> Compiled:
    """A text that should start with an ISO date; such dates have the order of their letters."""
    holds = {
        "on": "= {day}",
        "before": "< {day}",
        "after": "> {day}",
        "last_days": "BETWEEN {past} AND {today}",
        "next_days": "BETWEEN {today} AND {future}",
        "older_than_days": "< {past}",
    }[op]
    local = "to_char({} + {}::int, 'YYYY-MM-DD')"
    days = value if isinstance(value, int) else 0
    moments = {
        "day": _value(str(value)),
        "past": _fill(local, _today(frame), _value(-days)),
        "today": _fill(local, _today(frame), _value(0)),
        "future": _fill(local, _today(frame), _value(days)),
    }
    names = [name for name in ("day", "past", "today", "future") if f"{{{name}}}" in holds]
    compared = _fill(holds.format_map(dict.fromkeys(moments, "{}")), *(moments[name] for name in names))
    dated = '(CASE WHEN {} ~ {} THEN left({}, 10) COLLATE "C" {} ELSE FALSE END)'
    return _fill(dated, text, _value(ISO_DATE), text, compared)


def _birthday(comparison: Comparison, frame: Frame) -> Compiled:
    if comparison.op == "is_set":
        return Compiled("(c.birthday IS NOT NULL)")
    if comparison.op == "is_not_set":
        return Compiled("(c.birthday IS NULL)")
    if comparison.op == "in_month":
        return _fill("coalesce(extract(month FROM c.birthday) = {}, FALSE)", _value(comparison.value))
    days = comparison.value if comparison.op == "within_days" else 0
    # People born on 29 February have their day on the 28th where there is no 29th.
    return _fill(
        "coalesce(to_char(c.birthday, 'MMDD') IN (SELECT unnest(CASE WHEN to_char(d, 'MMDD') = '0228'"
        " AND to_char(d + 1, 'MMDD') = '0301' THEN ARRAY['0228', '0229'] ELSE ARRAY[to_char(d, 'MMDD')] END)"
        " FROM (SELECT {} + n FROM generate_series(0, {}::int) n) AS days(d)), FALSE)",
        *(_today(frame), _value(days)),
    )


def _moment(column: str, comparison: Comparison, frame: Frame) -> Compiled:
    """A point in time compared with a local day or with a number of days ago."""
    op, value = comparison.op, comparison.value
    if isinstance(value, int):
        sign = ">=" if op == "last_days" else "<"
        return _fill(f"({column} {sign} {{}}::timestamptz)", _value(frame.at - timedelta(days=value)))
    day = date.fromisoformat(str(value))
    start, end = _midnight(day, frame), _midnight(day + timedelta(days=1), frame)
    if op == "before":
        return _fill(f"({column} < {{}})", start)
    if op == "after":
        return _fill(f"({column} >= {{}})", end)
    return _fill(f"({column} >= {{}} AND {column} < {{}})", start, end)


def _in_window(moment: str, window: Window, frame: Frame) -> list[Compiled]:
    if window.within_days is not None:
        since = frame.at - timedelta(days=window.within_days)
        return [_fill(f"{moment} >= {{}}::timestamptz", _value(since))]
    if window.between is None:
        return []
    first, last = window.between
    start, end = _midnight(first, frame), _midnight(last + timedelta(days=1), frame)
    return [_fill(f"{moment} >= {{}} AND {moment} < {{}}", start, end)]


def _today(frame: Frame) -> Compiled:
    zone = "(SELECT t.timezone FROM tenants_tenant t WHERE t.id = {})"
    return _fill(f"({{}}::timestamptz AT TIME ZONE {zone})::date", _value(frame.at), _value(frame.tenant_id))


def _midnight(day: date, frame: Frame) -> Compiled:
    zone = "(SELECT t.timezone FROM tenants_tenant t WHERE t.id = {})"
    return _fill(f"({{}}::timestamp AT TIME ZONE {zone})", _value(day.isoformat()), _value(frame.tenant_id))


def _exists(is_wanted: bool, source: str, *parts: Compiled) -> Compiled:
    return _fill(f"({'' if is_wanted else 'NOT '}EXISTS (SELECT 1 FROM {source}))", *parts)


def _value(value: Any) -> Compiled:
    return Compiled("%s", (value,))


def _fill(template: str, *parts: Compiled) -> Compiled:
    """Own SQL with `{}` for each part, in order."""
    return Compiled(template.format(*(part.sql for part in parts)), sum((part.params for part in parts), ()))


def _joined(word: str, parts: list[Compiled]) -> Compiled:
    return Compiled(word.join(part.sql for part in parts), sum((part.params for part in parts), ()))
