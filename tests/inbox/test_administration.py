"""What Meta decides about templates, numbers and accounts takes effect here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from messaging.models import Content, Source
from tenants.scope import tenant_scope
from tests.inbox import meta
from tests.inbox.outbox import plan
from whatsapp.models import Account, Number, Template
from whatsapp.pausing import DAILY_LIMIT_PAUSE

Deliver = Callable[..., None]


@pytest.fixture
def template(number: Number) -> Template:
    with tenant_scope(number.tenant):
        return Template.objects.create(
            tenant=number.tenant,
            account=number.account,
            meta_id="594425479261596",
            name="sommerfest",
            language="de",
            category="MARKETING",
            status="APPROVED",
            components=[{"type": "BODY", "text": "Alt"}, {"type": "FOOTER", "text": "Abmelden: STOPP"}],
        )


def told(field: str, waba_id: str = "waba-bakery", **value: Any) -> bytes:
    return meta.entry(waba_id, {"field": field, "value": value})


def about_template(field: str, waba_id: str = "waba-bakery", **value: Any) -> bytes:
    named = {"message_template_id": 594425479261596, "message_template_name": "sommerfest"}
    return told(field, waba_id, **named, message_template_language="de", **value)


def fresh(template: Template) -> Template:
    with tenant_scope(template.tenant_id):
        return Template.objects.get(pk=template.pk)


def using(number: Number, template: Template) -> Source:
    source = plan(number)
    with tenant_scope(number.tenant):
        Content.objects.create(tenant=number.tenant, source=source, template=template)
    return source


def state_of(source: Source) -> tuple[str, int | None]:
    with tenant_scope(source.tenant_id):
        return Source.objects.values_list("state", "pause_code").get(pk=source.pk)


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [("PAUSED", "PAUSED", 132015), ("DISABLED", "DISABLED", 132016), ("REJECTED", "REJECTED", 132001)],
)
def test_a_template_that_meta_stops_pauses_the_campaigns_that_send_it(
    number: Number, template: Template, deliver: Deliver, event: str, status: str, code: int
) -> None:
    campaign, other = using(number, template), plan(number)

    deliver(about_template("message_template_status_update", event=event, reason="NONE"))

    assert fresh(template).status == status
    assert state_of(campaign) == ("paused", code)
    assert state_of(other) == ("open", None)


def test_a_rejected_template_says_why(template: Template, deliver: Deliver) -> None:
    deliver(
        about_template(
            "message_template_status_update",
            event="REJECTED",
            reason="INVALID_FORMAT",
            rejection_info={"reason": "Variable am Ende", "recommendation": "Text anfügen"},
        )
    )

    assert fresh(template).rejected_reason == "INVALID_FORMAT Variable am Ende Text anfügen"


@pytest.mark.parametrize("reason", ["NONE", None, "INVALID_FORMAT"])
def test_an_approved_template_has_no_reason_any_more(template: Template, deliver: Deliver, reason: str | None) -> None:
    with tenant_scope(template.tenant_id):
        Template.objects.update(status="REJECTED", rejected_reason="Der Name ist vergeben (100)", meta_id="")

    deliver(about_template("message_template_status_update", event="APPROVED", reason=reason))

    assert (fresh(template).status, fresh(template).rejected_reason) == ("APPROVED", "")


def test_a_reinstated_template_is_approved_again(template: Template, deliver: Deliver) -> None:
    deliver(about_template("message_template_status_update", event="DISABLED"))
    deliver(about_template("message_template_status_update", event="REINSTATED"))

    assert fresh(template).is_sendable


def test_quality_category_and_texts_of_a_template_are_taken_over(template: Template, deliver: Deliver) -> None:
    deliver(
        about_template("message_template_quality_update", previous_quality_score="GREEN", new_quality_score="RED"),
        about_template("message_template_components_update", message_template_element="Neu"),
        about_template("template_category_update", new_category="MARKETING", correct_category="UTILITY"),
    )
    assert (fresh(template).quality, fresh(template).category) == ("RED", "MARKETING")
    assert fresh(template).components[0]["text"] == "Neu"

    deliver(about_template("template_category_update", previous_category="MARKETING", new_category="UTILITY"))
    assert (fresh(template).category, fresh(template).previous_category) == ("UTILITY", "MARKETING")


def test_another_tenants_app_cannot_pause_a_template(template: Template, shop_number: Number, deliver: Deliver) -> None:
    for waba_id in ("waba-bakery", "waba-shop"):
        deliver(
            about_template("message_template_status_update", waba_id, event="DISABLED"),
            path=f"{meta.PATH}{shop_number.account.uid}/",
            secret="the shop's secret",
        )

    assert fresh(template).status == "APPROVED"


def number_of(number: Number) -> Number:
    with tenant_scope(number.tenant_id):
        return Number.objects.get(pk=number.pk)


def test_limits_throughput_and_quality_of_a_number_are_taken_over(number: Number, deliver: Deliver) -> None:
    shown = "4915112345678"
    deliver(
        told("phone_number_quality_update", display_phone_number=shown, event="ONBOARDING", current_limit="TIER_2K")
    )
    assert number_of(number).daily_limit == 2000

    deliver(told("phone_number_quality_update", display_phone_number=shown, event="THROUGHPUT_UPGRADE"))
    assert number_of(number).throughput == 950
    deliver(told("phone_number_quality_update", display_phone_number=shown, event="FLAGGED"))
    assert number_of(number).quality == "RED"
    deliver(told("business_capability_update", max_daily_conversations_per_business="TIER_100K"))
    assert number_of(number).daily_limit == 100_000
    deliver(told("business_capability_update", max_daily_conversations_per_business="TIER_UNLIMITED"))
    assert number_of(number).daily_limit is None


def spend_the_day(number: Number, limit: int | None, code: int = DAILY_LIMIT_PAUSE) -> None:
    with tenant_scope(number.tenant_id):
        Number.objects.update(daily_limit=limit, paused_until=now() + timedelta(hours=20), pause_code=code)


@pytest.mark.parametrize("tier", ["TIER_2K", "TIER_UNLIMITED"])
def test_a_higher_limit_ends_the_stop_at_the_lower_one(number: Number, deliver: Deliver, tier: str) -> None:
    spend_the_day(number, 250)

    deliver(told("business_capability_update", max_daily_conversations_per_business=tier))

    assert (number_of(number).paused_until, number_of(number).pause_code) == (None, None)


@pytest.mark.parametrize(("limit", "code"), [(2000, DAILY_LIMIT_PAUSE), (10_000, DAILY_LIMIT_PAUSE), (250, 131048)])
def test_no_other_news_of_the_limit_ends_a_stop(number: Number, deliver: Deliver, limit: int, code: int) -> None:
    spend_the_day(number, limit, code)

    deliver(told("business_capability_update", max_daily_conversations_per_business="TIER_2K"))

    assert number_of(number).daily_limit == 2000
    assert (number_of(number).paused_until is None, number_of(number).pause_code) == (False, code)


def account_of(number: Number) -> Account:
    with tenant_scope(number.tenant_id):
        return Account.objects.get(pk=number.account_id)


def test_a_disabled_account_stops_sending_until_it_is_reinstated(number: Number, deliver: Deliver) -> None:
    def update(state: str) -> bytes:
        return told("account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": state})

    deliver(update("SCHEDULE_FOR_DISABLE"))
    assert account_of(number).paused_at is None
    deliver(update("DISABLE"))
    assert account_of(number).pause_code == 131031
    assert account_of(number).paused_at is not None
    deliver(update("REINSTATE"))
    assert (account_of(number).paused_at, account_of(number).pause_code) == (None, None)


def test_a_restriction_of_our_messages_stops_the_account_and_of_others_does_not(
    number: Number, deliver: Deliver
) -> None:
    def update(kind: str) -> bytes:
        return told("account_update", event="ACCOUNT_RESTRICTION", restriction_info=[{"restriction_type": kind}])

    deliver(update("RESTRICTED_ADD_PHONE_NUMBER_ACTION"))
    assert account_of(number).pause_code is None
    deliver(update("RESTRICTED_BIZ_INITIATED_MESSAGING"))
    assert account_of(number).pause_code == 368


def test_a_reconnected_account_stays_paused_for_other_reasons(number: Number, deliver: Deliver) -> None:
    deliver(told("account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"}))
    deliver(told("account_update", event="ACCOUNT_RECONNECTED"))

    assert account_of(number).pause_code == 131031
