"""The contract of Art. 28 GDPR: what is accepted is kept word for word, and nothing is sent before."""

import hashlib
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import translation
from django.utils.timezone import localdate, now
from pytest_django import Settings

from campaigns import preflight
from campaigns.models import Campaign
from consent import agreements
from consent.actions import agreements as actions
from consent.models import Agreement, Announcement, Controller, SubProcessor
from consent.queries import may_send
from messaging import claiming, queries
from messaging.budget import Budget
from messaging.models import Message
from tenants.actions import create_tenant
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, person

SUED = {"slug": "sued", "name": "Süd", "owner_email": "eva@example.com"}


@pytest.fixture
def cafe(db: None) -> Tenant:
    """A company that has not concluded anything yet."""
    return create_tenant(slug="cafe", name="Café Nordlicht", owner_email="dora@example.com").tenant


def conclude(tenant: Tenant, *, by: User | None = None, **fields: str) -> Agreement:
    with tenant_scope(tenant):
        return actions.accept(
            tenant=tenant, by=by, **{"signer": "Dora Nord", "position": "Geschäftsführerin", **fields}
        )


def test_cg_50_nothing_is_sent_before_the_contract_and_everything_after_it(cafe: Tenant) -> None:
    number = factories.number(cafe)
    with tenant_scope(cafe):
        anna = person(cafe)
        agree(cafe, anna)
    source = factories.source(number, [anna])
    with tenant_scope(cafe):
        # The clock of a test's transaction stands still.
        Message.objects.update(next_attempt_at=now() - timedelta(minutes=1))

        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "no_agreement"
        assert claiming.due_sources(number) == []
        assert queries.numbers_with_due_messages() == []

    conclude(cafe)

    with tenant_scope(cafe):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == ""
        assert [source_id for source_id, _ in claiming.due_sources(number)] == [source.pk]
        assert [due.pk for due in queries.numbers_with_due_messages()] == [number.pk]
        claimed = claiming.claim(number=number, source_id=source.pk, most=5, budget=Budget(number))
        assert len(claimed) == 1


@pytest.mark.parametrize(
    ("options", "signed"),
    [
        ({}, [("", "")]),
        ({"without_agreement": True}, []),
        ({"signer": "Eva Süd", "position": "Prokuristin"}, [("Eva Süd", "Prokuristin")]),
    ],
)
def test_the_operator_enters_the_contract_with_whom_they_create(
    db: None, options: dict[str, Any], signed: list[tuple[str, str]]
) -> None:
    told, warned = StringIO(), StringIO()

    with translation.override("en"):
        call_command("create_tenant", **SUED, stdout=told, stderr=warned, **options)

    tenant = Tenant.objects.get(slug="sued")
    assert json.loads(told.getvalue())["id"] == str(tenant.uid)
    assert ("The owner concludes it" in warned.getvalue()) is ("signer" not in options)
    with tenant_scope(tenant):
        assert list(Agreement.objects.values_list("signer", "position")) == signed
        assert [made.language for made in Agreement.objects.all()] == ["de"] * len(signed)


def test_what_names_nobody_is_concluded_by_the_company_once(cafe: Tenant) -> None:
    conclude(cafe, signer="", position="")
    with tenant_scope(cafe):
        dora = cafe.memberships.get().user
        assert agreements.is_open(agreements.accepted(cafe))

    first, second = conclude(cafe, by=dora), conclude(cafe, by=dora, signer="Dora again")

    assert first == second
    with tenant_scope(cafe):
        assert not agreements.is_open(agreements.accepted(cafe))
        assert list(Agreement.objects.order_by("pk").values_list("signer", flat=True)) == ["", "Dora Nord"]


def test_a_signer_without_a_position_makes_no_company(db: None) -> None:
    with pytest.raises(CommandError, match="--signer and --position together"):
        call_command("create_tenant", **SUED, signer="Eva Süd")

    assert not Tenant.objects.exists()


def test_in_production_nothing_is_concluded_with_an_operator_without_an_address(
    cafe: Tenant, settings: Settings
) -> None:
    settings.IS_HTTPS, settings.OPERATOR_ADDRESS = True, ""
    with tenant_scope(cafe):
        dora = cafe.memberships.get().user

    with pytest.raises(ValidationError, match="OPERATOR_ADDRESS"):
        conclude(cafe, by=dora)
    assert [warning.id for warning in checks.run_checks() if warning.id == "consent.W001"]

    settings.OPERATOR_ADDRESS = "Kai 1, Kiel"
    assert "Kai 1, Kiel" in conclude(cafe, by=dora).text
    assert not [warning.id for warning in checks.run_checks() if warning.id == "consent.W001"]


def test_a_campaign_says_that_the_contract_is_missing(cafe: Tenant) -> None:
    with tenant_scope(cafe):
        draft = Campaign.objects.create(tenant=cafe, name="Herbst")

        assert preflight.checks(draft)[0].code == "agreement"
        conclude(cafe)
        assert "agreement" not in {check.code for check in preflight.checks(draft)}


def test_the_very_words_are_kept_with_who_signed(cafe: Tenant) -> None:
    with tenant_scope(cafe):
        Controller.objects.create(tenant=cafe, legal_name="Café Nordlicht GmbH", street="Kai 1", city="Kiel")

    made = conclude(cafe)

    assert made.sha256 == hashlib.sha256(made.text.encode()).hexdigest()
    assert "Café Nordlicht GmbH, Kai 1, Kiel" in made.text
    assert (made.signer, made.position, made.version) == ("Dora Nord", "Geschäftsführerin", agreements.VERSION)
    with tenant_scope(cafe):
        assert AuditEvent.objects.filter(verb="agreement.accepted").count() == 1


def test_a_second_click_concludes_nothing_anew(cafe: Tenant) -> None:
    assert conclude(cafe) == conclude(cafe, signer="Jemand anderes")

    with tenant_scope(cafe):
        assert Agreement.objects.count() == 1


def test_what_was_accepted_cannot_be_changed(cafe: Tenant) -> None:
    made = conclude(cafe)

    with tenant_scope(cafe), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Agreement.objects.filter(pk=made.pk).update(text="")


@pytest.mark.parametrize("missing", ["signer", "position"])
def test_nobody_signs_for_nobody(cafe: Tenant, missing: str) -> None:
    with tenant_scope(cafe):
        dora = cafe.memberships.get().user

    with pytest.raises(ValidationError):
        conclude(cafe, by=dora, **{missing: "  "})


@pytest.mark.parametrize("language", agreements.LANGUAGES)
def test_the_text_says_what_article_28_wants(cafe: Tenant, language: str) -> None:
    with tenant_scope(cafe):
        parts = agreements.sections(agreements.text(cafe, language))

    # Title, twelve clauses, two annexes; each says something.
    assert len(parts) == 15
    assert all(part.paragraphs for part in parts)
    assert "Café Nordlicht" in " ".join(parts[0].paragraphs)
    assert "{" not in " ".join(paragraph for part in parts for paragraph in part.paragraphs)


def test_staff_enter_a_sub_processor_in_admin(staff: Client, bakery: Tenant) -> None:
    soon = (localdate() + timedelta(days=29)).isoformat()
    values = {"name": "Nord", "address": "Hamburg", "country": "DE", "purpose": "Server", "active_from": soon}
    refused = staff.post("/admin/consent/subprocessor/add/", values)
    assert refused.status_code == 200
    assert "Companies are told 30 days before" in refused.content.decode()
    values["active_from"] = (localdate() + timedelta(days=30)).isoformat()

    assert staff.post("/admin/consent/subprocessor/add/", values).status_code == 302

    assert SubProcessor.objects.get().announced_at is not None
    with tenant_scope(bakery):
        assert [row.told_at for row in Announcement.objects.all()] == [None]


def test_the_record_of_the_operator_says_what_is_done_for_whom_and_how_it_is_kept_safe(
    staff: Client, cafe: Tenant, bakery: Tenant, settings: Settings
) -> None:
    settings.OPERATOR_OFFICER = "Dana Wacht, dsb@zusage.example"
    with tenant_scope(bakery):
        Controller.objects.create(tenant=bakery, legal_name="Bäckerei Sonne GmbH", city="Berlin", officer="Dr. Schutz")

    page = staff.get("/admin/consent/agreement/record/").content.decode()

    for told in (
        # Categories of processing, those concerned, measures, and for whom.
        "collecting, storing, arranging",
        "customers, prospects",
        "row-level security",
        "Bäckerei Sonne GmbH",
        "Dr. Schutz",
        "Dana Wacht, dsb@zusage.example",
    ):
        assert told in page
    # No contract, nothing processed.
    assert "Café Nordlicht" not in page
    assert "/admin/consent/agreement/record/" in staff.get("/admin/consent/agreement/").content.decode()
