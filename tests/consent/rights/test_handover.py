"""Everything of a company in one file: complete, of nobody else, verifiable elsewhere, and gone with its time."""

import csv
import hmac
import io
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone

from consent import tasks
from consent.actions import handovers
from consent.ledger import anchoring
from consent.models import Disposal, Handover
from consent.rights import erasing, handing_over, keeping
from contacts.models import Contact
from tenants.actions import NewTenant, audit
from tenants.models import AuditEvent, Tenant, User
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, person, stop
from tests.consent.views.pages import as_role, shown

pytestmark = pytest.mark.usefixtures("as_runtime")

URL = "/bakery/processing/"


@pytest.fixture
def files(settings: LazySettings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def filled(bakery: Tenant, shop: Tenant, files: Path) -> Iterator[Tenant]:
    """The bakery with a number, people, a yes and a no, sealed; and the shop with somebody of its own."""
    factories.number(bakery)
    with tenant_scope(shop):
        agree(shop, person(shop, first_name="Fremde"))
    with tenant_scope(bakery):
        anna = person(bakery, first_name="Anna", phone="+493023125001")
        agree(bakery, anna, evidence={"text": "Ja, gern\u2028– „ok“"})
        stop(bakery, anna)
        agree(bakery, person(bakery, first_name="Bert"))
    anchoring.anchor(bakery)
    return bakery


def built(tenant: Tenant) -> Handover:
    with tenant_scope(tenant):
        owner = tenant.memberships.select_related("user").get().user
        made = handovers.ask(tenant=tenant, by=owner)
    handing_over.work(tenant.pk, made.pk)
    with tenant_scope(tenant):
        return Handover.objects.get(pk=made.pk)


def unpacked(handover: Handover, to: Path) -> Path:
    with ZipFile(handover.file.path) as packed:
        packed.extractall(to)
    return to


def table(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "tables" / f"{name}.csv").read_text(encoding="utf-8"))))


def test_cg_54_every_table_of_the_company_is_there_and_nothing_of_another(filled: Tenant, tmp_path: Path) -> None:
    folder = unpacked(built(filled), tmp_path / "out")

    ours = {m._meta.db_table for m in apps.get_models() if any(f.name == "tenant" for f in m._meta.local_fields)}
    missing = ours - {path.stem for path in (folder / "tables").iterdir()}
    assert missing <= {
        *("tenants_idempotencykey", "tenants_apikey", "account_emailaddress"),
        *("consent_signuprequest", "consent_addressrequest", "consent_handover"),
    }
    assert {row["first_name"] for row in table(folder, "contacts_contact")} == {"Anna", "Bert"}
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"Fremde" not in everything
    headers = [path.read_text(encoding="utf-8").split("\n", 1)[0] for path in (folder / "tables").iterdir()]
    columns = {column for header in headers for column in header.split(",")}
    assert "waba_id" in columns
    assert not {column for column in columns if column.endswith("_encrypted") or column in ("sealed", "salt")}


def test_the_audit_trail_is_in_the_order_of_time_which_its_index_has(filled: Tenant, tmp_path: Path) -> None:
    with tenant_scope(filled):
        for days in (1, 3, 2):
            at = timezone.now() - timedelta(days=days)
            AuditEvent.objects.create(tenant=filled, at=at, verb=f"noted.{days}", object_type="x", object_uid="x")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(
                f"EXPLAIN SELECT id FROM tenants_auditevent WHERE tenant_id = {filled.pk}"
                f" ORDER BY {handing_over.ORDERS[AuditEvent]}"
            )
            plan = " ".join(row[0] for row in cursor.fetchall())

    trail = table(unpacked(built(filled), tmp_path / "out"), "tenants_auditevent")

    assert [row["verb"] for row in trail if row["verb"].startswith("noted.")] == ["noted.3", "noted.2", "noted.1"]
    assert "audit_by_time" in plan
    assert "Sort" not in plan


def test_the_ledger_is_verified_without_us_and_a_changed_row_is_found(filled: Tenant, tmp_path: Path) -> None:
    folder = unpacked(built(filled), tmp_path / "out")

    assert "intact" in verified(folder)
    for name, old, new in (
        ("tables/consent_consentevent.csv", "withdrawn", "granted"),
        ("proofs.jsonl", "gern", "nein"),
        ("anchors.jsonl", '\\"seq\\":', '\\"seq\\":1'),
    ):
        path = folder / name
        before = path.read_text(encoding="utf-8")
        assert old in before, name
        path.write_text(before.replace(old, new, 1), encoding="utf-8")
        assert "BROKEN" in verified(folder), name
        path.write_text(before, encoding="utf-8")
    assert "intact" in verified(folder)


def verified(folder: Path) -> str:
    """What the program in the file says, run as its reader would."""
    command = [sys.executable, "-I", str(folder / "verify.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_what_is_said_while_the_file_is_built_does_not_break_it(filled: Tenant, tmp_path: Path) -> None:
    went = iter([True])

    def somebody_says_yes() -> None:
        if next(went, False):
            with tenant_scope(filled):
                agree(filled, person(filled, first_name="Carla"), evidence={"text": "Ja"})

    with (tmp_path / "made.zip").open("wb") as target:
        handing_over.pack(filled, target, somebody_says_yes)
    with ZipFile(tmp_path / "made.zip") as packed:
        packed.extractall(tmp_path / "out")

    assert "intact" in verified(tmp_path / "out")


def test_who_is_erased_while_it_is_built_is_not_in_it(filled: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with tenant_scope(filled):
        anna = Contact.objects.select_related("tenant").get(first_name="Anna")
        made = Handover.objects.create(tenant=filled)
    pack, erasing_once = handing_over.pack, iter([True])

    def meanwhile(tenant: Tenant, target: Any, go_on: Any) -> None:
        pack(tenant, target)
        if next(erasing_once, False):
            erasing.erase(filled, anna, at=timezone.now())
        go_on()

    monkeypatch.setattr(handing_over, "pack", meanwhile)
    handing_over.work(filled.pk, made.pk)

    with tenant_scope(filled):
        assert Handover.objects.get().state == "working"
    assert handing_over.due() == [(filled.pk, made.pk)]
    handing_over.work(filled.pk, made.pk)
    with tenant_scope(filled):
        done = Handover.objects.get()
    assert done.state == "done"
    with ZipFile(done.file.path) as packed:
        assert b"Anna" not in packed.read("tables/contacts_contact.csv")


def test_a_failure_is_told_and_can_be_tried_again(
    alice: Client, filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.post(f"{URL}handover/")
    with tenant_scope(filled):
        made = Handover.objects.get()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handing_over, "pack", full)
    with pytest.raises(OSError, match="No space"):
        handing_over.work(filled.pk, made.pk)

    assert "could not be built" in shown(alice, URL)
    assert "Build the file" in shown(alice, URL)


def test_the_suppression_list_can_be_kept_to_elsewhere(filled: Tenant, tmp_path: Path) -> None:
    folder = unpacked(built(filled), tmp_path / "out")

    key = b64decode(json.loads((folder / "tenant.json").read_text())["suppression_key"])
    digest = hmac.digest(key, b"phone:+493023125001", sha256).hex()
    assert f"\\x{digest}" in {row["digest"] for row in table(folder, "consent_suppression")}


def test_rows_that_name_people_of_the_team_by_number_can_be_read(filled: Tenant, tmp_path: Path) -> None:
    folder = unpacked(built(filled), tmp_path / "out")

    members = json.loads((folder / "tenant.json").read_text())["members"]
    assert [(member["email"], member["role"]) for member in members] == [("alice@example.com", "owner")]
    assert {row["user_id"] for row in table(folder, "tenants_membership")} == {str(member["id"]) for member in members}


def test_whoever_has_left_is_named_as_long_as_the_trail_names_them(filled: Tenant, tmp_path: Path) -> None:
    left, never = (User.objects.create(email=f"{name}@example.com", name=name) for name in ("bert", "dora"))
    with tenant_scope(filled):
        audit(tenant=filled, by=left, verb="tag.created", subject=filled)

    folder = unpacked(built(filled), tmp_path / "out")

    members = json.loads((folder / "tenant.json").read_text())["members"]
    assert [member for member in members if member["role"] is None] == [
        {"id": left.pk, "email": "bert@example.com", "name": "bert", "role": None}
    ]
    assert never.pk not in {member["id"] for member in members}


def test_it_is_built_once_at_a_time_and_taken_in_the_dashboard(alice: Client, filled: Tenant) -> None:
    alice.post(f"{URL}handover/")
    alice.post(f"{URL}handover/")
    with tenant_scope(filled):
        waiting = Handover.objects.get()
    assert "it is being built" in shown(alice, URL)

    handing_over.work(filled.pk, waiting.pk)

    assert "Download" in shown(alice, URL)
    answer = alice.get(f"{URL}handover/{waiting.uid}.zip")
    assert b"".join(answer.streaming_content).startswith(b"PK")  # type: ignore[attr-defined]
    with tenant_scope(filled):
        assert AuditEvent.objects.filter(verb="handover.taken").count() == 1


def test_a_marketer_cannot_take_everything(alice: Client, bakery_made: NewTenant, filled: Tenant) -> None:
    made = built(filled)
    as_role(bakery_made, Role.MARKETER)

    assert alice.post(f"{URL}handover/").status_code == 403
    assert alice.get(f"{URL}handover/{made.uid}.zip").status_code == 403


def test_a_worker_that_died_is_followed_by_another(filled: Tenant) -> None:
    with tenant_scope(filled):
        lost = Handover.objects.create(tenant=filled, leased_until=timezone.now() + timedelta(hours=1), attempt=1)

    beat()
    assert state(lost) == ("working", 1)
    with tenant_scope(filled):
        Handover.objects.update(leased_until=timezone.now() - timedelta(hours=1))
    beat()

    assert state(lost) == ("done", 2)
    with tenant_scope(filled), ZipFile(Handover.objects.get().file.path) as packed:
        assert packed.testzip() is None


def beat() -> None:
    """Rings as beat does every minute, with a worker that takes the task at once."""
    tasks.resume_handovers.app.conf.task_always_eager = True
    try:
        tasks.resume_handovers()
    finally:
        tasks.resume_handovers.app.conf.task_always_eager = False


def state(handover: Handover) -> tuple[str, int]:
    with tenant_scope(handover.tenant_id):
        now = Handover.objects.get(pk=handover.pk)
        return now.state, now.attempt


def test_it_is_deleted_after_seven_days(filled: Tenant) -> None:
    made = built(filled)
    path = Path(made.file.path)
    with tenant_scope(filled):
        Handover.objects.update(file_until=timezone.now() - timedelta(minutes=1))

    keeping.keep(filled)

    assert not path.exists()
    with tenant_scope(filled):
        assert Handover.objects.get().state == "over"
        assert Disposal.objects.filter(what="exports", count=1).exists()


def test_an_erasure_deletes_it_at_once_for_the_person_is_in_it(filled: Tenant) -> None:
    path = Path(built(filled).file.path)
    with tenant_scope(filled):
        anna = Contact.objects.select_related("tenant").get(first_name="Anna")

    erasing.erase(filled, anna, at=timezone.now())

    assert not path.exists()
