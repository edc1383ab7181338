"""An erasure of somebody who is no contact takes their items out of the company's raw webhooks, and nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import DataRequest
from consent.queries import may_send
from contacts.models import Contact, Identity
from inbox import receiving
from inbox.models import WebhookEvent
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from tests.consent.rights.traces import EMAIL, OTHER, PHONE, erased_by_number, worked
from tests.contacts.calls import Caller
from tests.inbox import meta
from whatsapp.models import Number
from whatsapp.signature import sign

pytestmark = pytest.mark.usefixtures("as_runtime")


def posted(client: Client, content: bytes) -> None:
    """A webhook that is stored and not read yet."""
    headers = {"X-Hub-Signature-256": sign(meta.SECRET, content)}
    assert client.post(meta.PATH, content, "application/json", headers=headers).status_code == 200


def bodies() -> list[bytes]:
    """The raw webhooks, as they are stored."""
    with across_tenants("this test"):
        return [bytes(body) for body in WebhookEvent.objects.order_by("pk").values_list("body", flat=True)]


def test_an_erasure_at_one_company_leaves_what_was_written_to_another(
    alice: Caller, bakery: Tenant, shop_made: NewTenant, number: Number, deliver: Callable[..., None]
) -> None:
    theirs = factories.number(shop_made.tenant, phone_number_id="998877")
    said: dict[str, Any] = {"sender": PHONE, "at": timezone.now()}
    deliver(meta.body(theirs, messages=[meta.text("Hello shop", **said)]))

    request = erased_by_number(alice, bakery, phone=f"+{PHONE}")

    assert request.found["webhooks"] == 0
    with across_tenants("this test"):
        assert WebhookEvent.objects.count() == 1


def test_a_webhook_that_nobody_has_read_yet_is_waited_for_and_the_no_in_it_counts(
    alice: Caller, bakery: Tenant, number: Number, client: Client
) -> None:
    posted(client, meta.body(number, messages=[meta.text("STOPP", sender=PHONE, at=timezone.now())]))

    held = erased_by_number(alice, bakery, phone=f"+{PHONE}")

    assert (held.state, held.found) == ("working", {})
    assert "wird gerade gelesen" in held.error or "being read" in held.error
    receiving.run(seconds=60)
    with tenant_scope(bakery):
        DataRequest.objects.update(leased_until=None)
        assert may_send(contact=Contact.objects.get(), channel="whatsapp", purpose="marketing").reason == "withdrawn"
    # Whoever has written is a contact by now: somebody has to look.
    assert worked(bakery, str(held.uid)).state == "open"


def test_the_company_s_own_number_finds_nobody(
    alice: Caller, bakery: Tenant, number: Number, deliver: Callable[..., None]
) -> None:
    with tenant_scope(bakery):
        Number.objects.update(display_number="+49 1511 2345678")
    said = meta.text("Your number is 01511 2345678?", sender=OTHER, at=timezone.now())
    deliver(meta.body(number, messages=[said]))
    before = bodies()

    request = erased_by_number(alice, bakery, phone="+4915112345678")

    assert (request.found["webhooks"], bodies()) == (0, before)


def test_a_number_with_which_others_begin_does_not_find_them(
    alice: Caller, bakery: Tenant, number: Number, deliver: Callable[..., None]
) -> None:
    now = timezone.now()
    said = [meta.text("Longer", sender="493023125001", at=now), meta.text("Hers", sender="4930231250", at=now)]
    deliver(meta.body(number, messages=said))
    with tenant_scope(bakery):
        Contact.objects.all().delete()
        Identity.objects.all().delete()

    request = erased_by_number(alice, bakery, phone="+4930231250")

    [left] = bodies()
    assert (request.found["webhooks"], b"Longer" in left, b"Hers" in left) == (1, True, False)


def test_of_a_body_with_changes_of_several_companies_only_the_own_ones_are_cleared(
    alice: Caller, bakery: Tenant, shop_made: NewTenant, number: Number, deliver: Callable[..., None]
) -> None:
    theirs = factories.number(shop_made.tenant, phone_number_id="998877")
    changes = []
    for to in (number, theirs):
        about = meta.status(f"wamid.{to.pk}", "read", timezone.now()) | {"recipient_id": PHONE}
        document = json.loads(meta.body(to, statuses=[about]))
        changes.append(document["entry"][0])
    # One entry for an account alone, of somebody else and without any number.
    named = {"field": "user_id_update", "value": {"updates": [{"wa_id": PHONE}]}}
    changes.append({"id": theirs.account.waba_id, "changes": [named]})
    odd = {"field": "messages", "value": {"metadata": {"phone_number_id": {"odd": PHONE}}}}
    changes.append({"id": theirs.account.waba_id, "changes": [odd]})
    deliver(json.dumps({"object": "whatsapp_business_account", "entry": changes}).encode())

    request = erased_by_number(alice, bakery, phone=f"+{PHONE}")

    own, other, account, _odd = (entry["changes"][0]["value"] for entry in json.loads(bodies()[0])["entry"])
    assert request.found["webhooks"] == 1
    assert own["statuses"] == []
    assert [status["recipient_id"] for status in other["statuses"]] == [PHONE]
    assert account == named["value"]


@pytest.mark.parametrize(
    "words",
    ["Ask Anna: 01521 / 234 56 78", "+49 (0)1521-2345678", f"Write to {EMAIL.upper()}!", f"{PHONE}, please"],
)
def test_what_others_wrote_about_somebody_is_found_however_they_spell_it(
    alice: Caller, bakery: Tenant, number: Number, deliver: Callable[..., None], words: str
) -> None:
    about = [meta.text(text, sender=OTHER, at=timezone.now()) for text in (words, f"01521 2345678{OTHER}", f"x{EMAIL}")]
    deliver(meta.body(number, messages=about))

    request = erased_by_number(alice, bakery, phone=f"+{PHONE}", email=EMAIL)

    [left] = (json.loads(body)["entry"][0]["changes"][0]["value"]["messages"] for body in bodies())
    assert request.found["webhooks"] == 1
    assert [message["text"]["body"] for message in left] == [f"01521 2345678{OTHER}", f"x{EMAIL}"]
