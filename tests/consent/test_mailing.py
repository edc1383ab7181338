"""The mail that asks for a yes to e-mail goes out once, however the mail server and the workers fare."""

from datetime import timedelta
from smtplib import (
    SMTPConnectError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from consent import mailing, tasks
from consent.actions import blocking, declarations
from consent.models import AddressRequest, ConsentEvent, SignupForm, SignupRequest
from consent.signups import message
from contacts.models import Contact
from tenants import actions as tenancy
from tenants.models import Tenant
from tests.consent.factories import open_form, person, published, stop
from tests.consent.test_addresses import ANNA, BOTH, ask, link, mailed, yes
from tests.consent.test_signups import tick, write

pytestmark = pytest.mark.usefixtures("as_runtime")

CONSOLE = "django.core.mail.backends.console.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    return open_form(in_bakery, published(in_bakery, covers=BOTH))


def test_while_no_mail_can_be_sent_nothing_is_lost_and_it_goes_out_afterwards(
    client: Client, form: SignupForm, settings: Settings
) -> None:
    locmem = settings.EMAIL_BACKEND
    # A port that nobody listens on.
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    ask(client, form)
    waiting = AddressRequest.objects.get()
    assert (waiting.sent_at, waiting.error, waiting.attempts) == (None, "ConnectionRefusedError", 1)
    assert mailing.waiting() > 0

    settings.EMAIL_BACKEND = locmem
    tasks.ask_addresses()
    assert mail.outbox == []
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        tasks.ask_addresses()

    assert [letter.extra_headers["Message-ID"] for letter in mail.outbox] == [waiting.message_id]
    assert mailing.waiting() == 0


def test_mails_that_waited_for_days_do_not_come_all_at_once(
    client: Client, form: SignupForm, settings: Settings
) -> None:
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, CONSOLE
    for day in range(3):
        with time_machine.travel(timezone.now() + timedelta(days=day)):
            ask(client, form)
    settings.EMAIL_BACKEND = locmem

    with time_machine.travel(timezone.now() + timedelta(days=3)):
        ask(client, form)
        ask(client, form)
    assert len(mail.outbox) == 1

    # Nor does one that came too late to be sent keep later ones away.
    settings.EMAIL_BACKEND = CONSOLE
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        ask(client, form)
    settings.EMAIL_BACKEND = locmem
    with time_machine.travel(timezone.now() + timedelta(days=12)):
        ask(client, form)
    assert len(mail.outbox) == 2


def test_a_closed_company_asks_nobody_until_it_comes_back(client: Client, form: SignupForm) -> None:
    ask(client, form)
    AddressRequest.objects.update(sent_at=None, next_attempt_at=timezone.now())
    mail.outbox.clear()
    tenancy.close(tenant=form.tenant)

    tasks.ask_addresses()
    assert (mail.outbox, mailing.waiting()) == ([], 0)

    tenancy.reopen(tenant=form.tenant)
    tasks.ask_addresses()
    assert len(mail.outbox) == 1


def test_without_a_mail_server_nothing_is_written_to_the_log_and_everything_waits(
    client: Client, form: SignupForm, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = CONSOLE

    ask(client, form)

    assert "example.com" not in "".join(capfd.readouterr())
    assert AddressRequest.objects.filter(sent_at=None, attempts=0).count() == 1


def test_what_could_not_be_sent_for_seven_days_is_not_sent_any_more(client: Client, form: SignupForm) -> None:
    tick(client, form, email=ANNA)

    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        tasks.ask_addresses()

    assert mail.outbox == []


class Fails(BaseEmailBackend):
    """A mail server that cannot be reached, or does not take a mail."""

    unreachable: Exception | None = None
    untaken: Exception | None = None

    def open(self) -> None:
        if self.unreachable:
            raise self.unreachable

    def send_messages(self, _messages: object) -> int:
        assert self.untaken
        raise self.untaken


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("unreachable", TimeoutError()),
        ("unreachable", SMTPConnectError(554, b"no")),
        ("unreachable", SMTPServerDisconnected()),
        ("untaken", SMTPRecipientsRefused({ANNA: (451, b"greylisted")})),
        ("untaken", SMTPDataError(452, b"disk full")),
        # It is set up for another sender: ours to mend.
        ("untaken", SMTPSenderRefused(550, b"not you", "noreply@example.com")),
    ],
)
def test_what_the_server_did_not_take_for_now_is_sent_later(
    client: Client,
    form: SignupForm,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    error: Exception,
) -> None:
    monkeypatch.setattr(Fails, where, error)
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Fails"
    ask(client, form)
    settings.EMAIL_BACKEND = locmem
    assert AddressRequest.objects.get().error == type(error).__name__

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        tasks.ask_addresses()

    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "error",
    [
        # After the whole mail, as likely as before it.
        TimeoutError(),
        ConnectionResetError(),
        SMTPServerDisconnected(),
        SMTPRecipientsRefused({ANNA: (550, b"no such user")}),
        SMTPDataError(554, b"spam"),
    ],
)
def test_what_the_server_may_have_taken_or_refuses_for_good_is_not_sent_again(
    client: Client, form: SignupForm, settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Fails, "untaken", error)
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Fails"
    ask(client, form)
    settings.EMAIL_BACKEND = locmem
    assert AddressRequest.objects.exclude(sent_at=None).get().error == type(error).__name__

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        tasks.ask_addresses()

    assert mail.outbox == []


class Dies(BaseEmailBackend):
    """A mail server during whose answer the worker is killed."""

    def send_messages(self, _messages: object) -> int:
        raise KeyboardInterrupt


def test_a_worker_that_dies_in_the_middle_leaves_no_second_mail(
    client: Client, form: SignupForm, settings: Settings
) -> None:
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Dies"
    with pytest.raises(KeyboardInterrupt):
        ask(client, form)
    settings.EMAIL_BACKEND = locmem

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        tasks.ask_addresses()

    assert mail.outbox == []


def test_a_sign_up_rings_for_its_mail(
    client: Client, form: SignupForm, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as bells:
        tick(client, form, email=ANNA)

    assert [bell for bell in bells if "ask_addresses" in str(bell)]


@pytest.mark.parametrize("whose", ["of the address", "in the chat"])
def test_who_says_no_while_the_mail_waits_gets_none(client: Client, form: SignupForm, whose: str) -> None:
    token = tick(client, form, email=ANNA)
    if whose == "of the address":
        declarations.suppress(tenant=form.tenant, email=ANNA, channel="email", dedupe="block")
    else:
        anna = person(form.tenant)
        write(anna, message(token))
        stop(form.tenant, anna, is_all=True, occurred_at=timezone.now() + timedelta(seconds=1))

    tasks.ask_addresses()

    assert mail.outbox == []
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        tasks.ask_addresses()
    assert mail.outbox == []


def test_who_is_blocked_once_more_while_the_mail_waits_gets_none(client: Client, form: SignupForm) -> None:
    again: dict[str, Any] = {"tenant": form.tenant, "email": ANNA, "reason": "wish", "way": "phone", "by": None}
    blocking.block(**again)
    tick(client, form, email=ANNA)
    blocking.block(**again)

    tasks.ask_addresses()

    assert mail.outbox == []


@pytest.mark.parametrize("is_worked", [True, False])
def test_who_signs_up_anew_after_that_no_is_asked_on_the_same_day(
    client: Client, form: SignupForm, is_worked: bool
) -> None:
    tick(client, form, email=ANNA)
    declarations.suppress(tenant=form.tenant, email=ANNA, channel="email", dedupe="block")
    if is_worked:
        tasks.ask_addresses()
        assert not AddressRequest.objects.exists()

    # Later than a double click would be.
    SignupRequest.objects.update(requested_at=timezone.now() - timedelta(minutes=2))
    ask(client, form)

    assert [letter.to for letter in mail.outbox] == [[ANNA]]
    yes(client, mail.outbox[0])
    assert mailed(Contact.objects.get()) == ""


def test_the_page_of_a_mail_asks_and_grants_what_the_mail_asked_for(client: Client, in_bakery: Tenant) -> None:
    news = published(in_bakery, covers=BOTH)
    surveys = published(in_bakery, name="Umfragen", covers=[["email", "survey"]])
    form = open_form(in_bakery, news, extra_wording=surveys.wording)
    tick(client, form, email=ANNA, extra="on")
    declarations.suppress(tenant=in_bakery, email=ANNA, channel="email", purpose="survey", dedupe="no", source="agent")
    tasks.ask_addresses()
    [letter] = mail.outbox
    assert surveys.texts["de"] not in letter.body

    assert surveys.texts["de"] not in client.get(link(letter)).content.decode()
    yes(client, letter)

    granted = ConsentEvent.objects.filter(state="granted").values_list("channel", "purpose")
    assert list(granted) == [("email", "marketing")]


def test_who_said_no_after_the_mail_went_out_may_still_say_yes_on_its_page(client: Client, form: SignupForm) -> None:
    ask(client, form)
    declarations.suppress(tenant=form.tenant, email=ANNA, channel="email", dedupe="block")

    yes(client, mail.outbox[0])

    assert mailed(Contact.objects.get()) == ""


def test_a_no_to_whatsapp_alone_or_of_before_keeps_no_mail_away(client: Client, form: SignupForm) -> None:
    declarations.suppress(tenant=form.tenant, email=ANNA, dedupe="block")
    anna = person(form.tenant)
    write(anna, message(tick(client, form, email=ANNA)))
    stop(form.tenant, anna, occurred_at=timezone.now() + timedelta(seconds=1))

    tasks.ask_addresses()

    assert [letter.to for letter in mail.outbox] == [[ANNA]]
