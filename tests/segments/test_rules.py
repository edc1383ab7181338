"""Rules are checked before they are used: every fault is named by its place, with the remedy."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from segments.rules import Group, InvalidRule, parse
from segments.rules.reading import MAX_DEPTH, MAX_NODES

UID = "6f1c2b1e-8f5c-4c59-9b52-0f4f2ce5d1aa"
GOOD = {"field": "first_name", "op": "is", "value": "Ada"}


def faults(rule: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidRule) as invalid:
        parse(rule)
    return invalid.value.errors


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        ({}, ""),
        ([], ""),
        ("everyone", ""),
        ({"op": "is", "value": 1}, ""),
        ({"field": "first_name", "attribute": "x", "op": "is", "value": "y"}, ""),
        ({"op": "xor", "rules": [GOOD]}, ".op"),
        ({"op": "or", "rules": []}, ".rules"),
        ({"op": "and", "rules": GOOD}, ".rules"),
        ({"op": "and", "rules": [GOOD], "name": "x"}, ".name"),
        ({"field": "password", "op": "is", "value": "x"}, ".field"),
        ({"field": ["first_name"], "op": "is", "value": "x"}, ".field"),
        ({"field": "first_name", "op": "gt", "value": "x"}, ".op"),
        ({"field": "first_name", "op": {}, "value": "x"}, ".op"),
        ({"field": "first_name", "op": "is", "value": 7}, ".value"),
        ({"field": "first_name", "op": "is", "value": " "}, ".value"),
        ({"field": "first_name", "op": "is", "value": "x" * 201}, ".value"),
        ({"field": "first_name", "op": "is", "value": "a\x00"}, ".value"),
        ({"field": "first_name", "op": "is", "value": "\ud800"}, ".value"),
        ({"field": "first_name", "op": "is", "value": "x", "case": True}, ".case"),
        ({"field": "first_name", "op": "is_set", "value": "x"}, ".value"),
        ({"field": "postcode", "op": "in", "value": "50667"}, ".value"),
        ({"field": "postcode", "op": "in", "value": []}, ".value"),
        ({"field": "postcode", "op": "in", "value": ["1"] * 1001}, ".value"),
        ({"field": "postcode", "op": "in", "value": ["50667", 7]}, ".value[1]"),
        ({"field": "birthday", "op": "in_month", "value": 13}, ".value"),
        ({"field": "birthday", "op": "within_days", "value": "7"}, ".value"),
        ({"field": "birthday", "op": "within_days", "value": True}, ".value"),
        ({"field": "birthday", "op": "is_today", "value": 1}, ".value"),
        ({"field": "created_at", "op": "after", "value": "1.3.2026"}, ".value"),
        ({"field": "created_at", "op": "last_days", "value": -1}, ".value"),
        ({"attribute": "", "op": "is", "value": "x"}, ".attribute"),
        ({"attribute": "size", "op": "gt", "value": "42"}, ".value"),
        ({"attribute": "size", "op": "gt", "value": float("nan")}, ".value"),
        ({"attribute": "size", "op": "gt", "value": 10**400}, ".value"),
        ({"attribute": "size", "op": "is", "value": None}, ".value"),
        ({"attribute": "size", "op": "is", "value": {"$gt": ""}}, ".value"),
        ({"tag": "VIP", "op": "has"}, ".tag"),
        ({"tag": UID, "op": "in"}, ".op"),
        ({"list": 7, "op": "in"}, ".list"),
        ({"consent": "marketing", "op": "granted"}, ".consent"),
        ({"consent": {"channel": "fax", "purpose": "marketing"}, "op": "granted"}, ".consent.channel"),
        ({"consent": {"channel": "whatsapp", "purpose": "all"}, "op": "granted"}, ".consent.purpose"),
        ({"event": "order_placed", "op": "often"}, ".op"),
        ({"event": "order_placed", "op": "ever", "value": 1}, ".value"),
        ({"event": "order_placed", "measure": "average", "op": "gt", "value": 1}, ".measure"),
        ({"event": "order_placed", "measure": "count", "op": "gt"}, ".value"),
        ({"event": "order_placed", "measure": "days_since_last", "op": "gt", "value": 10**9}, ".value"),
        ({"event": "order_placed", "op": "ever", "within_days": 1, "between": []}, ".between"),
        ({"event": "order_placed", "op": "ever", "between": ["2026-01-01"]}, ".between"),
        ({"event": "order_placed", "op": "ever", "between": ["2026-01-01", "x"]}, ".between[1]"),
        ({"event": "order_placed", "op": "ever", "between": ["2026-02-01", "2026-01-01"]}, ".between"),
        ({"event": "order_placed", "op": "ever", "where": GOOD}, ".where"),
        ({"event": "x", "op": "ever", "where": [{"property": "a", "op": "like"}]}, ".where[0].op"),
        ({"message": "sent", "op": "has"}, ".message"),
        ({"message": "read", "op": "has", "source": "spring"}, ".source"),
        ({"message": "read", "op": "has", "within_days": 1.5}, ".within_days"),
    ],
)
def test_a_fault_is_named_by_its_path(leaf: Any, path: str) -> None:
    found = faults({"op": "and", "rules": [GOOD, leaf]})

    assert list(found) == [f"rules[1]{path}"]
    assert found[f"rules[1]{path}"][0].endswith(".")


def test_every_fault_is_told_at_once() -> None:
    bad = {"field": "first_name", "op": "is", "value": 7}

    assert list(faults({"op": "or", "rules": [bad, GOOD, {"op": "not", "rules": [bad]}]})) == [
        "rules[0].value",
        "rules[2].rules[0].value",
    ]


def test_a_single_condition_needs_no_group() -> None:
    assert list(faults({"field": "first_name", "op": "is", "value": 7})) == ["value"]
    assert not isinstance(parse(GOOD), Group)


def nested(depth: int) -> dict[str, Any]:
    return GOOD if depth == 0 else {"op": "not", "rules": [nested(depth - 1)]}


def test_depth_and_size_have_limits() -> None:
    parse(nested(MAX_DEPTH))
    parse({"op": "or", "rules": [GOOD] * (MAX_NODES - 1)})

    assert len(faults(nested(MAX_DEPTH + 1))) == 1
    assert list(faults({"op": "or", "rules": [GOOD] * MAX_NODES})) == [f"rules[{MAX_NODES - 1}]"]
    assert list(faults({"op": "or", "rules": [GOOD] * 5000})) == ["rules"]


KEYS = ["op", "rules", "field", "attribute", "tag", "list", "consent", "event", "message", "value", "where", "x"]
ANYTHING = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(), some.floats(), some.text(max_size=5), some.just("is")),
    lambda below: some.one_of(
        some.lists(below, max_size=3), some.dictionaries(some.sampled_from(KEYS), below, max_size=4)
    ),
)


@given(ANYTHING)
def test_nonsense_is_refused_and_never_crashes(raw: Any) -> None:
    with suppress(InvalidRule):
        assert parse(raw) is not None
