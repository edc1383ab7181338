"""What Meta gets for a person, and what the preview shows: the same texts."""

from typing import Any

import pytest

from messaging import rendering
from messaging.rendering import Person, TemplateText

ANNA = Person(phone="+4930231250001", values={"first_name": "Anna"})
FIRST = {"name": "1", "from": "first_name", "fallback": "du"}
SECOND = {"name": "2", "from": "text", "text": "Sonntag"}
BODY = TemplateText("herbst", "de", [{"type": "BODY", "text": "Hallo {{1}}, bis {{2}} ist Herbst."}])


def texts(values: list[dict[str, Any]]) -> list[str]:
    """The body's values in the order in which Meta gets them."""
    made = rendering.body(BODY, {"body": values}, ANNA, link_tokens={}, callback="x")
    (body,) = made["template"]["components"]
    return [parameter["text"] for parameter in body["parameters"]]


def test_numbered_values_reach_their_variable_in_whatever_order_they_were_given() -> None:
    assert texts([SECOND, FIRST]) == texts([FIRST, SECOND]) == ["Anna", "Sonntag"]


def test_ten_numbers_are_ordered_as_numbers() -> None:
    values = [{"name": str(n), "from": "text", "text": f"Wert {n}"} for n in (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)]

    assert texts(values) == [f"Wert {n}" for n in range(1, 11)]


@pytest.mark.parametrize("values", [[SECOND, FIRST], [{"from": "first_name"}, {"text": "Sonntag"}]])
def test_the_preview_shows_what_is_sent(values: list[dict[str, Any]]) -> None:
    assert texts(values) == ["Anna", "Sonntag"]
    assert rendering.preview(BODY, {"body": values}, ANNA).body == "Hallo Anna, bis Sonntag ist Herbst."
