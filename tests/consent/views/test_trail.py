"""The activity log: audit trail and ledger as one list, for those who answer for the company."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import announcing, ledger, trail
from consent.actions import controllers, requests
from consent.models import ConsentEvent
from consent.trail import Asked, reading
from consent.trail.words import DEEDS, NOUNS
from contacts.models import Contact
from tenants.actions import NewTenant, audit, issue_key
from tenants.models import AuditEvent, Tenant, User
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import agree, altered, entry, person, say, stop
from tests.consent.imports import started
from tests.consent.views.pages import as_role, shown

URL = "/bakery/log/"


def days_pass(tenant: Tenant, days: int = 1) -> None:
    """Everything written so far becomes so much older, as only the owner of the database can make it."""
    with tenant_scope(tenant):
        passed = timedelta(days=days)
        altered(lambda: ConsentEvent.objects.update(recorded_at=F("recorded_at") - passed))
        altered(lambda: AuditEvent.objects.update(at=F("at") - passed), "tenants_auditevent")


def do(tenant: Tenant, verb: str, by: User | None = None) -> None:
    with tenant_scope(tenant):
        audit(tenant=tenant, by=by, verb=verb, subject=tenant)


def rows(client: Client, **query: Any) -> list[str]:
    """What every row of all pages says it was, newest first; the opening of the workspace is left out."""
    found: list[str] = []
    older = ""
    while True:
        answer = client.get(URL, {**query, **({"older": older} if older else {})})
        assert answer.status_code == 200, answer.content.decode()
        found += [row.what for row in answer.context["rows"]]
        older = answer.context["older"]
        if not older:
            return [what for what in found if not what.startswith(("Workspace", "API key", "Data processing"))]


def test_actions_and_consent_stand_in_one_list_newest_first(alice: Client, bakery_made: NewTenant) -> None:
    bakery = bakery_made.tenant
    with tenant_scope(bakery):
        anna = person(bakery, phone="+493023125001", first_name="Anna")
        say(bakery, anna, "granted", authority=3, source="wa_button")
    days_pass(bakery)
    do(bakery, "campaign.launched", bakery_made.owner)
    days_pass(bakery)
    with tenant_scope(bakery):
        stop(bakery, anna, source="agent", authority=1, by=bakery_made.owner)
    days_pass(bakery)
    do(bakery, "account.paused")

    assert rows(alice) == [
        "WhatsApp account: paused",
        "Consent: withdrawal recorded",
        *["Consent withdrawn"] * 3,
        "Campaign: started",
        "Consent given",
    ]
    page = shown(alice, URL)
    assert "WhatsApp · Marketing · Agent" in page
    assert f'href="/bakery/contacts/{anna.uid}/"' in page
    assert f'href="/bakery/contacts/{anna.uid}/proof/#row-1"' in page
    assert bakery_made.owner.name in page
    assert "the person" in page


def test_it_is_filtered_by_days_kind_person_and_channel(alice: Client, bakery_made: NewTenant) -> None:
    bakery = bakery_made.tenant
    with tenant_scope(bakery):
        anna, bert = person(bakery), person(bakery)
        key, _secret = issue_key(tenant=bakery, name="Shop", scopes=["*"], by=None)
        say(bakery, anna, "granted", channel="email", authority=1, source="api", by=key)
    days_pass(bakery, 4)
    with tenant_scope(bakery):
        say(bakery, bert, "withdrawn", authority=3)
    do(bakery, "segment.created", bakery_made.owner)
    days_pass(bakery, 5)
    do(bakery, "campaign.launch_failed")
    day = (timezone.localdate() - timedelta(days=5)).isoformat()
    who = {label: code for code, label in _choices(alice, "by")}

    assert rows(alice, since=day, until=day) == ["Segment: created", "Consent withdrawn"]
    assert rows(alice, since=day, kind="actions") == ["Campaign: could not be started", "Segment: created"]
    assert rows(alice, kind="consent") == ["Consent withdrawn", "Consent given"]
    assert rows(alice, kind="granted") == ["Consent given"]
    assert rows(alice, channel="email") == ["Consent given"]
    assert rows(alice, by=who["Key “Shop”"]) == ["Consent given"]
    assert rows(alice, by=who[bakery_made.owner.name]) == ["Segment: created"]
    assert rows(alice, by="contact") == ["Consent withdrawn"]
    assert rows(alice, by="system") == ["Campaign: could not be started"]
    assert "No matches" in shown(alice, f"{URL}?channel=sms")


def _choices(client: Client, name: str) -> list[tuple[str, str]]:
    return [(str(code), str(label)) for code, label in client.get(URL).context["form"].fields[name].choices]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("since=2026-02-30", "Enter a valid date"),
        ("since=2026-02-03&until=2026-02-01", "before the beginning"),
        ("kind=nonsense", "Select a valid choice"),
        ("by=42", "Select a valid choice"),
        ("channel=phone", "Select a valid choice"),
    ],
)
def test_what_cannot_be_looked_for_is_said_at_its_field(alice: Client, query: str, told: str) -> None:
    answer = alice.get(f"{URL}?{query}")

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert alice.get(f"{URL}export.csv?{query}").status_code == 422


def test_a_place_that_was_made_up_or_belongs_to_another_company_begins_at_the_newest(
    alice: Client, bakery: Tenant, shop: Tenant
) -> None:
    do(bakery, "campaign.launched")
    theirs = reading.Place(timezone.now() - timedelta(days=99), 1, 1).sealed(shop)

    for older in ("nonsense", theirs, "%00"):
        assert "Campaign: started" in shown(alice, f"{URL}?older={older}")


@pytest.mark.parametrize(("size", "window"), [(1, 50_000), (3, 50_000), (3, 2), (50, 1), (50, 4)])
@pytest.mark.parametrize("by", ["", "person", "owner"])
def test_every_row_comes_once_and_in_order_however_the_list_is_divided(
    bakery_made: NewTenant, monkeypatch: pytest.MonkeyPatch, size: int, window: int, by: str
) -> None:
    bakery = bakery_made.tenant
    for day in range(12):
        with tenant_scope(bakery):
            ledger.append(bakery, [entry(authority=3 if day % 2 else 0) for _ in range(day % 4)])
            if day % 3:
                audit(tenant=bakery, by=bakery_made.owner if day % 2 else None, verb="list.updated", subject=bakery)
        days_pass(bakery)
    monkeypatch.setattr(reading, "WINDOW", window)
    until = timezone.now() - timedelta(days=4)
    owner = Asked(until=until, by=bakery_made.owner)
    asked = {"": Asked(), "person": Asked(kind="consent", by="contact"), "owner": owner}[by]

    found = list(divided(bakery, asked, size))

    with tenant_scope(bakery):
        wanted: list[Any] = [*AuditEvent.objects.all(), *ConsentEvent.objects.all()]
    if by == "person":
        wanted = [row for row in wanted if isinstance(row, ConsentEvent) and row.actor_type == "contact"]
    if by == "owner":
        owned = [row for row in wanted if isinstance(row, AuditEvent) and row.user_id == bakery_made.owner.pk]
        wanted = [row for row in owned if row.at < until]
    assert len(wanted) > 5
    assert sorted(map(named, found)) == sorted(map(named, wanted))
    times = [reading.time_of(row) for row in found]
    assert times == sorted(times, reverse=True)


def named(row: Any) -> tuple[str, int]:
    return type(row).__name__, row.pk


def divided(tenant: Tenant, asked: Asked, size: int) -> Iterator[Any]:
    """The rows of all pages."""
    place = None
    while True:
        with tenant_scope(tenant):
            page = trail.page(tenant, asked, place, size)
        assert len(page.rows) <= size
        yield from page.rows
        place = page.older
        if place is None:
            return


@pytest.mark.parametrize("role", list(Role))
def test_owners_admins_and_the_legal_role_see_it_and_nobody_else(
    alice: Client, bakery_made: NewTenant, role: Role
) -> None:
    as_role(bakery_made, role)
    may = role in (Role.OWNER, Role.ADMIN, Role.LEGAL)

    for path in ("", "export.csv"):
        assert alice.get(f"{URL}{path}").status_code == (200 if may else 403)
    assert ('href="/bakery/log/"' in shown(alice, "/bakery/")) is may


def test_nothing_of_another_company_is_in_it(alice: Client, shop_made: NewTenant) -> None:
    do(shop_made.tenant, "campaign.launched", shop_made.owner)
    with tenant_scope(shop_made.tenant):
        agree(shop_made.tenant, person(shop_made.tenant))

    assert rows(alice) == []
    assert "carol" not in shown(alice, URL)


def test_what_an_erasure_left_names_nobody(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone="+493023125001", first_name="Anna")
        agree(bakery, anna)
        Contact.objects.all().delete()

    page = shown(alice, URL)

    assert "nobody who is a contact" in page
    assert "Anna" not in page


def test_who_left_the_company_stays_in_the_log_without_a_name(alice: Client, bakery: Tenant) -> None:
    gone = User.objects.create_user("bob@example.com", name="Bob")
    do(bakery, "campaign.launched", gone)
    gone.delete()

    assert "somebody who is not known any more" in shown(alice, URL)


def test_the_file_has_every_row_that_fits_and_that_it_was_taken_is_in_the_log(
    alice: Client, bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.trail.exporting.AT_A_TIME", 2)
    with tenant_scope(bakery):
        anna = person(bakery, phone="+493023125001")
        ledger.append(bakery, [entry(anna.subject_id) for _ in range(7)])

    answer = alice.get(f"{URL}export.csv", {"kind": "consent"})
    lines = b"".join(answer.streaming_content).decode().splitlines()

    assert len(lines) == 8
    assert str(anna.uid) in lines[1]
    assert "493023125001" not in "".join(lines)
    assert "Activity log: exported" in rows(alice)


def test_what_changed_is_told_in_words_and_leads_to_its_page(alice: Client, bakery_made: NewTenant) -> None:
    bakery, by = bakery_made.tenant, bakery_made.owner
    imported = started(bakery, "Handy\n0151 23456780\n", is_dry_run=True)
    with tenant_scope(bakery):
        request = requests.take(
            tenant=bakery, contact=person(bakery), kind="erasure", received_at=timezone.now(), by=by
        )
        controllers.update(tenant=bakery, by=by, city="Köln", demands_age=True)

    page = shown(alice, URL)

    assert "Fields: City, Send advertising only to people of whom it is recorded" in page
    assert "Check only: yes" in page
    assert "Kind: Erasure (Art. 17)" in page
    assert f'<a href="/bakery/imports/{imported.uid}/">kunden.csv</a>' in page
    assert f'<a href="/bakery/data-requests/{request.uid}/">Erasure (Art. 17)</a>' in page


def test_an_import_that_is_gone_leads_nowhere_and_its_file_is_named_in_no_export(alice: Client, bakery: Tenant) -> None:
    imported = started(bakery, "Handy\n0151 23456780\n")
    export = b"".join(alice.get(f"{URL}export.csv").streaming_content).decode()
    assert str(imported.uid) in export
    assert "kunden.csv" not in export

    with tenant_scope(bakery):
        imported.delete()

    page = shown(alice, URL)
    assert str(imported.uid) in page
    assert f"/imports/{imported.uid}/" not in page


def test_a_long_log_costs_no_more_reads_than_a_short_one(alice: Client, bakery: Tenant) -> None:
    query = {"since": "2020-01-01", "until": timezone.localdate().isoformat()}
    with tenant_scope(bakery):
        ledger.append(bakery, [entry(person(bakery).subject_id)])
    with CaptureQueriesContext(connection) as few:
        alice.get(URL, query)
    with tenant_scope(bakery):
        ledger.append(bakery, [entry(person(bakery).subject_id) for _ in range(70)])
        for _ in range(70):
            audit(tenant=bakery, by=None, verb="list.updated", subject=bakery)

    with CaptureQueriesContext(connection) as many:
        alice.get(URL, query)

    assert len(many) <= len(few)


def test_every_verb_that_is_written_is_told_in_words() -> None:
    root = Path(settings.BASE_DIR)
    apps = ("tenants", "contacts", "consent", "whatsapp", "messaging", "segments", "campaigns", "inbox", "analytics")
    written = {
        value
        for app in apps
        for path in (root / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and "audit" in getattr(node.func, "id", getattr(node.func, "attr", ""))
        for argument in [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "verb")]
        if isinstance(argument, ast.Constant) and isinstance(value := argument.value, str)
        if re.fullmatch(r"[a-z_]+\.[a-z_]+", value)
    }

    written |= set(announcing.VERBS.values())

    assert len(written) > 50
    assert {verb for verb in written if verb.split(".")[0] not in NOUNS} == set()
    assert {verb for verb in written if verb.split(".")[1] not in DEEDS} == set()
