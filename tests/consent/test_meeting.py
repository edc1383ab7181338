"""Page, mail and message at the same moment: nobody waits in a circle, and one person stays one."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from consent import ledger
from consent.actions import addresses, declarations, hearing, joining, requests, signups
from consent.models import AddressRequest, ConsentEvent, SignupForm, SignupPlace, SignupRequest
from consent.queries import may_send
from consent.rights import erasing
from consent.signups import message
from contacts import identities
from contacts.models import Contact, Identity
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import open_form, person, published, stop
from tests.consent.test_addresses import BOTH
from tests.consent.test_signups import may, page, tap, tick, write

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "anna@example.com"
VISITOR = {"ip": "192.0.2.1", "user_agent": "Firefox"}
GIVEN: dict[str, Any] = {"is_extra_wanted": False, "answer": "", "language": "de", "visitor": VISITOR}


@pytest.fixture
def form(bakery: Tenant) -> SignupForm:
    with tenant_scope(bakery):
        return open_form(bakery, published(bakery, covers=BOTH), benefit="5 €", benefit_terms="Ab 20 €.")


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        return person(bakery)


class Other(Thread):
    """Somebody else's transaction, on a connection of its own; `done` or `failed` is what came of it."""

    def __init__(self, tenant: Tenant, job: Callable[[], Any]) -> None:
        super().__init__()
        self.tenant, self.job = tenant, job
        self.done: Any = None
        self.failed: Exception | None = None

    def run(self) -> None:
        try:
            with tenant_scope(self.tenant):
                self.done = self.job()
        except Exception as error:
            self.failed = error
        finally:
            connections.close_all()


def meanwhile(tenant: Tenant, *jobs: Callable[[], Any]) -> list[Other]:
    """Begins each job; it has ended, or waits for what our transaction has locked."""
    others = [Other(tenant, job) for job in jobs]
    for number, other in enumerate(others, 1):
        other.start()
        while other.is_alive() and waiting() < number:
            other.join(0.01)
    return others


def waiting() -> int:
    """How many wait for a lock in this database."""
    with connection.cursor() as cursor:
        # Within a transaction it would stay as it was first seen.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def ended(others: list[Other]) -> list[Any]:
    for other in others:
        other.join(20)
        assert not other.is_alive()
        assert other.failed is None, other.failed
    return [other.done for other in others]


def signed_up(form: SignupForm, address: str = ADDRESS) -> tuple[str, AddressRequest]:
    token = addresses.start(form=form, address=address, **GIVEN)
    return token, AddressRequest.objects.select_related("tenant", "contact", "signup").latest("pk")


def confirmed_by_mail(request: AddressRequest) -> Callable[[], Any]:
    return lambda: addresses.confirm(request, visitor=VISITOR)


def test_a_double_click_is_one_sign_up_with_one_token_one_mail_and_one_contact(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        token, request = signed_up(form)
        others = meanwhile(bakery, lambda: addresses.start(form=form, address=ADDRESS, **GIVEN))
    assert ended(others) == [token]

    with tenant_scope(bakery):
        form.refresh_from_db()
        assert (SignupRequest.objects.count(), AddressRequest.objects.count(), form.requests) == (1, 1, 1)
        write(anna, message(token))
        assert addresses.confirm(request, visitor=VISITOR) == anna
        assert Contact.objects.get() == anna
        assert ConsentEvent.objects.filter(state="requested").count() == 2


def test_a_page_without_an_address_counts_once_however_often_it_is_sent(bakery: Tenant, client: Client) -> None:
    with tenant_scope(bakery):
        plain = open_form(bakery, published(bakery, name="Kurz", covers=[["whatsapp", "marketing"]]), slug="kurz")
    read, other = (onces(client.get(page(plain)).content.decode()) for _look in range(2))

    tokens = [tick(client, plain, once=once) for once in (read, read, other)]

    assert tokens[0] == tokens[1] != tokens[2]
    with tenant_scope(bakery):
        plain.refresh_from_db()
        assert (SignupRequest.objects.count(), plain.requests) == (2, 2)


def onces(shown: str) -> str:
    """What tells this page from another one."""
    [once] = re.findall(r'name="once"\s+value="([^"]+)"', shown)
    return str(once)


@pytest.mark.parametrize(
    "changed",
    [
        {"visitor": VISITOR | {"ip": "192.0.2.2"}},
        {"visitor": VISITOR | {"user_agent": "Safari"}},
        {"language": "en"},
        {"address": "ben@example.com"},
        {"answer": "Lockig"},
        {"chosen": ["6f1c1e0e-2ad1-4c0f-9f0e-0d6f7c4e5a11"]},
    ],
)
def test_who_sends_something_else_is_another_sign_up(bakery: Tenant, form: SignupForm, changed: dict[str, Any]) -> None:
    with tenant_scope(bakery):
        first = addresses.start(form=form, address=ADDRESS, **GIVEN)

        assert addresses.start(**{"form": form, "address": ADDRESS, **GIVEN} | changed) != first


def test_who_signs_up_by_another_form_at_another_place_or_for_more_is_another_sign_up(
    bakery: Tenant, form: SignupForm
) -> None:
    with tenant_scope(bakery):
        version, more = form.wording.versions.get(), published(bakery, name="Mehr", covers=[["whatsapp", "survey"]])
        fair = open_form(bakery, version, name="Messe", slug="messe", extra_wording=more.wording)
        door = SignupPlace.objects.create(tenant=bakery, form=fair, code="tuer", name="Tür")
        clicks: list[dict[str, Any]] = [
            {"form": form}, {"form": fair}, {"form": fair, "place": door}, {"form": fair, "is_extra_wanted": True},
        ]  # fmt: skip

        tokens = {addresses.start(**{"address": ADDRESS, **GIVEN, **click}) for click in clicks}

    assert len(tokens) == len(clicks)


def test_who_comes_back_after_a_minute_or_a_confirmation_signs_up_anew(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        tokens = [addresses.start(form=form, address=ADDRESS, **GIVEN)]
        SignupRequest.objects.update(requested_at=SignupRequest.objects.get().requested_at - timedelta(minutes=1))
        tokens.append(addresses.start(form=form, address=ADDRESS, **GIVEN))
        write(anna, message(tokens[1]))
        tokens.append(addresses.start(form=form, address=ADDRESS, **GIVEN))

    assert len(set(tokens)) == 3


def test_two_mails_to_one_address_confirmed_at_once_leave_one_contact(bakery: Tenant, form: SignupForm) -> None:
    with tenant_scope(bakery):
        _token, first = signed_up(form)
        yesterday = first.day - timedelta(days=1)
        AddressRequest.objects.update(day=yesterday, sent_at=first.requested_at)
        SignupRequest.objects.update(requested_at=first.requested_at - timedelta(hours=1))
        _token, second = signed_up(form)
    with tenant_scope(bakery):
        ledger.lock(bakery)
        others = meanwhile(bakery, confirmed_by_mail(first), confirmed_by_mail(second))
    ended(others)

    with tenant_scope(bakery):
        assert Contact.objects.get().email == ADDRESS


def test_a_mail_confirmed_while_a_batch_of_messages_has_the_ledger_waits_without_a_circle(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        token, request = signed_up(form)
    with tenant_scope(bakery):
        # Somebody's STOPP in the same batch.
        stop(bakery, person(bakery))
        others = meanwhile(bakery, confirmed_by_mail(request))
        assert write(anna, message(token))
    assert ended(others) == [anna]

    with tenant_scope(bakery):
        assert (may(anna), may(anna, channel="email")) == ("", "")
        assert Contact.objects.filter(email=ADDRESS).count() == 1


def test_a_message_waits_for_a_contact_before_it_takes_the_ledger(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        token, _request = signed_up(form)
    with tenant_scope(bakery):
        # Who changes a number locks the contact first, and then writes to the ledger.
        Contact.objects.select_for_update().get(pk=anna.pk)
        others = meanwhile(bakery, lambda: write(anna, message(token)))
        ledger.lock(bakery)
    ended(others)

    with tenant_scope(bakery):
        assert may(anna) == ""


def test_a_mail_waits_for_a_contact_before_it_takes_the_ledger(bakery: Tenant, form: SignupForm, anna: Contact) -> None:
    with tenant_scope(bakery):
        token, request = signed_up(form)
        write(anna, message(token))
    with tenant_scope(bakery):
        Contact.objects.select_for_update().get(pk=anna.pk)
        others = meanwhile(bakery, confirmed_by_mail(request))
        ledger.lock(bakery)
    assert ended(others) == [anna]

    with tenant_scope(bakery):
        assert may(anna, channel="email") == ""


def test_a_mail_that_finds_its_person_only_after_the_wait_begins_anew_and_makes_no_circle(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        _token, request = signed_up(form)
    with tenant_scope(bakery):
        ledger.lock(bakery)
        # Another message of hers has the contact, and wants the ledger after the mail.
        others = meanwhile(
            bakery,
            confirmed_by_mail(request),
            lambda: (joining.hold(bakery, [anna.pk]), ledger.lock(bakery)),
        )
        joining.join(request.signup, anna, request.requested_at)
    assert ended(others)[0] == anna


def test_a_tap_waits_for_a_contact_before_it_takes_the_ledger(bakery: Tenant, form: SignupForm, anna: Contact) -> None:
    with tenant_scope(bakery):
        write(anna, "START")
    with tenant_scope(bakery):
        Contact.objects.select_for_update().get(pk=anna.pk)
        others = meanwhile(bakery, lambda: tap(anna))
        ledger.lock(bakery)
    ended(others)

    with tenant_scope(bakery):
        assert may(anna) == ""


def test_a_tap_that_waited_while_a_no_was_written_is_no_yes(bakery: Tenant, form: SignupForm, anna: Contact) -> None:
    with tenant_scope(bakery):
        write(anna, "START")
    with tenant_scope(bakery):
        stop(bakery, anna, occurred_at=timezone.now())
        others = meanwhile(bakery, lambda: tap(anna))
    [heard] = ended(others)

    assert heard.outcome == "late"
    with tenant_scope(bakery):
        assert may(anna) == "withdrawn"


def test_a_batch_locks_whoever_may_say_yes_in_it_before_anything_else(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        token, request = signed_up(form)
        by_mail = addresses.confirm(request, visitor=VISITOR)
        assert by_mail
        chatting = person(bakery)
    with tenant_scope(bakery):
        Contact.objects.select_for_update().get(pk=by_mail.pk)
        said = [(anna, message(token), ""), (chatting, "Habt ihr offen?", "")]
        others = meanwhile(bakery, lambda: hearing.hold(bakery, said))
        assert others[0].is_alive()
        # Who only chats is not kept waiting.
        Contact.objects.select_for_update(nowait=True).get(pk=chatting.pk)
    ended(others)


def test_who_only_writes_down_a_row_of_a_contact_does_not_wait_for_a_confirmation(
    bakery: Tenant, anna: Contact
) -> None:
    with tenant_scope(bakery):
        joining.hold(bakery, [anna.pk])
        named = {"tenant": bakery, "contact": anna, "kind": "bsuid", "digest": b"x"}
        [other] = meanwhile(bakery, lambda: Identity.objects.create(**named))
        assert not other.is_alive()
    ended([other])


def test_a_page_waits_for_the_mailbox_without_holding_the_form(bakery: Tenant, form: SignupForm, anna: Contact) -> None:
    with tenant_scope(bakery):
        token, request = signed_up(form)
    with tenant_scope(bakery):
        joining.join(request.signup, anna, request.requested_at)
        again = GIVEN | {"visitor": VISITOR | {"ip": "192.0.2.2"}}
        others = meanwhile(bakery, lambda: addresses.start(form=form, address=ADDRESS, **again))
        signups.count("confirmed", form)
    assert ended(others) != [token]


def test_art_17_an_erasure_and_a_mail_that_is_confirmed_just_then_wait_for_each_other_without_a_circle(
    bakery: Tenant, form: SignupForm, settings: LazySettings, tmp_path: Path
) -> None:
    settings.ERASURE_LOG_DIR = str(tmp_path / "erasures")
    with tenant_scope(bakery):
        anna = person(bakery, email=ADDRESS)
        _token, request = signed_up(form)
    with tenant_scope(bakery):
        # The confirmation has the contact and waits for the ledger, so the erasure, which needs none, waits for it.
        ledger.lock(bakery)
        others = meanwhile(
            bakery, confirmed_by_mail(request), lambda: erasing.erase(bakery, anna, at=request.requested_at)
        )
        assert waiting() == 2
    assert ended(others)[0].email == ADDRESS

    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        assert not AddressRequest.objects.exists()


def test_art_17_an_erasure_waits_for_every_contact_of_the_person_before_it_takes_the_ledger(
    bakery: Tenant, anna: Contact
) -> None:
    with tenant_scope(bakery):
        twin = person(bakery)
        identities.share(bakery, [anna, twin])
        declarations.merged(tenant=bakery, kept=anna, gone=twin)
        asked = requests.take(tenant=bakery, contact=anna, kind="erasure", checked_by="email", by=None)
    with tenant_scope(bakery):
        Contact.objects.select_for_update().get(pk=twin.pk)
        others = meanwhile(bakery, lambda: requests.run(request=asked, by=None, others=[str(twin.uid)]))
        ledger.lock(bakery)
    ended(others)

    with tenant_scope(bakery):
        assert (may(anna), may(twin)) == ("restricted", "restricted")


def test_mail_and_message_of_one_sign_up_at_once_make_one_person(
    bakery: Tenant, form: SignupForm, anna: Contact
) -> None:
    with tenant_scope(bakery):
        token, request = signed_up(form)
    with tenant_scope(bakery):
        ledger.lock(bakery)
        others = meanwhile(bakery, confirmed_by_mail(request), lambda: write(anna, message(token)))
    ended(others)

    with tenant_scope(bakery):
        owner = Contact.objects.get(email=ADDRESS)
        assert may(anna) == ""
        assert may_send(contact=owner, channel="email", purpose="marketing").allowed
        is_one = owner == anna or ConsentEvent.objects.filter(state="merged", subject_id=anna.subject_id).exists()
        assert is_one
