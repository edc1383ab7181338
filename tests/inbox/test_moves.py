"""A new phone number or user id: the person, their yes and their no stay the same."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from contacts.models import Contact
from inbox.models import InboundMessage
from tenants.scope import tenant_scope
from tests.inbox import meta
from tests.inbox.outbox import send
from tests.inbox.test_opt_outs import TODAY, agree, may
from whatsapp.models import Number

Deliver = Callable[..., None]


def moved(new: str = "493023125099", **more: Any) -> meta.Json:
    system = {"body": "changed", "wa_id": new, "type": "user_changed_number"}
    return meta.text("", at=TODAY, wamid="wamid.move", **more) | {"type": "system", "system": system}


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
