"""The end of a contract: everything of one company goes, nothing of another, and the operator's register stays."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.db.models import FileField

from tests.operations.test_backup import DEPLOY, PASSWORDS, Server, server

__all__ = ["server"]
SCRIPT = DEPLOY / "end_contract.sh"
# Of each company: a number, somebody who said yes and no, a raw webhook of theirs, and a request about data with a
# file; and what Meta told about both companies at once. In one process, because starting one takes seconds.
FILL = """
import json
from consent.actions import requests
from consent.models import DataRequest
from inbox import recording
from inbox.recording import Received
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, person, stop
from tests.inbox import meta
def hear(body):
    recording.store([Received(None, 0, body)])
entries = []
for slug in ("sonne", "nord"):
    tenant = factories.company(slug=slug, name=slug, owner_email=f"alice@{slug}.example").tenant
    number = factories.number(tenant)
    with tenant_scope(tenant):
        anna = person(tenant, phone="+493023125001")
        agree(tenant, anna)
        stop(tenant, anna)
        asked = requests.take(tenant=tenant, contact=anna, kind="access", by=None)
        DataRequest.objects.filter(pk=asked.pk).update(file=f"imports/{slug}.csv")
    hear(meta.body(number, messages=[meta.text(f"Hallo {slug}")]))
    both = json.loads(meta.body(number, messages=[meta.text(f"beide {slug}")]))
    entries += both["entry"]
hear(json.dumps({"object": both["object"], "entry": entries}).encode())
"""


def test_every_kind_of_file_is_looked_for() -> None:
    fields = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, FileField)
    }

    named = set(re.findall(r"SELECT tenant_id, (?P<column>\w+) FROM (?P<table>\w+)", SCRIPT.read_text()))

    assert {(table, column) for column, table in named} == fields


@pytest.fixture
def companies(server: Server) -> Server:
    """Sonne, whose contract is over, and Nord, which stays."""
    server.deploy()
    (server.media / "imports").mkdir()
    for slug in ("sonne", "nord"):
        (server.media / "imports" / f"{slug}.csv").write_text("Handy\n")
    server.manage("shell", "-c", FILL)
    return server


def test_a_company_is_deleted_with_its_ledger_and_its_files_and_another_stays(
    companies: Server, tmp_path: Path
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        ended(companies, "sonne")
    assert "is still open" in refused.value.stderr
    assert rows(companies, "consent_consentevent") == {"sonne": 4, "nord": 4}

    companies.manage("end_contract", "close", "sonne")
    export = tmp_path / "sonne.zip"
    companies.manage("end_contract", "export", "sonne", "--to", str(export))
    with ZipFile(export) as packed:
        assert "tables/consent_consentevent.csv" in packed.namelist()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        ended(companies, "sonne", CLOSED_FOR="10 minutes")
    assert "was closed a moment ago" in refused.value.stderr
    told = ended(companies, "sonne")

    assert "files deleted: 1" in told
    assert not (companies.media / "imports" / "sonne.csv").exists()
    assert (companies.media / "imports" / "nord.csv").exists()
    for table in ("consent_consentevent", "tenants_auditevent", "consent_datarequest", "contacts_contact"):
        assert set(rows(companies, table)) == {"nord"}
    assert rows(companies, "consent_consentevent") == {"nord": 4}
    assert words(companies) == ["Hallo nord", "beide nord"]


def test_the_operators_register_keeps_the_agreement_and_what_was_deleted(companies: Server) -> None:
    companies.manage("end_contract", "close", "sonne")

    ended(companies, "sonne")

    [(name, agreements, deleted, files, names)] = companies.query(
        "SELECT name, agreements, deleted, files, names FROM consent_endedcontract", companies.superuser
    )
    assert (name, files) == ("sonne", [])
    [agreement] = agreements
    assert agreement["text"].strip()
    assert agreement["accepted_at"]
    assert (deleted["consent_consentevent"], deleted["contacts_contact"], deleted["raw webhooks"]) == (4, 1, 2)
    assert len(names) == 2
    assert "302312" not in json.dumps(deleted)


def test_what_was_broken_off_after_the_rows_were_gone_is_finished_by_a_second_run(companies: Server) -> None:
    companies.manage("end_contract", "close", "sonne")
    with pytest.raises(subprocess.CalledProcessError) as broken:
        # Without a folder no file can be deleted: the rows are gone, the names are kept.
        ended(companies, "sonne", MEDIA_ROOT="")
    assert "Its files are still there" in broken.value.stderr
    assert set(rows(companies, "consent_consentevent")) == {"nord"}
    assert (companies.media / "imports" / "sonne.csv").exists()

    for _again in range(2):
        assert "files deleted: 1" in ended(companies, "sonne")

    assert not (companies.media / "imports" / "sonne.csv").exists()


def test_nobody_is_deleted_by_a_wrong_name(server: Server) -> None:
    server.deploy()

    with pytest.raises(subprocess.CalledProcessError) as refused:
        ended(server, "nirgends")

    assert "There is no company" in refused.value.stderr


def ended(server: Server, slug: str, **environment: str) -> str:
    given: dict[str, Any] = {"MEDIA_ROOT": str(server.media), "CLOSED_FOR": "0 seconds", **PASSWORDS, **environment}
    return server.run(str(SCRIPT), slug, who=server.superuser, **given)


def rows(server: Server, table: str) -> dict[str, int]:
    """How many rows each company has in a table."""
    sql = f"SELECT coalesce(t.slug, 'nobody'), count(*) FROM {table} x LEFT JOIN tenants_tenant t ON t.id = x.tenant_id"
    return dict(server.query(f"{sql} GROUP BY 1", server.superuser))


def words(server: Server) -> list[str]:
    """What people wrote, in the raw webhooks that are left."""
    bodies = server.query("SELECT body FROM inbox_webhookevent ORDER BY id", server.superuser)
    return [text for (body,) in bodies for text in re.findall(r'"body": ?"([^"]+)"', bytes(body).decode())]
