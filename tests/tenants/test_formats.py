"""Numbers, money and dates look the way people of each language write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from tenants.templatetags import formats
from tenants.templatetags.chat import chat

MOMENT = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "german", "english"),
    [
        (lambda: formats.number(12480), "12.480", "12,480"),
        (lambda: formats.percent(Decimal("0.773")), "77,3\u202f%", "77.3%"),
        (lambda: formats.percent(None), "–", "–"),
        (lambda: formats.money(Decimal("1234.5"), "EUR"), "1.234,50\u00a0€", "€1,234.50"),
        (lambda: formats.day(MOMENT), "21.11.2026", "21 Nov 2026"),
        (lambda: formats.moment(MOMENT), "21.11.2026 19:05 Uhr", "21 Nov 2026 19:05"),
        (lambda: formats.change(Decimal("-0.012"), "share"), "−1,2 Pkt.", "−1.2 pts"),
        (lambda: formats.change(Decimal("0.5"), "money"), "+50,0\u202f%", "+50.0%"),
        (lambda: formats.duration(130), "2 Minuten", "2 minutes"),
    ],
)
def test_values_are_written_in_the_active_language(shown: object, german: str, english: str) -> None:
    with timezone.override("Europe/Berlin"):
        with translation.override("de"):
            assert shown() == german
        with translation.override("en"):
            assert shown() == english


def test_phone_numbers_are_spaced_as_din_5008_wants_it() -> None:
    assert formats.phone("+493023125000") == "+49 30 23125000"
    assert formats.phone(None) == "–"


def test_css_gets_points_whatever_the_language() -> None:
    with translation.override("de"):
        assert formats.css_share(1, 3) == "33.33%"
        assert formats.css_share(1, 0) == "0%"
        assert Template("{% load formats %}{{ n|unlocal }}").render(Context({"n": 12480})) == "12480"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*b* _i_ ~s~", "<strong>b</strong> <em>i</em> <s>s</s>"),
        ("*fett _und kursiv_*", "<strong>fett <em>und kursiv</em></strong>"),
        ("```x < 1```", "<code>x &lt; 1</code>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("erste\nzweite", "erste<br>zweite"),
        ("<script>alert(1)</script> *<b>*", "&lt;script&gt;alert(1)&lt;/script&gt; <strong>&lt;b&gt;</strong>"),
    ],
)
def test_whatsapp_marks_become_tags_and_everything_else_is_escaped(text: str, shown: str) -> None:
    assert chat(text) == shown
