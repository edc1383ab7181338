"""Who may see imports, who may start them, and that another tenant's are not there."""

import pytest
from django.test import Client

from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.roles import PERMISSIONS, Role
from tests.consent.imports import counts, started
from tests.consent.views.pages import PEOPLE, URL, as_role, at, checked, columns, shown, stored, uploaded, worked


def test_an_analyst_sees_imports_and_changes_none(alice: Client, bakery_made: NewTenant) -> None:
    imported = checked(alice, PEOPLE)
    as_role(bakery_made, Role.ANALYST)

    page = shown(alice, at(imported))

    assert "Import 2 contacts" not in page
    assert "Save and check" not in page
    assert alice.get(f"{URL}new/").status_code == 403
    assert uploaded(alice, PEOPLE).status_code == 403
    for action in ("columns", "check", "run", "cancel"):
        assert alice.post(at(imported, f"{action}/"), columns("phone")).status_code == 403
    assert stored(imported).state == "checked"


def test_who_may_not_write_consent_imports_without_its_columns_only(
    alice: Client, bakery_made: NewTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PERMISSIONS, Role.MARKETER, PERMISSIONS[Role.MARKETER] - {"consent:write"})
    imported = checked(alice, "Handy;WhatsApp-Einwilligung\n0151 23456780;ja\n")
    as_role(bakery_made, Role.MARKETER)

    assert "Your role may not record consents" in shown(alice, at(imported))
    assert alice.post(at(imported, "run/")).status_code == 403
    alice.post(at(imported, "columns/"), columns("phone", ""))
    worked(imported)
    alice.post(at(imported, "run/"))

    assert counts(worked(imported)) == (1, 0, 0, 0)


def test_the_import_of_another_tenant_is_not_there(alice: Client, shop: Tenant) -> None:
    theirs = started(shop, PEOPLE, is_dry_run=True)

    assert "No imports yet" in shown(alice, URL)
    assert alice.get(at(theirs)).status_code == 404
    assert alice.get(at(theirs, "rejected/")).status_code == 404
    for action in ("columns", "check", "run", "cancel"):
        assert alice.post(at(theirs, f"{action}/"), columns("phone")).status_code == 404
    assert stored(theirs).state == "checking"


def test_the_way_to_the_first_campaign_leads_to_the_import(alice: Client) -> None:
    page = shown(alice, "/bakery/")

    assert 'href="/bakery/imports/new/">Import contacts' in page
    assert "connect_number" in page
    assert 'href="/api/docs/"' in page
