"""What a message must say, and must not: who sends it, the way out, no advert in an order's message."""

from typing import Any

import pytest
from django.utils import translation

from campaigns import actions, preflight
from campaigns.models import Campaign
from consent.actions import controllers
from segments import actions as segments
from tenants.scope import tenant_scope
from tests.campaigns.cast import change_number, change_template, content, stored


def parts(body: str, footer: str = "", *buttons: dict[str, Any]) -> list[dict[str, Any]]:
    """A template without variables."""
    made: list[dict[str, Any]] = [{"type": "BODY", "text": body}]
    made += [{"type": "FOOTER", "text": footer}] if footer else []
    return made + ([{"type": "BUTTONS", "buttons": list(buttons)}] if buttons else [])


SENDER = "Heute gibt es etwas Neues. Ihre Bäckerei Sonne"


@pytest.mark.parametrize(
    ("components", "is_shown"),
    [
        (parts(SENDER, "Abmelden: STOPP"), True),
        (parts(SENDER, "Antworte STOP, um nichts mehr zu bekommen"), True),
        (parts(SENDER, "Opt-out: reply STOP"), True),
        (parts(SENDER, "", {"type": "QUICK_REPLY", "text": "Abmelden"}), True),
        (parts(SENDER, "Unsubscribe any time"), True),
        (parts(f"Nonstop günstig. {SENDER}"), False),
        (parts(f"Non-stop günstig. {SENDER}"), False),
        (parts(f"Stoppen Sie den Hunger. {SENDER}"), False),
        (parts(f"Bis Ende November. {SENDER}"), False),
        (parts(SENDER, "Am Bus-Stop um die Ecke"), False),
    ],
)
def test_cg_23_the_way_out_is_a_word_that_somebody_can_send(
    ready: Campaign, components: list[dict[str, Any]], is_shown: bool
) -> None:
    change_template(ready, components=components)
    content(ready, header={}, body=[], buttons=[])

    with tenant_scope(ready.tenant):
        checks = {check.code: check for check in preflight.checks(ready)}
    assert checks["opt_out"].ok is is_shown
    assert "warning.sender" not in checks


@pytest.mark.parametrize(
    ("names", "body", "is_named"),
    [
        ({}, "Neu bei Bäckerei Sonne: Brot.", True),
        ({}, "Neu bei BÄCKEREI SONNE", True),
        ({}, "Neu in der Bäckerei", False),
        ({}, "Neu: Bäckerei Sonnenschein", False),
        ({"legal_name": "Sonne Backwaren GmbH & Co. KG"}, "Neu von Sonne Backwaren", True),
        ({"legal_name": "Sonne Backwaren GmbH & Co. KG"}, "Neu von Sonne Backwaren GmbH & Co. KG", True),
        ({"verified_name": "Sonne Berlin"}, "Neu von Sonne Berlin", True),
    ],
)
def test_cg_23_who_launches_is_warned_that_a_message_does_not_name_its_sender(
    ready: Campaign, names: dict[str, str], body: str, is_named: bool
) -> None:
    with tenant_scope(ready.tenant):
        controllers.update(tenant=ready.tenant, by=None, legal_name=names.get("legal_name", ""))
    change_number(ready, verified_name=names.get("verified_name", ""))
    change_template(ready, components=parts(f"{body} gibt es heute.", "Abmelden: STOPP"))
    content(ready, header={}, body=[], buttons=[])

    with tenant_scope(ready.tenant), translation.override("en"):
        checks = {check.code: check for check in preflight.checks(stored(ready))}

    assert ("sender" in checks, "warning.sender" in checks) == (is_named, not is_named)
    if not is_named:
        assert "Bäckerei Sonne" in checks["warning.sender"].text
        assert "footer" in checks["warning.sender"].text


def test_a_fixed_text_may_name_the_sender(ready: Campaign) -> None:
    change_template(ready, components=parts("Neues von {{1}} für Sie.", "Abmelden: STOPP"))
    said = {"name": "1", "from": "text", "text": "Bäckerei Sonne"}
    content(ready, header={}, buttons=[], body=[said])
    with tenant_scope(ready.tenant):
        assert "warning.sender" not in {check.code for check in preflight.checks(ready)}

    content(ready, header={}, buttons=[], body=[{**said, "from": "first_name", "fallback": "Bäckerei Sonne"}])
    with tenant_scope(ready.tenant):
        assert "warning.sender" in {check.code for check in preflight.checks(ready)}


ORDER = "Ihre Bestellung ist unterwegs. Sie kostet 20 €, inkl. 19 % MwSt."
COUPON = {"type": "COPY_CODE", "text": "Code kopieren", "example": "SAVE20"}


@pytest.mark.parametrize(
    ("components", "body", "found"),
    [
        (parts(ORDER), [], []),
        (parts(f"{ORDER} Ihr Code für die Abholung: 4711"), [], []),
        (parts(ORDER, "", COUPON), [], ["COPY_CODE"]),
        (parts(f"{ORDER} Dazu ein Geburtstagsgutschein."), [], ["gutschein"]),
        (parts(f"{ORDER} Nächstes Mal 10 % Rabatt."), [], ["10 % Rabatt"]),
        (parts(ORDER, "10% off next time"), [], ["10% off"]),
        (
            parts(f"{ORDER} Ihr Code: {{{{1}}}}."),
            [{"name": "1", "from": "attribute:gutschein_code", "fallback": "-"}],
            ["gutschein_code"],
        ),
        (
            parts(f"{ORDER} Ihr Code: {{{{coupon}}}}."),
            [{"name": "coupon", "from": "text", "text": "HERBST"}],
            ["coupon"],
        ),
        (parts(f"{ORDER} {{{{1}}}} Danke."), [{"name": "1", "from": "text", "text": "5 € Rabatt!"}], ["Rabatt"]),
    ],
)
def test_cg_31_a_utility_template_with_a_voucher_goes_out_for_no_order(
    ready: Campaign, components: list[dict[str, Any]], body: list[dict[str, Any]], found: list[str]
) -> None:
    change_template(ready, category="UTILITY", components=components)
    content(ready, header={}, body=body, buttons=[])
    with tenant_scope(ready.tenant):
        Campaign.objects.filter(pk=ready.pk).update(purpose="transactional")
        ready.refresh_from_db()
        checks = [check for check in preflight.checks(ready) if check.code == "advertising"]
        tested = [check.code for check in preflight.test_problems(ready, ready.variants.get())]

    assert [check.ok for check in checks] == [False] * bool(found)
    assert ("advertising" in tested) is bool(found)
    assert all(f"({', '.join(found)})" in check.text for check in checks)


PLACED = {"event": "order_placed", "op": "ever", "within_days": 14}
GERMAN = {"field": "language", "op": "is", "value": "de"}


@pytest.mark.parametrize(
    ("rule", "is_warned"),
    [
        (None, True),
        ({}, True),
        (GERMAN, True),
        (PLACED, False),
        ({"op": "and", "rules": [GERMAN, PLACED]}, False),
        ({"op": "or", "rules": [GERMAN, PLACED]}, True),
        ({"op": "or", "rules": [PLACED, {"event": "booking", "measure": "count", "op": "gte", "value": 1}]}, False),
        ({"op": "not", "rules": [PLACED]}, True),
        ({"event": "order_placed", "op": "never"}, True),
        ({"event": "order_placed", "measure": "count", "op": "lt", "value": 3}, True),
        ({"event": "order_placed", "measure": "days_since_last", "op": "lt", "value": 3}, False),
    ],
)
def test_cg_31_who_launches_is_warned_where_a_message_about_orders_names_no_order(
    ready: Campaign, rule: dict[str, Any] | None, is_warned: bool
) -> None:
    with tenant_scope(ready.tenant):
        actions.update(campaign=ready, by=None, purpose="transactional")
        if rule is not None:
            segment = segments.create(tenant=ready.tenant, name="Käufer", rule=rule, by=None)
            actions.set_audience(campaign=ready, by=None, include_segments=[segment])
        ready.refresh_from_db()
        found = {check.code for check in preflight.checks(ready)}
        actions.update(campaign=ready, by=None, purpose="marketing")
        ready.refresh_from_db()
        of_advertising = {check.code for check in preflight.checks(ready)}

    assert ("warning.order" in found) is is_warned
    assert "warning.order" not in of_advertising
