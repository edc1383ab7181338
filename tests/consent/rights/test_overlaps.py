"""Rounds at the same time: two let go of the same rows, and what went is counted once, by whoever deleted it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from consent import ledger, tasks
from consent.actions import requests as actions
from consent.models import ConsentHead, DataRequest, Disposal, Handover, ImportClaim
from consent.rights import keeping
from contacts.models import Contact, Import
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics import cast
from tests.consent import test_programs as programs
from tests.consent.factories import agree, person
from tests.consent.imports import done
from tests.consent.test_imports_forgotten import PHONES, aged
from tests.contacts.calls import Caller

OLD = timedelta(days=750)


class Slow(FileSystemStorage):
    """While it deletes the first file, another worker does the same round."""

    meanwhile: Callable[[], object] | None = None

    def delete(self, name: str) -> None:
        other, Slow.meanwhile = Slow.meanwhile, None
        if other:
            other()
        super().delete(name)


@pytest.fixture
def slow(settings: Settings, uploads: Path) -> type[Slow]:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.Slow"}}
    return Slow


def counted(tenant: Tenant) -> dict[str, int]:
    """What the log of the rounds says, added up."""
    with tenant_scope(tenant):
        rows = list(Disposal.objects.values_list("what", "count"))
    return {what: sum(count for name, count in rows if name == what) for what, _count in rows}


def test_exports_and_handovers(bakery: Tenant, slow: type[Slow]) -> None:
    over = timezone.now() - timedelta(seconds=1)
    with tenant_scope(bakery):
        request = actions.take(tenant=bakery, contact=person(bakery), kind="access", by=None)
        request.file.save("a.zip", ContentFile(b"a"))
        DataRequest.objects.filter(pk=request.pk).update(file_until=over)
        owner = bakery.memberships.get().user
        handover = Handover(tenant=bakery, asked_by=owner, state=Handover.State.DONE, file_until=over)
        handover.file.save("b.zip", ContentFile(b"b"))

    slow.meanwhile = lambda: keeping.keep(bakery)
    keeping.keep(bakery)

    assert slow.meanwhile is None
    assert counted(bakery) == {"exports": 2}


def test_files_and_lines_of_imports(bakery: Tenant, slow: type[Slow]) -> None:
    aged(done(bakery, PHONES))

    slow.meanwhile = lambda: tasks.forget_imports()
    tasks.forget_imports()

    assert slow.meanwhile is None
    assert counted(bakery) == {"imports": 1, "lines": 2}


def together(tenant: Tenant) -> None:
    """Two rounds, of which the second finds what the first is just letting go of."""

    def other() -> None:
        keeping.keep(tenant)
        connection.close()

    second = Thread(target=other)
    with tenant_scope(tenant):
        # Whoever wants to write to the ledger waits until this is over; what is past its time they find before.
        ledger.lock(tenant)
        second.start()
        second.join(0.5)
        assert second.is_alive()
        keeping.keep(tenant)
    second.join(10)


@pytest.mark.django_db(transaction=True)
def test_consents(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, person(bakery), occurred_at=timezone.now() - OLD)
        # Nothing before it in the round has to write.
        ConsentHead.objects.update(settled_seq=F("last_seq"))

    together(bakery)

    assert counted(bakery) == {"consents": 1}


@pytest.mark.django_db(transaction=True)
def test_claims(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        imported = Import.objects.create(tenant=bakery, filename="a.csv")
        ImportClaim.objects.create(
            tenant=bakery, imported=imported, contact=anna, line=1, claimed_at=timezone.now(), sealed="x"
        )
    second = Thread(target=lambda: (keeping.keep(bakery), connection.close()))

    with tenant_scope(bakery):
        # The second has found it, and waits to delete what the first deletes.
        ImportClaim.objects.select_for_update().get()
        second.start()
        second.join(0.5)
        assert second.is_alive()
        keeping.keep(bakery)
    second.join(10)

    assert counted(bakery) == {"lines": 1}


@pytest.mark.django_db(transaction=True)
def test_clicks(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        source = cast.source_of(bakery)
        [message] = cast.messages_of(source)
        cast.click(message, at=timezone.now() - OLD)
    second = Thread(target=lambda: (keeping.keep(bakery), connection.close()))

    with tenant_scope(bakery):
        keeping.keep(bakery)
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join(10)

    assert counted(bakery) == {"clicks": 1}


@pytest.mark.django_db(transaction=True)
def test_art_14_whom_the_trail_names_while_a_night_goes_by_is_counted_the_next(alice: Caller, bakery: Tenant) -> None:
    alice.post("contacts/", {"phone": programs.ADA})
    with tenant_scope(bakery):
        Contact.objects.update(program=None)
    programs.bring(alice, programs.BEA)
    programs.sign_up(bakery, programs.BEA)
    night = Thread(target=lambda: (programs.pass_days(bakery, 25), connection.close()))

    with tenant_scope(bakery), connection.cursor() as cursor:
        # The night has read whom the program brought, and waits for what they have said themselves.
        cursor.execute("LOCK TABLE consent_consentevent IN ACCESS EXCLUSIVE MODE")
        night.start()
        night.join(1)
        assert night.is_alive()
        programs.take_over()
    night.join(10)
    programs.pass_days(bakery, 25)

    assert programs.program(alice)["untold"] == 1
