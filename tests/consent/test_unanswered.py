"""CG-14: a request to sign up that nobody confirms is over after seven days, its contents are gone after fourteen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.timezone import now

from consent import queries
from consent.actions import addresses, hearing, signups
from consent.ledger import Happened, evidence, fold
from consent.models import (
    ConsentEvent,
    ConsentEvidence,
    ConsentHead,
    ConsentState,
    Disposal,
    SignupForm,
    SignupRequest,
)
from consent.rights import keeping
from consent.signups import message
from contacts.models import Contact
from tenants.models import Tenant
from tests.consent.factories import open_form, person, published

DAY = timedelta(days=1)


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    both = published(in_bakery, covers=[["whatsapp", "marketing"], ["email", "marketing"]])
    return open_form(in_bakery, both)


def write(contact: Contact, text: str, *, days_ago: float, payload: str = "") -> str:
    """What became of a message of some days ago, which arrives now."""
    said = signups.Said(f"wamid.{text}.{days_ago}", text, now() - DAY * days_ago, "20001", payload)
    named = queries.keywords_among(contact.tenant, [text])
    heard = hearing.hear(tenant=contact.tenant, contact=contact, said=said, is_start=text == "START", named=named)
    return heard.outcome if heard else ""


def tap(contact: Contact, form: SignupForm, *, days_ago: float) -> str:
    version = form.wording.versions.get()
    return write(contact, "Ja, anmelden", days_ago=days_ago, payload=f"optin:{form.uid}:{version.pk}")


def night(tenant: Tenant) -> dict[str, int]:
    """What a night's round has let go of."""
    before = set(Disposal.objects.values_list("pk", flat=True))
    assert keeping.keep(tenant) is False
    return dict(Disposal.objects.exclude(pk__in=before).values_list("what", "count"))


@contextmanager
def before_the_search(job: Callable[[], Any]) -> Iterator[None]:
    """Do the job once, when a night's round knows how far it will look and begins to."""
    jobs = [job]

    def first(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        if "unanswered AS" in sql and jobs:
            jobs.pop()()
        return execute(sql, *given)

    with connection.execute_wrapper(first):
        yield
    assert not jobs


def reason(contact: Contact) -> str:
    return queries.may_send(contact=contact, channel="whatsapp", purpose="marketing").reason


def assert_folded(*people: Contact) -> None:
    """What is stored is what the rows add up to."""
    for contact in people:
        rows = ConsentEvent.objects.filter(subject_id=contact.subject_id).values_list(*Happened._fields)
        folded = fold(Happened(*row) for row in rows)
        stored = ConsentState.objects.filter(subject_id=contact.subject_id)
        assert {(s.channel, s.purpose): (s.state, s.seq) for s in stored} == {
            pair: (one.state, one.seq) for pair, one in folded.items()
        }


def test_after_seven_days_a_keyword_that_nobody_confirmed_has_expired(in_bakery: Tenant, form: SignupForm) -> None:
    late, waiting = person(in_bakery), person(in_bakery)
    write(late, "START", days_ago=7.1)
    write(waiting, "START", days_ago=6.9)

    # WhatsApp alone: nobody was asked for an address, so no request for e-mail is told as lapsed.
    assert night(in_bakery) == {"lapsed": 1}

    assert (reason(late), reason(waiting)) == ("expired", "pending")
    row = ConsentEvent.objects.filter(subject_id=late.subject_id, state="expired", channel="whatsapp").get()
    assert (row.actor_type, row.source, row.source_ref) == ("system", "system", "not confirmed within 7 days")
    assert_folded(late, waiting)
    assert night(in_bakery) == {}


def test_a_tap_after_seven_days_grants_nothing_and_who_asks_again_is_asked_again(
    in_bakery: Tenant, form: SignupForm
) -> None:
    anna = person(in_bakery)
    write(anna, "START", days_ago=8)

    # Whether the night was before or comes after.
    assert tap(anna, form, days_ago=0.5) == "late"
    night(in_bakery)
    assert tap(anna, form, days_ago=0.4) == "late"
    assert reason(anna) == "expired"

    assert write(anna, "START", days_ago=0.3) == "asked"
    assert tap(anna, form, days_ago=0.2) == "confirmed"
    assert reason(anna) == ""
    assert_folded(anna)


def test_a_tap_in_time_counts_although_it_arrives_after_the_expiry(in_bakery: Tenant, form: SignupForm) -> None:
    anna = person(in_bakery)
    write(anna, "START", days_ago=8)
    night(in_bakery)

    assert tap(anna, form, days_ago=2) == "confirmed"

    assert reason(anna) == ""
    assert_folded(anna)


def test_what_a_yes_does_not_confirm_expires_beside_it(in_bakery: Tenant, form: SignupForm) -> None:
    anna = person(in_bakery)
    asked = {"is_extra_wanted": False, "answer": "", "language": "de", "visitor": {"ip": "192.0.2.1"}}
    token = addresses.start(form=form, address="anna@example.com", **asked)
    SignupRequest.objects.update(requested_at=now() - DAY * 8)
    write(anna, message(token), days_ago=7.5)

    assert night(in_bakery) == {"lapsed": 1}

    assert reason(anna) == ""
    assert queries.may_send(contact=anna, channel="email", purpose="marketing").reason == "expired"
    assert_folded(anna)


def test_after_fourteen_days_what_they_wrote_is_gone_and_the_proof_of_a_yes_stays(
    in_bakery: Tenant, form: SignupForm
) -> None:
    silent, late, signed_up = person(in_bakery), person(in_bakery), person(in_bakery)
    write(silent, "START", days_ago=14.1)
    write(late, "START", days_ago=13.9)
    write(signed_up, "START", days_ago=20)
    tap(signed_up, form, days_ago=19)
    proofs = ConsentEvidence.objects.count()

    assert night(in_bakery)["sign_ups"] == 1

    assert ConsentEvidence.objects.count() == proofs - 1
    assert {row.subject_id for row in ConsentEvent.objects.filter(event_id__in=_proven())} == {
        late.subject_id,
        signed_up.subject_id,
    }
    assert ConsentEvent.objects.filter(subject_id=silent.subject_id, state="requested").count() == 1
    texts = [evidence.unseal(row).get("text") for row in ConsentEvidence.objects.all()]
    assert "Ja, anmelden" in texts


def test_a_yes_of_later_does_not_keep_an_old_request(in_bakery: Tenant, form: SignupForm) -> None:
    anna = person(in_bakery)
    write(anna, "START", days_ago=30)
    write(anna, "START", days_ago=16)
    tap(anna, form, days_ago=15)

    assert night(in_bakery)["sign_ups"] == 1

    kept = ConsentEvent.objects.filter(event_id__in=_proven(), state="requested")
    assert all(row.occurred_at > now() - DAY * 17 for row in kept)
    assert kept.count() == 1


def test_what_was_looked_at_once_its_time_was_over_is_not_read_again(in_bakery: Tenant, form: SignupForm) -> None:
    signed_up, waiting = person(in_bakery), person(in_bakery)
    write(signed_up, "START", days_ago=20)
    tap(signed_up, form, days_ago=19)
    old = ConsentEvent.objects.latest("seq").seq
    write(waiting, "START", days_ago=13.9)
    first = old + 1
    assert ConsentEvent.objects.get(seq=first).state == "requested"

    night(in_bakery)

    # Up to the first one whose fourteen days are not over; the rows after it are read again.
    assert ConsentHead.objects.get().settled_seq == old
    with CaptureQueriesContext(connection) as statements:
        night(in_bakery)
    [search] = [each["sql"] for each in statements if "unanswered AS" in each["sql"]]
    assert f"r.seq > {old}" in search


def test_a_message_of_long_ago_that_arrives_late_is_found_behind_those_that_wait(
    in_bakery: Tenant, form: SignupForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, belated = person(in_bakery), person(in_bakery)
    write(waiting, "START", days_ago=13)
    night(in_bakery)
    write(belated, "START", days_ago=15)

    assert night(in_bakery)["sign_ups"] == 1

    assert {row.subject_id for row in ConsentEvent.objects.filter(event_id__in=_proven())} == {waiting.subject_id}
    later = now() + DAY * 2
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert night(in_bakery)["sign_ups"] == 1
    assert ConsentHead.objects.get().settled_seq == ConsentHead.objects.get().last_seq


def test_what_arrives_while_a_round_looks_is_found_by_the_next_one(in_bakery: Tenant, form: SignupForm) -> None:
    early, belated = person(in_bakery), person(in_bakery)
    write(early, "START", days_ago=16)

    with before_the_search(lambda: write(belated, "START", days_ago=17)):
        assert night(in_bakery)["sign_ups"] == 1

    assert ConsentEvidence.objects.filter(event_id__in=_requested()).count() == 1
    assert night(in_bakery)["sign_ups"] == 1


def test_a_round_that_ends_after_another_takes_nothing_back_of_how_far_that_one_went(
    in_bakery: Tenant, form: SignupForm
) -> None:
    write(person(in_bakery), "START", days_ago=16)

    def another_round() -> None:
        write(person(in_bakery), "START", days_ago=17)
        night(in_bakery)

    with before_the_search(another_round):
        night(in_bakery)

    head = ConsentHead.objects.get()
    assert head.settled_seq == head.last_seq > 0


def test_a_round_that_was_broken_off_counts_nothing_as_looked_at(
    in_bakery: Tenant, form: SignupForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days_ago in (15, 16, 17):
        write(person(in_bakery), "START", days_ago=days_ago)
    monkeypatch.setattr(keeping, "AT_A_TIME", 1)
    monkeypatch.setattr(keeping, "MOST_BATCHES", 2)

    assert keeping.keep(in_bakery) is True

    assert ConsentHead.objects.get().settled_seq == 0
    assert ConsentEvidence.objects.filter(event_id__in=_requested()).count() == 1
    keeping.keep(in_bakery)
    assert not ConsentEvidence.objects.filter(event_id__in=_requested()).exists()


def test_requests_go_batch_by_batch_however_many_there_are(
    in_bakery: Tenant, form: SignupForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "AT_A_TIME", 2)
    for days_ago in (15, 16, 17):
        write(person(in_bakery), "START", days_ago=days_ago)

    keeping.keep(in_bakery)

    assert not ConsentEvidence.objects.filter(event_id__in=_requested()).exists()
    counts = Disposal.objects.filter(what="sign_ups").order_by("pk").values_list("count", flat=True)
    assert list(counts) == [2, 1]


def _requested() -> list[UUID]:
    return list(ConsentEvent.objects.filter(state="requested").values_list("event_id", flat=True))


def _proven() -> list[UUID]:
    return list(ConsentEvidence.objects.values_list("event_id", flat=True))
