"""Consent texts in the dashboard: written, checked while typing, published, compared, retired, declared invalid."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent import invalidating
from consent.actions import controllers
from consent.ledger import wordings as hashes
from consent.models import Invalidation, Wording, WordingVersion
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published
from tests.consent.texts import COMPANY, NOTICE, text
from tests.consent.views.pages import HTMX, as_role, shown

URL = "/bakery/wordings/"
DRAFT = {
    "name": "Newsletter",
    "text_de": text(notice=""),
    "text_en": "",
    "covers": ["whatsapp:marketing"],
    "policy_version": "11/2026",
    "policy_sha256": "C0FFEE" * 10 + "1234",
}


@pytest.fixture
def company(bakery: Tenant) -> None:
    """The bakery has said who it is."""
    with tenant_scope(bakery):
        controllers.update(tenant=bakery, by=None, legal_name=COMPANY, privacy_url=NOTICE)


def versions(tenant: Tenant) -> list[WordingVersion]:
    with tenant_scope(tenant):
        versions = WordingVersion.objects.filter(tenant=tenant).select_related("wording")
        return list(versions.order_by("wording__name", "number"))


def written(client: Client, tenant: Tenant, **changed: Any) -> str:
    """The address of a new draft."""
    response = client.post(f"{URL}new/", DRAFT | changed)
    assert response.status_code == 302, response.context["form"].errors
    return str(response["Location"])


def publish(client: Client, address: str) -> str:
    """What the page says after publishing."""
    return " ".join(client.post(f"{address}publish/", {"confirmed": "1"}, follow=True).content.decode().split())


# Writing


def test_the_first_text_starts_from_one_that_fits_the_company(alice: Client, company: None) -> None:
    assert "No consent text yet" in shown(alice, URL)

    form = alice.get(f"{URL}new/").context["form"]

    assert COMPANY in form["text_de"].value()
    assert "Du kannst das jederzeit widerrufen" in form["text_de"].value()
    assert form["covers"].value() == ["whatsapp:marketing"]
    assert "All fulfilled" in shown(alice, f"{URL}new/")
    assert "tracking" in alice.get(f"{URL}new/?starter=tracking").context["form"]["covers"].value()[0]
    assert alice.get(f"{URL}new/?starter=none").context["form"]["text_de"].value() is None


def test_without_a_company_the_way_leads_there(alice: Client, bakery: Tenant) -> None:
    page = shown(alice, f"{URL}new/")

    assert 'href="/bakery/company/">Enter them now' in page
    assert "The company is not known yet." in page


def test_a_draft_is_saved_however_unfinished(alice: Client, bakery: Tenant) -> None:
    address = written(alice, bakery, text_de="Ja", covers=[])

    [version] = versions(bakery)
    assert (version.state, version.number, version.texts, version.covers) == ("draft", 1, {"de": "Ja"}, [])
    page = shown(alice, address)
    assert "It is a yes to nothing." in page
    assert "disabled" in page


def test_a_name_is_needed_and_belongs_to_one_text(alice: Client, bakery: Tenant) -> None:
    written(alice, bakery)

    taken = alice.post(f"{URL}new/", DRAFT | {"name": "  Newsletter "})
    nameless = alice.post(f"{URL}new/", DRAFT | {"name": " "})

    assert (taken.status_code, nameless.status_code) == (422, 422)
    assert "Another wording has this name" in taken.content.decode()
    assert len(versions(bakery)) == 1


def test_the_linter_answers_while_somebody_types(alice: Client, company: None) -> None:
    good = alice.post(f"{URL}lint/", DRAFT, **HTMX).content.decode()
    bad = alice.post(f"{URL}lint/", DRAFT | {"text_de": text(age="", notice="")}, **HTMX).content.decode()

    assert "All fulfilled" in good
    assert "The text does not ask for the age of 16" in bad
    assert "I am at least 16 years old" in bad
    assert 'data-announce="1 duty is open"' in bad


def test_a_draft_is_edited_until_it_fits(alice: Client, bakery: Tenant, company: None) -> None:
    address = written(alice, bakery, text_de="Ja")
    assert alice.get(f"{address}draft/").context["form"]["policy_version"].value() == "11/2026"

    response = alice.post(f"{address}draft/", DRAFT | {"name": "Rundbrief", "text_en": text("en")})

    assert response["Location"] == address
    [version] = versions(bakery)
    assert version.wording.name == "Rundbrief"
    assert set(version.texts) == {"de", "en"}
    assert "All fulfilled" in shown(alice, address)


def test_a_discarded_draft_is_gone_and_its_empty_wording_with_it(alice: Client, bakery: Tenant) -> None:
    address = written(alice, bakery)

    assert alice.post(f"{address}discard/", {"confirmed": "1"})["Location"] == URL
    with tenant_scope(bakery):
        assert not Wording.objects.exists()


# Publishing


def test_a_text_is_not_published_while_a_duty_is_open(alice: Client, bakery: Tenant, company: None) -> None:
    address = written(alice, bakery, text_de=text(way_out=""))

    page = publish(alice, address)

    assert "Not published: the text leaves duties open" in page
    assert "The text does not name the word that stops the messages." in page
    assert versions(bakery)[0].state == "draft"


def test_a_fingerprint_of_the_notice_that_is_none_is_refused_beside_its_field(
    alice: Client, bakery: Tenant, company: None
) -> None:
    response = alice.post(f"{URL}new/", DRAFT | {"policy_sha256": "11/2026"})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["policy_sha256"]
    assert versions(bakery) == []


def test_a_published_text_has_its_hash_its_notice_and_who_did_it(
    alice: Client, bakery: Tenant, bakery_made: NewTenant, company: None
) -> None:
    address = written(alice, bakery)

    page = publish(alice, address)

    [version] = versions(bakery)
    assert "Version 1 is published" in page
    assert version.state == "in_use"
    assert version.sha256 == hashes.digest({"de": DRAFT["text_de"].strip()}, [("whatsapp", "marketing")])  # type: ignore[attr-defined]
    assert (version.policy_url, version.policy_version) == (NOTICE, "11/2026")
    assert version.policy_sha256 == DRAFT["policy_sha256"].lower()  # type: ignore[attr-defined]
    assert version.policy_sha256 in page
    assert version.published_by == bakery_made.owner
    assert version.sha256 in page
    with tenant_scope(bakery):
        assert AuditEvent.objects.get(verb="wording.published").object_name == "Newsletter v1"


def test_a_published_version_is_edited_as_the_next_one(alice: Client, bakery: Tenant, company: None) -> None:
    address = written(alice, bakery)
    publish(alice, address)

    assert alice.post(f"{address}draft/", DRAFT | {"text_de": "Anders"}, follow=True).status_code == 200
    assert alice.post(f"{address}revise/")["Location"] == f"{address}draft/"
    alice.post(f"{address}revise/")

    first, second = versions(bakery)
    assert (first.state, second.state, second.number) == ("in_use", "draft", 2)
    assert second.policy_sha256 == first.policy_sha256 != ""
    assert (second.texts, second.covers, second.policy_version) == (first.texts, first.covers, first.policy_version)


def test_the_next_version_retires_the_one_before(alice: Client, bakery: Tenant, company: None) -> None:
    address = written(alice, bakery)
    publish(alice, address)
    alice.post(f"{address}revise/")

    assert "Version 1 says exactly the same" in publish(alice, address)
    alice.post(f"{address}draft/", DRAFT | {"text_de": text(often="zweimal im Monat.", notice="")})
    publish(alice, address)

    assert [version.state for version in versions(bakery)] == ["retired", "in_use"]
    rows = alice.get(URL).context["rows"]
    assert [(row["in_use"].number, row["has_draft"]) for row in rows] == [(2, False)]


def test_what_has_changed_is_marked_word_by_word(alice: Client, bakery: Tenant, company: None) -> None:
    address = written(alice, bakery)
    publish(alice, address)
    alice.post(f"{address}revise/")
    changed = {"text_de": text(often="ungefähr zweimal im Monat.", notice=""), "covers": ["whatsapp:survey"]}
    alice.post(f"{address}draft/", DRAFT | changed)

    page = shown(alice, address)

    assert "removed: </span>viermal</del>" in page
    assert "added: </span>zweimal</ins>" in page
    assert "added: </span>WhatsApp: Surveys</ins>" in page
    assert "zweimal</del>" in shown(alice, f"{address}?old=2&new=1")
    assert alice.get(f"{address}?old=9&new=x").status_code == 200


@pytest.mark.parametrize("action", ["publish", "discard", "1/retire"])
def test_without_scripts_a_page_asks_before_anything_is_done(
    alice: Client, bakery: Tenant, company: None, action: str
) -> None:
    address = written(alice, bakery)
    if action == "1/retire":
        publish(alice, address)
    before = [version.state for version in versions(bakery)]

    asked = alice.post(f"{address}{action}/")

    assert 'name="confirmed"' in asked.content.decode()
    assert [version.state for version in versions(bakery)] == before
    assert alice.post(f"{address}{action}/", {"confirmed": "1"}).status_code == 302
    assert [version.state for version in versions(bakery)] != before


def test_a_retired_version_is_offered_to_nobody_and_stays_agreed_to(
    alice: Client, bakery: Tenant, company: None
) -> None:
    address = written(alice, bakery)
    publish(alice, address)

    alice.post(f"{address}1/retire/", {"confirmed": "1"})
    again = alice.post(f"{address}1/retire/", {"confirmed": "1"}, follow=True).content.decode()

    assert versions(bakery)[0].state == "retired"
    assert "version 1 has the status “No longer in use”" in again


# Invalid


def test_a_version_is_declared_invalid_after_saying_whom_it_concerns(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        version = published(bakery)
        agree(bakery, person(bakery), wording=version)
        address = f"{URL}{version.wording.uid}/"

    question = shown(alice, f"{address}1/invalid/")
    silent = alice.post(f"{address}1/invalid/", {"reason": " "})
    told = alice.post(f"{address}1/invalid/", {"reason": "Der Anbieter fehlte."}, follow=True).content.decode()

    assert "The present consent of 1 contact rests on this version." in question
    assert "End the consent of 1 contact" in question
    assert silent.status_code == 422
    assert "Version 1 is invalid" in told
    assert "Der Anbieter fehlte." in told
    assert versions(bakery)[0].state == "invalid"


def test_its_progress_is_polled_until_it_is_over(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        version = published(bakery)
        agree(bakery, person(bakery), wording=version)
        address = f"{URL}{version.wording.uid}/"
    alice.post(f"{address}1/invalid/", {"reason": "Falsch."})

    running = alice.get(address, **HTMX)
    assert running.status_code == 200
    assert "every 2s" in running.content.decode()
    assert "0 consents ended so far" in running.content.decode()
    with tenant_scope(bakery):
        over = Invalidation.objects.get()
    invalidating.run(bakery.pk, over.pk)
    done = alice.get(address, **HTMX)

    assert done.status_code == 286
    assert "every 2s" not in done.content.decode()
    assert "1 consent ended; done on" in done.content.decode()


# Access


def test_who_records_consents_sees_texts_and_changes_none(
    alice: Client, bakery: Tenant, bakery_made: NewTenant, company: None
) -> None:
    in_use, draft = written(alice, bakery, name="Laden"), written(alice, bakery)
    publish(alice, in_use)
    as_role(bakery_made, Role.AGENT)

    assert "New text" not in shown(alice, URL)
    for address in (in_use, draft):
        page = shown(alice, address)
        for action in ("publish", "discard", "draft", "revise", "1/retire", "1/invalid"):
            assert f"{address}{action}/" not in page
            given = DRAFT | {"reason": "x", "confirmed": "1"}
            assert alice.post(f"{address}{action}/", given).status_code == 403
    assert alice.post(f"{URL}new/", DRAFT).status_code == 403
    assert [(one.wording.name, one.state) for one in versions(bakery)] == [("Laden", "in_use"), ("Newsletter", "draft")]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MARKETER, Role.LEGAL])
def test_who_answers_for_texts_publishes_them_and_ends_them(
    alice: Client, bakery: Tenant, bakery_made: NewTenant, company: None, role: Role
) -> None:
    as_role(bakery_made, role)
    address = written(alice, bakery)

    assert f"{address}publish/" in shown(alice, address)
    publish(alice, address)
    page = shown(alice, address)
    assert f"{address}1/retire/" in page
    assert f"{address}1/invalid/" in page
    alice.post(f"{address}1/invalid/", {"reason": "Alter fehlt"})

    assert versions(bakery)[0].state == "invalid"


def test_the_texts_of_another_company_are_not_there(alice: Client, shop: Tenant) -> None:
    with tenant_scope(shop):
        theirs = published(shop)
        address = f"{URL}{theirs.wording.uid}/"

    assert "No consent text yet" in shown(alice, URL)
    assert alice.get(address).status_code == 404
    for action in ("publish", "discard", "draft", "revise", "1/retire", "1/invalid"):
        assert alice.post(f"{address}{action}/", DRAFT | {"reason": "x"}).status_code == 404
    assert versions(shop)[0].state == "in_use"


def test_the_navigation_leads_to_texts_and_company(alice: Client) -> None:
    page = shown(alice, URL)

    assert 'href="/bakery/wordings/" aria-current="page"' in page
    assert 'href="/bakery/company/"' in page
    assert 'href="/bakery/wordings/" aria-current="true"' in shown(alice, "/bakery/company/")


def test_a_list_costs_the_same_number_of_queries_however_long(alice: Client, bakery: Tenant) -> None:
    written(alice, bakery)
    with CaptureQueriesContext(connection) as few:
        alice.get(URL)
    for number in range(5):
        written(alice, bakery, name=f"Text {number}")

    with CaptureQueriesContext(connection) as many:
        alice.get(URL)

    assert len(many) == len(few)
