"""Every vector of the keywords through the real webhook: who wrote it is out, or is not, and who is to be looked at."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from consent.actions import declarations
from consent.queries import may_send
from contacts import identities
from contacts.models import Contact
from inbox.models import InboundMessage
from tenants.scope import tenant_scope
from tests.consent.more_than_out import MUST_OBJECT_TO_ALL, MUST_OPT_OUT_AND_ERASE, MUST_OPT_OUT_OF_ALL
from tests.consent.reasons import DOUBTFUL, STOPPING
from tests.consent.vectors import MUST_ASK, MUST_BE_LEFT_ALONE, MUST_NOT_OPT_OUT, MUST_OPT_OUT
from tests.inbox import meta
from whatsapp.models import Number

TODAY = timezone.now().replace(microsecond=0) - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        pytest.param([*MUST_OPT_OUT, *STOPPING], ("withdrawn", None), id="out of marketing"),
        pytest.param(MUST_OPT_OUT_AND_ERASE, ("withdrawn", None), id="out of marketing and to be erased"),
        pytest.param(MUST_OPT_OUT_OF_ALL, ("withdrawn", "withdrawn"), id="out of everything"),
        pytest.param(MUST_OBJECT_TO_ALL, ("objected", "objected"), id="an objection"),
        pytest.param(MUST_NOT_OPT_OUT, (None, None), id="not out"),
        pytest.param(MUST_BE_LEFT_ALONE, (None, None), id="nothing at all"),
        pytest.param([*MUST_ASK, *DOUBTFUL], (None, None), id="to be looked at"),
    ],
)
def test_what_people_write_does_what_it_means(
    number: Number, deliver: Callable[..., None], vectors: list[str], expected: tuple[str | None, str | None]
) -> None:
    senders = _all_write(number, deliver, vectors)

    with tenant_scope(number.tenant):
        found = {words: (_reason(phone, "marketing"), _reason(phone, "survey")) for phone, words in senders.items()}
    assert found == dict.fromkeys(vectors, expected)


def test_what_may_be_a_no_is_for_people_to_look_at(number: Number, deliver: Callable[..., None]) -> None:
    _all_write(number, deliver, [*MUST_ASK, *DOUBTFUL, *MUST_BE_LEFT_ALONE])

    with tenant_scope(number.tenant):
        looked_at = InboundMessage.objects.filter(needs_a_look=True)
        assert set(looked_at.values_list("text", flat=True)) == {*MUST_ASK, *DOUBTFUL}


def _all_write(number: Number, deliver: Callable[..., None], vectors: list[str]) -> dict[str, str]:
    """Everybody who said yes writes one of the messages; returns by phone who wrote which."""
    senders = {f"+493023125{place:03d}": words for place, words in enumerate(vectors)}
    with tenant_scope(number.tenant):
        for phone in senders:
            _who_said_yes_to_all(number, phone)
    written = [meta.text(words, sender=phone.removeprefix("+"), at=TODAY) for phone, words in senders.items()]
    deliver(meta.body(number, messages=written))
    return senders


def _who_said_yes_to_all(number: Number, phone: str) -> None:
    contact = Contact.objects.create(tenant=number.tenant, phone=phone)
    identities.record(number.tenant, [contact])
    declarations.grant(
        tenant=number.tenant,
        contact=contact,
        dedupe=f"form:{contact.pk}",
        source="signup_page",
        authority=3,
        occurred_at=TODAY - timedelta(days=30),
        pairs=(("whatsapp", "marketing"), ("whatsapp", "survey")),
        wording_text="Ja",
        age_confirmed=True,
    )


def _reason(phone: str, purpose: str) -> str | None:
    """Why nothing may be sent to this person for the purpose; None when it may."""
    contact = Contact.objects.get(phone=phone)
    return may_send(contact=contact, channel="whatsapp", purpose=purpose).reason or None
