"""Three messages in a row that cannot be delivered make a person unreachable, until something arrives or they write."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.utils.timezone import now

from campaigns import audience
from campaigns.models import Campaign
from contacts import actions as contacts
from contacts.models import Contact
from messaging import claiming, recording
from messaging.budget import Budget
from messaging.models import Message, Source
from messaging.recording import Outcome
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from tests.inbox import meta
from tests.inbox.meta import NOON
from whatsapp.errors import Refused
from whatsapp.models import Number

Deliver = Callable[..., None]
PHONE = "+493023125001"


@pytest.fixture
def ada(number: Number) -> Contact:
    with tenant_scope(number.tenant):
        return factories.contacts(number.tenant, 1)[0]


@pytest.fixture
def fail(number: Number, ada: Contact, deliver: Deliver) -> Callable[..., None]:
    """Sends Ada so many campaigns, each of which fails with 131026."""

    def fail(times: int, *, kind: str = "campaign") -> None:
        for _ in range(times):
            wamid = send(number, ada, kind=kind)
            deliver(meta.body(number, statuses=[meta.failure(wamid, 131026)]))

    return fail


def send(number: Number, contact: Contact, *, kind: str = "campaign") -> str:
    """One more message to the contact, which Meta has accepted; returns its wamid."""
    with tenant_scope(number.tenant):
        source = Source.objects.create(
            tenant=number.tenant, kind=kind, name="Sommerfest", number=number, purpose="marketing"
        )
        message = Message.objects.create(
            tenant=number.tenant, source=source, contact=contact, state=2, queue=2, attempt=1, accepted_at=NOON
        )
        Message.objects.filter(pk=message.pk).update(wamid=f"wamid.{message.pk}")
        return f"wamid.{message.pk}"


def is_unreachable(contact: Contact) -> bool:
    with tenant_scope(contact.tenant):
        contact.refresh_from_db()
    return contact.unreachable_since is not None


def test_the_third_failure_in_a_row_makes_a_person_unreachable(ada: Contact, fail: Callable[..., None]) -> None:
    fail(2)
    assert not is_unreachable(ada)

    fail(1)

    assert is_unreachable(ada)


def test_a_repeated_webhook_counts_once(number: Number, ada: Contact, deliver: Deliver) -> None:
    told = meta.body(number, statuses=[meta.failure(send(number, ada), 131026)])

    deliver(told, told, told)

    assert not is_unreachable(ada)
    assert ada.undelivered == 1


def test_three_failures_of_one_batch_count_three_times(number: Number, ada: Contact, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=[meta.failure(send(number, ada), 131026) for _ in range(3)]))

    assert is_unreachable(ada)


@pytest.mark.parametrize("word", ["delivered", "read"])
def test_what_arrives_in_between_ends_the_row(
    number: Number, ada: Contact, fail: Callable[..., None], deliver: Deliver, word: str
) -> None:
    fail(2)
    deliver(meta.body(number, statuses=[meta.status(send(number, ada), word)]))

    fail(2)

    assert not is_unreachable(ada)


def test_what_arrives_late_makes_a_person_reachable_again(
    number: Number, ada: Contact, fail: Callable[..., None], deliver: Deliver
) -> None:
    late = send(number, ada)
    fail(3)

    deliver(meta.body(number, statuses=[meta.status(late, "delivered")]))

    assert not is_unreachable(ada)
    assert ada.undelivered == 0


def test_whoever_writes_is_reachable_again_and_starts_anew(
    number: Number, ada: Contact, fail: Callable[..., None], deliver: Deliver
) -> None:
    fail(3)

    deliver(meta.body(number, messages=[meta.text("Hallo", sender=ada.phone.lstrip("+"))]))
    fail(2)

    assert not is_unreachable(ada)


def test_other_failures_say_nothing_about_the_person(number: Number, ada: Contact, deliver: Deliver) -> None:
    codes = (130472, 131049, 131050, 132005, 131047)

    deliver(meta.body(number, statuses=[meta.failure(send(number, ada), code) for code in codes]))

    assert not is_unreachable(ada)
    assert ada.undelivered == 0


def test_failed_tests_prove_nothing(ada: Contact, fail: Callable[..., None]) -> None:
    fail(3, kind="test")

    assert not is_unreachable(ada)


def test_a_refusal_of_the_send_counts_like_a_webhook(number: Number, ada: Contact, fail: Callable[..., None]) -> None:
    fail(2)
    send(number, ada)
    with tenant_scope(number.tenant):
        message = Message.objects.latest("id")
        Message.objects.filter(pk=message.pk).update(state=1, queue=1, consent_seq=1, wamid=None, accepted_at=None)

    at = datetime(2026, 11, 21, tzinfo=UTC)
    recording.record(number, [Outcome(message.pk, 1, message.source_id, Refused(131026), at)])

    assert is_unreachable(ada)


def test_a_number_that_was_given_away_stays_invalid_whatever_arrives(
    number: Number, ada: Contact, fail: Callable[..., None], deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        Contact.objects.update(phone_invalid_at=now())
    fail(3)

    deliver(meta.body(number, statuses=[meta.status(send(number, ada), "delivered")]))

    assert not is_unreachable(ada)
    assert ada.phone_invalid_at is not None


def test_another_number_starts_anew(number: Number, ada: Contact, fail: Callable[..., None], alice: Caller) -> None:
    fail(3)

    assert alice.patch(f"contacts/{ada.uid}/", {"phone": PHONE}).status_code == 200
    assert not is_unreachable(ada)
    fail(3)
    with tenant_scope(number.tenant):
        contacts.move_number(
            contact=ada, new_phone="+493023125002", new_bsuid=None, merged=lambda *_pair: None, lost=lambda _old: None
        )

    assert not is_unreachable(ada)
    assert ada.undelivered == 0


def test_the_unreachable_are_in_the_waterfall_even_if_their_bsuid_is_known(
    number: Number, ada: Contact, fail: Callable[..., None]
) -> None:
    fail(3)
    with tenant_scope(number.tenant):
        Contact.objects.update(bsuid="DE.1349")
        everybody = contacts.create_list(tenant=number.tenant, name="Alle", by=None)
        contacts.add_members(contact_list=everybody, contacts=Contact.objects.all(), by=None)
        campaign = Campaign.objects.create(tenant=number.tenant, name="Herbst", purpose="marketing", number=number)
        campaign.audiences.create(tenant=number.tenant, list=everybody)

        assert audience.count(campaign).by_reason == {"unreachable": 1}


@pytest.mark.parametrize(("kind", "fate"), [("campaign", (9, "unreachable")), ("test", (1, ""))])
def test_whoever_became_unreachable_meanwhile_is_skipped_unless_it_is_a_test(
    number: Number, ada: Contact, fail: Callable[..., None], kind: str, fate: tuple[int, str]
) -> None:
    fail(3)
    with tenant_scope(number.tenant):
        source = factories.source(number, [ada])
        Source.objects.filter(pk=source.pk).update(kind=kind)
        Message.objects.filter(source=source).update(next_attempt_at=NOON)
        sender = Number.objects.select_related("account", "tenant").get()

        claiming.claim(number=sender, source_id=source.pk, most=10, budget=Budget(sender))

        assert Message.objects.values_list("state", "reason").get(source=source) == fate


def test_the_api_says_since_when_a_number_is_not_reachable(
    number: Number, ada: Contact, fail: Callable[..., None], alice: Caller
) -> None:
    assert alice.get(f"contacts/{ada.uid}/").json()["phone_invalid_at"] is None

    fail(3)

    assert alice.get(f"contacts/{ada.uid}/").json()["phone_invalid_at"] is not None
