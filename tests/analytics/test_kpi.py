"""Formulas divide by what they say, and by nothing at all where there is nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from analytics.kpi import DEFINITIONS, Counts, measure, total

COUNTS = Counts(
    in_delivered=40, in_read=60, in_failed=20, in_skipped=30, accepted=120, sent=110, delivered=100, read=60,
    clicked=20, replied=5, opted_out=2, clicks=31, orders=6, converted=4, revenue=Decimal("275.00"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("delivery_rate", "0.833333"),
        ("read_rate", "0.600000"),
        ("click_rate", "0.200000"),
        ("click_rate_of_read", "0.333333"),
        ("reply_rate", "0.050000"),
        ("conversion_rate", "0.040000"),
        ("opt_out_rate", "0.020000"),
        ("orders", "6"),
        ("revenue", "275.00"),
        ("revenue_per_message", "2.500000"),
    ],
)
def test_each_kpi_divides_by_its_own_denominator(key: str, value: str) -> None:
    assert measure(COUNTS)[key].value == Decimal(value)


def test_reads_divide_by_delivered_not_by_sent() -> None:
    assert measure(replace(COUNTS, sent=1))["read_rate"].value == Decimal("0.6")


def test_with_nothing_delivered_every_rate_is_not_available() -> None:
    kpis = measure(Counts(in_failed=3))

    assert {key for key, kpi in kpis.items() if kpi.value is None} == {
        *("delivery_rate", "read_rate", "click_rate", "click_rate_of_read"),
        *("reply_rate", "conversion_rate", "opt_out_rate", "revenue_per_message"),
        *("cost", "cost_per_order", "roas"),
    }
    assert kpis["revenue"].value == 0


def test_a_cost_that_nobody_worked_out_is_not_zero() -> None:
    known = Counts(orders=2, revenue=Decimal(50), cost=Decimal("12.5"))

    assert [measure(known)[key].value for key in ("cost", "cost_per_order", "roas")] == [
        *(Decimal("12.5"), Decimal("6.25"), Decimal(4)),
    ]
    assert measure(replace(known, cost=None))["cost_per_order"].value is None
    assert measure(replace(known, cost=Decimal(0)))["roas"].value is None
    assert (known + Counts()).cost == Decimal("12.5")
    assert (Counts() + Counts()).cost is None


def test_refunds_can_turn_revenue_per_message_negative() -> None:
    assert measure(Counts(sent=2, revenue=Decimal(-5)))["revenue_per_message"].value == Decimal("-2.5")


def test_every_kpi_has_a_name_and_a_sentence_of_its_own() -> None:
    assert len({str(d.name) for d in DEFINITIONS}) == len({str(d.sentence) for d in DEFINITIONS}) == len(DEFINITIONS)


def test_the_audience_is_the_sum_of_the_states() -> None:
    assert COUNTS.audience == sum(COUNTS.states.values()) == 150


def test_counts_add_up() -> None:
    both = total([COUNTS, COUNTS])

    assert (both.delivered, both.revenue, both.audience) == (200, Decimal(550), 300)


def test_sums_of_no_rows_are_zero() -> None:
    assert Counts.of({"delivered": None}) == Counts()
