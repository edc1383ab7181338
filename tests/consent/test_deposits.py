"""Signed heads leave the database, for a folder and by mail; what fails is tried again and told."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from smtplib import SMTPRecipientsRefused

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from consent import ledger, owing
from consent.actions import controllers
from consent.ledger import anchoring, depositing
from consent.models import LedgerAnchor, LedgerDeposit
from consent.tasks import anchor_ledgers, deposit_heads
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import entry
from tests.consent.test_anchors import ANCHORS, as_owner, verify
from tests.operations.test_metrics import scraped

ADDRESS = "ablage@example.com"
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
OLD = import_module("consent.migrations.0051_old_deposits")
OWED = import_module("consent.migrations.0052_deposits_are_owed")


def wants_seals(tenant: Tenant, address: str = ADDRESS) -> None:
    with tenant_scope(tenant):
        ledger.append(tenant, [entry(), entry()])
        controllers.update(tenant=tenant, by=None, anchor_email=address)


def waiting(client: Client) -> float:
    """What the operator sees."""
    return scraped(client)["ledger_seals_waiting"]


@pytest.fixture
def sealed(bakery: Tenant, settings: Settings, tmp_path: Path) -> Path:
    """A bakery with two rows that wants its seals by mail and in a folder; their file, which is not there yet."""
    settings.LEDGER_ANCHOR_DIR = str(tmp_path)
    wants_seals(bakery)
    anchor_ledgers()
    return tmp_path / f"{bakery.slug}.jsonl"


def test_the_head_is_kept_in_a_folder_and_mailed_where_a_company_wants_it(
    bakery: Tenant, sealed: Path, mailoutbox: list[EmailMessage], client: Client
) -> None:
    assert waiting(client) == 1

    deposit_heads()
    deposit_heads()

    assert len(sealed.read_text().splitlines()) == 1
    assert "1 signed heads fit" in verify(bakery, anchors=sealed)
    [one] = mailoutbox
    assert one.to == [ADDRESS]
    assert sealed.read_text().strip() in one.body
    assert waiting(client) == 0


def test_a_seal_that_could_not_be_mailed_is_mailed_soon_afterwards_and_once(
    bakery: Tenant, sealed: Path, settings: Settings, mailoutbox: list[EmailMessage], client: Client
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    deposit_heads()

    settings.EMAIL_BACKEND = LOCMEM
    deposit_heads()
    assert mailoutbox == []
    assert waiting(client) == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        deposit_heads()
        deposit_heads()

    [one], [signed] = mailoutbox, anchoring.stored(bakery)
    assert signed.as_line() in one.body
    # It was kept at once, which nobody repeats for the mail.
    assert depositing.kept(bakery) == [signed]
    assert waiting(client) == 0


class Refuses(BaseEmailBackend):
    """A mail server that knows no such mailbox, and counts how often it was asked."""

    asked = 0

    def send_messages(self, _messages: object) -> int:
        type(self).asked += 1
        raise SMTPRecipientsRefused({ADDRESS: (550, b"no such user")})


def test_a_mailbox_that_refuses_is_asked_once_a_day_and_the_company_told_until_it_names_another(
    bakery_made: NewTenant,
    sealed: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    mailoutbox: list[EmailMessage],
    client: Client,
) -> None:
    told, bakery = "The mailbox for the daily seal refuses it.", bakery_made.tenant
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    monkeypatch.setattr(Refuses, "asked", 0)
    settings.EMAIL_BACKEND = f"{__name__}.Refuses"
    assert told not in client.get("/bakery/processing/").content.decode()
    deposit_heads()
    with time_machine.travel(timezone.now() + timedelta(hours=23)):
        deposit_heads()

    assert Refuses.asked == 1
    assert depositing.kept(bakery) == anchoring.stored(bakery)
    # It is the company's to mend.
    assert waiting(client) == 0
    assert told in client.get("/bakery/processing/").content.decode()
    settings.EMAIL_BACKEND = LOCMEM
    with tenant_scope(bakery):
        controllers.update(tenant=bakery, by=None, anchor_email="siegel@example.com")
    assert told not in client.get("/bakery/processing/").content.decode()
    deposit_heads()
    assert [one.to for one in mailoutbox] == [["siegel@example.com"]]


def test_the_next_head_is_kept_at_once_though_the_mailbox_has_just_refused_the_last_one(
    bakery: Tenant, sealed: Path, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Refuses"
    deposit_heads()
    with tenant_scope(bakery):
        ledger.append(bakery, [entry()])
    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59)):
        anchor_ledgers()
        deposit_heads()

    assert depositing.kept(bakery) == anchoring.stored(bakery)


def test_a_new_address_gets_the_newest_head_though_the_old_one_has_it(
    bakery: Tenant, sealed: Path, mailoutbox: list[EmailMessage]
) -> None:
    deposit_heads()
    with tenant_scope(bakery):
        controllers.update(tenant=bakery, by=None, anchor_email="siegel@example.com")

    deposit_heads()

    assert [one.to for one in mailoutbox] == [[ADDRESS], ["siegel@example.com"]]


class Greylists(BaseEmailBackend):
    """A mail server that wants to be asked again."""

    def send_messages(self, _messages: object) -> int:
        raise SMTPRecipientsRefused({ADDRESS: (451, b"later")})


def test_a_mailbox_that_wants_to_be_asked_again_is_and_nobody_is_told_that_it_refuses(
    bakery: Tenant, sealed: Path, settings: Settings, mailoutbox: list[EmailMessage], client: Client
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Greylists"
    deposit_heads()
    settings.EMAIL_BACKEND = LOCMEM
    assert waiting(client) == 1
    with tenant_scope(bakery):
        assert not depositing.is_refused(bakery)

    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        deposit_heads()

    assert len(mailoutbox) == 1


class Moves(BaseEmailBackend):
    """A mailbox that refuses while its company enters another address, which takes everything."""

    def send_messages(self, messages: list[EmailMessage]) -> int:
        if messages[0].to != [ADDRESS]:
            mail.outbox.extend(messages)
            return len(messages)
        tenant = Tenant.objects.get(slug="bakery")
        with tenant_scope(tenant):
            controllers.update(tenant=tenant, by=None, anchor_email="siegel@example.com")
        raise SMTPRecipientsRefused({ADDRESS: (550, b"no such user")})


def test_an_address_that_is_changed_while_the_old_one_refuses_is_not_blamed_for_it(
    bakery: Tenant, sealed: Path, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Moves"

    deposit_heads()

    assert [one.to for one in mailoutbox] == [["siegel@example.com"]]


def test_a_mail_that_a_fault_of_ours_holds_up_holds_up_no_other_companys(
    bakery: Tenant, shop: Tenant, sealed: Path, mailoutbox: list[EmailMessage]
) -> None:
    wants_seals(shop, "shop@example.com")
    # Nobody could enter it.
    with tenant_scope(bakery):
        bakery.controller.anchor_email = f"a\nb{ADDRESS}"
        bakery.controller.save()
    anchor_ledgers()

    with pytest.raises(ValueError, match="newline"):
        deposit_heads()
    deposit_heads()

    assert [one.to for one in mailoutbox] == [["shop@example.com"]]


def test_a_head_that_cannot_be_signed_holds_up_no_other_companys(
    bakery: Tenant, shop: Tenant, sealed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for tenant in (bakery, shop):
        with tenant_scope(tenant):
            ledger.append(tenant, [entry()])
    as_owner(bakery, ANCHORS, lambda: LedgerAnchor.objects.filter(tenant=bakery).update(number=2**31 - 1))

    with time_machine.travel(timezone.now() + timedelta(days=1)):
        anchor_ledgers()

    assert f"the head of tenant {bakery.pk} cannot be signed" in caplog.text
    assert len(anchoring.stored(shop)) == 1


def test_without_a_mail_server_no_seal_is_written_to_the_log_and_nothing_waits_for_one(
    bakery: Tenant, sealed: Path, settings: Settings, capfd: pytest.CaptureFixture[str], client: Client
) -> None:
    settings.EMAIL_BACKEND = owing.CONSOLE
    deposit_heads()

    assert ADDRESS not in "".join(capfd.readouterr())
    assert waiting(client) == 0


def test_a_seal_that_could_not_be_kept_is_kept_soon_afterwards_and_once(
    bakery: Tenant, sealed: Path, settings: Settings, mailoutbox: list[EmailMessage], client: Client
) -> None:
    settings.LEDGER_ANCHOR_DIR = str(sealed.parent / "not mounted")
    deposit_heads()
    assert waiting(client) == 1
    with tenant_scope(bakery):
        assert not depositing.is_refused(bakery)

    settings.LEDGER_ANCHOR_DIR = str(sealed.parent)
    # What a full disk has left of another one.
    sealed.write_text('{"text": "{')
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        deposit_heads()
        deposit_heads()

    assert depositing.kept(bakery) == anchoring.stored(bakery)
    assert len(sealed.read_text().splitlines()) == 2
    assert len(mailoutbox) == 1


def test_the_newest_head_goes_out_for_all_that_a_dead_worker_has_left(
    bakery: Tenant, sealed: Path, mailoutbox: list[EmailMessage]
) -> None:
    with tenant_scope(bakery):
        ledger.append(bakery, [entry()])
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        anchor_ledgers()
        deposit_heads()

    _first, newest = anchoring.stored(bakery)
    assert depositing.kept(bakery) == [newest]
    [one] = mailoutbox
    assert newest.as_line() in one.body


def test_a_head_that_somebody_takes_out_is_left_to_them_until_their_time_is_over(
    bakery: Tenant, sealed: Path, mailoutbox: list[EmailMessage]
) -> None:
    with tenant_scope(bakery):
        LedgerDeposit.objects.update(next_attempt_at=timezone.now() + owing.LEASE)
    deposit_heads()
    assert mailoutbox == []

    with time_machine.travel(timezone.now() + owing.LEASE):
        deposit_heads()
    assert len(mailoutbox) == 1


def test_a_forged_head_is_sent_to_nobody(
    bakery: Tenant, sealed: Path, mailoutbox: list[EmailMessage], client: Client
) -> None:
    [signed] = anchoring.stored(bakery)
    text = signed.text.replace('"seq":2', '"seq":1')
    as_owner(bakery, ANCHORS, lambda: LedgerAnchor.objects.update(text=text))

    deposit_heads()

    assert (mailoutbox, sealed.exists()) == ([], False)
    assert waiting(client) == 1


def test_heads_from_before_deposits_were_noted_count_as_taken_out(
    bakery: Tenant, sealed: Path, mailoutbox: list[EmailMessage]
) -> None:
    with tenant_scope(bakery):
        LedgerDeposit.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(OLD.DONE)
        cursor.execute(OWED.SIGNED)

    deposit_heads()

    assert (mailoutbox, sealed.exists()) == ([], False)
