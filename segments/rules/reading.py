"""Reads a rule from JSON; whatever is wrong is named by its path in the tree, with the remedy."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.utils.translation import gettext as _

from consent.models import Channel, Purpose
from segments.rules.nodes import (
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
    Value,
    Window,
)

MAX_DEPTH = 6
MAX_NODES = 100
MAX_TEXT = 200
MAX_LISTED = 1000
MAX_DAYS = 3650
MAX_NUMBER = 10**15
MAX_WHERE = 10

GROUPS = ("and", "or", "not")
SET_OPS = ("is_set", "is_not_set")
TEXT_OPS = ("is", "is_not", "in", "not_in", "contains", "not_contains", "starts_with")
NUMBER_OPS = ("gt", "gte", "lt", "lte")
DATE_OPS = ("on", "before", "after")
DAYS_OPS = ("last_days", "older_than_days")
ATTRIBUTE_OPS = (*TEXT_OPS, *NUMBER_OPS, *DATE_OPS, *DAYS_OPS, "next_days", *SET_OPS)
FIELD_OPS = {
    **dict.fromkeys(
        ("first_name", "last_name", "language", "country", "postcode", "email", "phone", "external_id"),
        (*TEXT_OPS, *SET_OPS),
    ),
    "birthday": ("is_today", "in_month", "within_days", *SET_OPS),
    "created_at": (*DATE_OPS, *DAYS_OPS),
}
MEASURE_OPS = {
    "count": (*NUMBER_OPS, "is"),
    "sum": (*NUMBER_OPS, "is"),
    "days_since_last": NUMBER_OPS,
}
BEHAVIOUR = ("received", "delivered", "read", "clicked", "replied", "opted_out", "failed")


class InvalidRule(Exception):
    """The rule cannot be used; `errors` says what to change: {"rules[1].value": ["Give a number."]}."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{path}: {texts[0]}" for path, texts in errors.items()))
        self.errors = errors


class Fault(Exception):
    """One thing that is wrong, at a path."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path, self.text = path, text


def parse(raw: Any) -> Node:
    """The typed tree of a rule as it comes from JSON; {} is everyone.

    Raises InvalidRule with every fault found, not only the first.
    """
    if raw is None or raw == {}:
        return Group("and", ())
    reader = _Reader()
    node = reader.node(raw, "", depth=1)
    if node is None or reader.errors:
        raise InvalidRule(reader.errors)
    return node


class _Reader:
    """Walks the raw tree and collects faults."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}
        self._nodes = 0

    def node(self, raw: Any, path: str, depth: int) -> Node | None:
        self._nodes += 1
        try:
            if self._nodes > MAX_NODES:
                raise Fault(path, _("Use at most %(limit)s conditions.") % {"limit": MAX_NODES})
            if not isinstance(raw, dict):
                raise Fault(path, _('A condition is an object, for example {"field": …, "op": …, "value": …}.'))
            return self._group(raw, path, depth) if "rules" in raw else _leaf(raw, path)
        except Fault as fault:
            self.errors.setdefault(fault.path or "rule", []).append(fault.text)
            return None

    def _group(self, raw: dict[str, Any], path: str, depth: int) -> Group:
        _known_keys(raw, path, {"op", "rules"})
        op = _choice(raw, "op", path, GROUPS)
        if depth > MAX_DEPTH:
            raise Fault(path, _("Nest groups at most %(limit)s deep.") % {"limit": MAX_DEPTH})
        rules = raw["rules"]
        if not isinstance(rules, list):
            raise Fault(_below(path, "rules"), _("Give a list of conditions."))
        if not rules and not (depth == 1 and op == "and"):
            raise Fault(_below(path, "rules"), _("Add a condition or remove this group."))
        if len(rules) > MAX_NODES:
            raise Fault(_below(path, "rules"), _("Use at most %(limit)s conditions.") % {"limit": MAX_NODES})
        below = [self.node(rule, f"{_below(path, 'rules')}[{i}]", depth + 1) for i, rule in enumerate(rules)]
        return Group(op, tuple(node for node in below if node is not None))


def _leaf(raw: dict[str, Any], path: str) -> Node:
    kinds = [kind for kind in LEAVES if kind in raw]
    if len(kinds) != 1:
        raise Fault(path, _("Start a condition with exactly one of: %(known)s.") % {"known": ", ".join(LEAVES)})
    return LEAVES[kinds[0]](raw, path)


def _field(raw: dict[str, Any], path: str) -> Node:
    _known_keys(raw, path, {"field", "op", "value"})
    name = _choice(raw, "field", path, FIELD_OPS)
    op = _choice(raw, "op", path, FIELD_OPS[name])
    if name == "birthday":
        return Field(name, Comparison(op, _birthday(raw, op, path)))
    kinds: tuple[type, ...] = (str,)
    return Field(name, Comparison(op, _compared(raw, op, path, kinds)))


def _birthday(raw: dict[str, Any], op: str, path: str) -> Value:
    if op == "in_month":
        return _whole(raw, "value", path, 1, 12)
    return _whole(raw, "value", path, 0, 366) if op == "within_days" else _nothing(raw, path)


def _attribute(raw: dict[str, Any], path: str, key: str = "attribute") -> Attribute:
    _known_keys(raw, path, {key, "op", "value"})
    name = _text(raw, key, path)
    op = _choice(raw, "op", path, ATTRIBUTE_OPS)
    return Attribute(name, Comparison(op, _compared(raw, op, path, (str, bool, int, float))))


def _compared(raw: dict[str, Any], op: str, path: str, kinds: tuple[type, ...]) -> Value:
    """The value that an operator compares with, of the type that it needs."""
    if op in SET_OPS:
        return _nothing(raw, path)
    if op in DATE_OPS:
        return _day(raw.get("value"), _below(path, "value")).isoformat()
    if op in (*DAYS_OPS, "next_days"):
        return _whole(raw, "value", path, 0, MAX_DAYS)
    if op in NUMBER_OPS:
        return _number(raw, path)
    if op in ("in", "not_in"):
        return _texts(raw, path)
    if op in ("is", "is_not") and isinstance(raw.get("value"), bool | int | float) and float in kinds:
        return raw["value"] if isinstance(raw["value"], bool) else _number(raw, path)
    return _text(raw, "value", path)


def _tagged(raw: dict[str, Any], path: str) -> Node:
    _known_keys(raw, path, {"tag", "op"})
    return Tagged(_uid(raw, "tag", path), _choice(raw, "op", path, ("has", "has_not")))


def _listed(raw: dict[str, Any], path: str) -> Node:
    _known_keys(raw, path, {"list", "op"})
    return Listed(_uid(raw, "list", path), _choice(raw, "op", path, ("in", "not_in")))


def _consented(raw: dict[str, Any], path: str) -> Node:
    _known_keys(raw, path, {"consent", "op"})
    named, below = raw["consent"], _below(path, "consent")
    if not isinstance(named, dict):
        raise Fault(below, _("Give an object with channel and purpose."))
    _known_keys(named, below, {"channel", "purpose"})
    channel = _choice(named, "channel", below, [choice for choice in Channel.values if choice != Channel.ALL])
    purpose = _choice(named, "purpose", below, [choice for choice in Purpose.values if choice != Purpose.ALL])
    return Consented(channel, purpose, _choice(raw, "op", path, ("granted", "not_granted")))


def _happened(raw: dict[str, Any], path: str) -> Node:
    _known_keys(raw, path, {"event", "op", "measure", "value", "within_days", "between", "where"})
    name = _text(raw, "event", path)
    if "measure" in raw:
        measure = _choice(raw, "measure", path, MEASURE_OPS)
        op = _choice(raw, "op", path, MEASURE_OPS[measure])
        value = _number(raw, path, MAX_DAYS if measure == "days_since_last" else MAX_NUMBER)
    else:
        measure, op, value = None, _choice(raw, "op", path, ("ever", "never")), 0
        _nothing(raw, path)
    where = raw.get("where", [])
    if not isinstance(where, list) or len(where) > MAX_WHERE or not all(isinstance(one, dict) for one in where):
        raise Fault(_below(path, "where"), _("Give a list of at most %(limit)s conditions.") % {"limit": MAX_WHERE})
    filters = [_attribute(one, f"{_below(path, 'where')}[{i}]", "property") for i, one in enumerate(where)]
    return Happened(name, op, measure, value, _window(raw, path), tuple(filters))


def _behaved(raw: dict[str, Any], path: str) -> Node:
    _known_keys(raw, path, {"message", "op", "source", "within_days", "between"})
    what = _choice(raw, "message", path, BEHAVIOUR)
    source = _uid(raw, "source", path) if raw.get("source") is not None else None
    return Behaved(what, _choice(raw, "op", path, ("has", "has_not")), source, _window(raw, path))


LEAVES: dict[str, Callable[[dict[str, Any], str], Node]] = {
    "field": _field,
    "attribute": _attribute,
    "tag": _tagged,
    "list": _listed,
    "consent": _consented,
    "event": _happened,
    "message": _behaved,
}


def _window(raw: dict[str, Any], path: str) -> Window:
    if "within_days" in raw and "between" in raw:
        raise Fault(_below(path, "between"), _("Give within_days or between, not both."))
    if "within_days" in raw:
        return Window(within_days=_whole(raw, "within_days", path, 0, MAX_DAYS))
    if "between" not in raw:
        return Window()
    given, below = raw["between"], _below(path, "between")
    if not isinstance(given, list) or len(given) != 2:
        raise Fault(below, _('Give two dates, for example ["2026-01-01", "2026-03-31"].'))
    first, last = _day(given[0], f"{below}[0]"), _day(given[1], f"{below}[1]")
    if first > last:
        raise Fault(below, _("The first date must not be later than the second."))
    return Window(between=(first, last))


def _known_keys(raw: dict[str, Any], path: str, known: set[str]) -> None:
    for key in sorted(set(raw) - known):
        raise Fault(
            _below(path, str(key)[:40]), _("Unknown key. Known: %(known)s.") % {"known": ", ".join(sorted(known))}
        )


def _choice(raw: dict[str, Any], key: str, path: str, known: Collection[str]) -> str:
    given = raw.get(key)
    if not isinstance(given, str) or given not in known:
        raise Fault(_below(path, key), _("Choose one of: %(known)s.") % {"known": ", ".join(known)})
    return given


def _text(raw: dict[str, Any], key: str, path: str) -> str:
    return _checked_text(raw.get(key), _below(path, key))


def _checked_text(given: Any, path: str) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > MAX_TEXT:
        raise Fault(path, _("Give a text of 1 to %(limit)s characters.") % {"limit": MAX_TEXT})
    if "\x00" in given or any("\ud800" <= sign <= "\udfff" for sign in given):
        raise Fault(path, _("Remove the invisible control characters."))
    return given


def _texts(raw: dict[str, Any], path: str) -> tuple[str, ...]:
    given, below = raw.get("value"), _below(path, "value")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_LISTED:
        raise Fault(below, _("Give a list of 1 to %(limit)s texts.") % {"limit": MAX_LISTED})
    return tuple(_checked_text(text, f"{below}[{number}]") for number, text in enumerate(given))


def _number(raw: dict[str, Any], path: str, most: int = MAX_NUMBER) -> int | float:
    given: Any = raw.get("value")
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    # Also refuses NaN, which is in no range.
    if not is_number or not -most <= given <= most:
        raise Fault(
            _below(path, "value"), _("Give a number of at most %(most)s, for example 3 or 49.90.") % {"most": most}
        )
    return cast(int | float, given)


def _whole(raw: dict[str, Any], key: str, path: str, least: int, most: int) -> int:
    given = raw.get(key)
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise Fault(
            _below(path, key),
            _("Give a whole number from %(least)s to %(most)s.") % {"least": least, "most": most},
        )
    return given


def _day(given: Any, path: str) -> date:
    try:
        return date.fromisoformat(given if isinstance(given, str) and len(given) == 10 else "")
    except ValueError:
        raise Fault(path, _("Give a date, for example 2026-03-31.")) from None


def _uid(raw: dict[str, Any], key: str, path: str) -> UUID:
    try:
        return UUID(raw[key] if isinstance(raw.get(key), str) else "")
    except ValueError:
        raise Fault(_below(path, key), _("Give a uid, for example 6f1c2b1e-…; the API lists them.")) from None


def _nothing(raw: dict[str, Any], path: str) -> Value:
    if raw.get("value") is not None:
        raise Fault(_below(path, "value"), _("Leave the value out: this comparison needs none."))
    return None


def _below(path: str, key: str) -> str:
    return f"{path}.{key}".lstrip(".")
