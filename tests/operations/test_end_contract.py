"""The end of a contract: everything of one company goes, and nothing of another."""

import re
import subprocess

import pytest
from django.apps import apps
from django.db.models import FileField

from tests.operations.test_backup import DEPLOY, PASSWORDS, Server, server

__all__ = ["server"]
SCRIPT = DEPLOY / "end_contract.sh"
# A request about data with a file.
REQUEST = """
INSERT INTO consent_datarequest (tenant_id, uid, kind, state, subject_id, digests, received_at, due_date,
    extended_because, checked_by, note, answer, file, error)
SELECT id, gen_random_uuid(), 'access', 'done', gen_random_uuid(), '[]', now(), now(), '', '', '', '',
    'imports/{slug}.csv', '' FROM tenants_tenant WHERE slug = '{slug}'
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


def test_a_company_is_deleted_with_its_ledger_and_its_files_and_another_stays(server: Server) -> None:
    server.deploy()
    (server.media / "imports").mkdir()
    for slug in ("sonne", "nord"):
        # Leaves rows in the audit trail, which refuses deletion as the ledger does.
        mail = f"alice@{slug}.example"
        server.manage("create_tenant", "--slug", slug, "--name", slug, "--owner-email", mail)
        (server.media / "imports" / f"{slug}.csv").write_text("Handy\n")
        server.query(REQUEST.format(slug=slug), server.superuser)

    with pytest.raises(subprocess.CalledProcessError) as refused:
        ended(server, "sonne")
    assert "is still active" in refused.value.stderr
    server.query("UPDATE tenants_tenant SET is_active = false WHERE slug = 'sonne'", server.superuser)
    told = ended(server, "sonne")

    assert "files deleted: 1" in told
    assert not (server.media / "imports" / "sonne.csv").exists()
    assert (server.media / "imports" / "nord.csv").exists()
    assert server.query("SELECT slug FROM tenants_tenant", server.superuser) == [("nord",)]
    left = "SELECT count(*), count(DISTINCT tenant_id) FROM tenants_auditevent"
    assert server.query(left, server.superuser)[0][1] == 1
    assert server.query("SELECT count(*) FROM consent_datarequest", server.superuser) == [(1,)]
    assert "company sonne (" in told


def ended(server: Server, slug: str) -> str:
    return server.run(str(SCRIPT), slug, who=server.superuser, MEDIA_ROOT=str(server.media), **PASSWORDS)


def test_nobody_is_deleted_by_a_wrong_name(server: Server) -> None:
    server.deploy()

    with pytest.raises(subprocess.CalledProcessError) as refused:
        ended(server, "nirgends")

    assert "There is no company" in refused.value.stderr
