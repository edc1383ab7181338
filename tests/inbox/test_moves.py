"""A new phone number or user id: the person, their yes and their no stay the same."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consent.actions import declarations
from consent.models import ConsentEvent
from contacts.models import Contact
from inbox.models import InboundMessage
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent import factories
from tests.consent.factories import person
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN
from tests.inbox import meta
from tests.inbox.outbox import send
from tests.inbox.test_opt_outs import TODAY, agree, may
from whatsapp.models import Number

Deliver = Callable[..., None]


def moved(new: str = "493023125099", **more: Any) -> meta.Json:
    system = {"body": "changed", "wa_id": new, "type": "user_changed_number"}
    return meta.text("", at=TODAY, wamid="wamid.move", **more) | {"type": "system", "system": system}


def agree_now(tenant: Tenant, contact: Contact) -> None:
    with tenant_scope(tenant):
        factories.agree(tenant, contact, occurred_at=timezone.now())


def phones(number: Number) -> list[str | None]:
    with tenant_scope(number.tenant):
        return list(Contact.objects.order_by("id").values_list("phone", flat=True))


def test_a_yes_moves_to_the_new_number(number: Number, deliver: Deliver) -> None:
    send(number, 1)
    agree(number.tenant)

    deliver(meta.body(number, messages=[moved()]))

    assert phones(number) == ["+493023125099"]
    assert may(number.tenant, "+493023125099")
    with tenant_scope(number.tenant):
        assert InboundMessage.objects.get().type == "system"


def test_a_stopp_moves_to_the_new_number(number: Number, deliver: Deliver) -> None:
    send(number, 1)
    agree(number.tenant)

    deliver(
        meta.body(number, messages=[meta.text("STOPP", at=TODAY - timedelta(hours=1))]),
        meta.body(number, messages=[moved()]),
    )

    assert not may(number.tenant, "+493023125099")


def test_the_next_owner_of_the_old_number_is_not_moved_by_a_repeat(number: Number, deliver: Deliver) -> None:
    send(number, 1)
    deliver(meta.body(number, messages=[moved()]))
    deliver(meta.body(number, messages=[meta.text("Hallo, ich bin neu", at=TODAY + timedelta(days=3))]))

    deliver(meta.body(number, messages=[moved()]))

    assert phones(number) == ["+493023125099", "+493023125001"]


def test_a_renewed_user_id_is_followed(number: Number, deliver: Deliver) -> None:
    send(number, 1)
    with tenant_scope(number.tenant):
        Contact.objects.update(bsuid="DE.1")
    change = {
        "wa_id": "493023125001",
        "detail": "changed",
        "user_id": {"previous": "DE.1", "current": "DE.2"},
        "timestamp": int(TODAY.timestamp()),
    }
    content = meta.entry(
        "waba-bakery",
        {
            "field": "user_id_update",
            "value": {"metadata": {"phone_number_id": number.phone_number_id}, "user_id_update": [change]},
        },
    )

    deliver(content, content)

    with tenant_scope(number.tenant):
        assert list(Contact.objects.values_list("phone", "bsuid")) == [("+493023125001", "DE.2")]


def test_the_move_of_somebody_unknown_creates_nobody(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, messages=[moved()]))

    assert phones(number) == []
    with tenant_scope(number.tenant):
        assert not ConsentEvent.objects.exists()


def stopped_by_a_stranger(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, user_preferences=[meta.preference("stop", at=TODAY - timedelta(hours=1))]))


def erased_before(number: Number, deliver: Deliver) -> None:
    with tenant_scope(number.tenant):
        ada = person(number.tenant, phone="+493023125001")
        at = TODAY - timedelta(hours=1)
        declarations.erased(tenant=number.tenant, contact=ada, dedupe="art17", at=at, by=None)
        ada.delete()


@pytest.mark.parametrize("keep_out", [stopped_by_a_stranger, erased_before])
def test_a_no_of_somebody_unknown_moves_to_the_new_number(
    number: Number, deliver: Deliver, keep_out: Callable[..., None]
) -> None:
    keep_out(number, deliver)

    deliver(meta.body(number, messages=[moved()]))

    assert phones(number) == []
    imported = done(number.tenant, PROVEN.replace("0151 23456780", "030 23125099"))
    assert imported.consent_counts == {"skipped_suppressed": 1}
    assert phones(number) == ["+493023125099"]
    assert not may(number.tenant, "+493023125099")
    with tenant_scope(number.tenant):
        row = ConsentEvent.objects.get(state="moved")
        assert (row.authority, row.source, row.occurred_at) == (2, "meta_webhook", TODAY)


def test_a_repeated_move_of_somebody_unknown_closes_nothing_that_they_have_opened(
    number: Number, deliver: Deliver
) -> None:
    erased_before(number, deliver)
    deliver(meta.body(number, messages=[moved()]))
    with tenant_scope(number.tenant):
        ada = person(number.tenant, phone="+493023125099")
    agree_now(number.tenant, ada)
    assert may(number.tenant, "+493023125099")

    deliver(meta.body(number, messages=[moved()]))

    assert may(number.tenant, "+493023125099")


def test_what_the_next_owner_of_the_number_refuses_does_not_move(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, user_preferences=[meta.preference("stop", at=TODAY + timedelta(minutes=1))]))

    deliver(meta.body(number, messages=[moved()]))

    with tenant_scope(number.tenant):
        agree_now(number.tenant, person(number.tenant, phone="+493023125099"))
    assert may(number.tenant, "+493023125099")


@pytest.mark.parametrize("user_id", [{"from_user_id": "DE.1"}, {}])
def test_a_first_stopp_from_before_a_move_stands_in_the_ledger_of_who_moved(
    number: Number, deliver: Deliver, user_id: dict[str, str]
) -> None:
    send(number, 1)
    agree(number.tenant)
    stopp = meta.text("STOPP", at=TODAY - timedelta(hours=1), **user_id)

    deliver(meta.body(number, messages=[stopp, moved(**user_id)]))

    assert phones(number) == ["+493023125099"]
    with tenant_scope(number.tenant):
        anna = Contact.objects.get()
        assert "withdrawn" in ConsentEvent.objects.filter(subject_id=anna.subject_id).values_list("state", flat=True)
