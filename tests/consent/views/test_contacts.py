"""The contact screens: finding people however their number is written, and one person with what may be sent."""

import html
import re
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import queries
from consent.actions import requests
from consent.ledger import suppressing
from consent.models import Source
from consent.queries import may_send
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.pages import PAGE_SIZE, SEARCH, sealed_search
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import NUMBER, agree, person, published, stop
from tests.consent.views.pages import HTMX, as_role, shown, sought
from tests.contacts.calls import Caller

URL = "/bakery/contacts/"


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        return person(
            bakery,
            phone="+493023125001",
            email="anna@example.com",
            external_id="K-1001",
            first_name="Anna",
            last_name="Müller",
        )


@pytest.fixture
def api(bakery_made: NewTenant) -> Caller:
    return Caller(bakery_made.api_key)


@pytest.mark.parametrize(
    "search",
    [
        "030 23125-001",
        "+49 (0)30 23125001",
        "0049 30 23125001",
        "23125001",
        "anna@",
        "K-1001",
        "ann",
        "Anna Mül",
        "mÜLL",
    ],
)
def test_a_person_is_found_however_they_are_named(alice: Client, anna: Contact, bakery: Tenant, search: str) -> None:
    with tenant_scope(bakery):
        person(bakery, first_name="Bert", phone="+4940669691234")

    page = sought(alice, URL, search)

    assert "Anna Müller" in page
    assert "Bert" not in page


def test_who_is_shown_by_the_name_in_whatsapp_is_found_by_it(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        person(bakery, phone="+4940669691234", attributes={"whatsapp_name": "Frieda Beispiel"})
        # Is shown by another name.
        person(bakery, phone="+4940669691235", first_name="Bert", attributes={"whatsapp_name": "Frieda"})

    page = sought(alice, URL, "frieda")

    assert "Frieda Beispiel" in page
    assert "Bert" not in page


def test_a_customer_number_that_looks_like_a_phone_number_is_found(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        person(bakery, first_name="Carla", phone="+4940669691234", external_id="03023125001")

    assert "Carla" in sought(alice, URL, "03023125001")


def test_a_number_without_a_country_code_is_of_the_companys_country(alice: Client, api: Caller, bakery: Tenant) -> None:
    Tenant.objects.filter(pk=bakery.pk).update(country="AT")
    with tenant_scope(bakery):
        person(bakery, first_name="Resi", phone="+436641234567")

    assert "Resi" in sought(alice, URL, "0664 1234567")
    assert len(api.get("contacts/", search="0664 1234567").json()["results"]) == 1


def test_a_search_for_nothing_printable_finds_everybody(alice: Client, anna: Contact) -> None:
    assert "Anna Müller" in sought(alice, URL, "\0")


def test_attributes_are_shown_whatever_they_are_called(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        emil = person(bakery, attributes={"items": "Brot", "Filiale": "Mitte"})

    page = shown(alice, f"{URL}{emil.uid}/")

    assert "<dt>items</dt>" in page.replace("> ", ">").replace(" <", "<")
    assert "Mitte" in page


def test_nobody_found_says_how_to_go_on(alice: Client, anna: Contact) -> None:
    page = sought(alice, URL, "zzz")

    assert "No matches" in page
    assert "Show all contacts" in page


@pytest.mark.parametrize("page", ["contacts/", "data-requests/", "data-requests/new/"])
def test_no_address_holds_what_is_looked_for_and_it_leads_back_to_it(
    alice: Client, anna: Contact, bakery: Tenant, page: str
) -> None:
    with tenant_scope(bakery):
        requests.take(tenant=bakery, contact=anna, kind="access", by=None)
        person(bakery, first_name="Bert", phone="+4940669691234")

    answer = alice.post(f"/bakery/{page}", {"q": "030 23125-001"})

    address = answer.headers["Location"]
    assert answer.status_code == 302
    assert "23125" not in unquote(address)
    for _visit in ("there", "back"):
        found = shown(alice, address)
        assert "Anna Müller" in found
        assert "Bert" not in found
        # In its field, to be changed.
        assert 'value="030 23125-001"' in found


def test_the_pages_of_a_search_keep_to_it_and_name_it_in_no_address(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        for _number in range(PAGE_SIZE + 1):
            person(bakery, first_name="Anna")
            person(bakery, first_name="Bert")

    first = alice.post(URL, {"q": "Anna"}, follow=True)
    [older] = re.findall(r'href="([^"]+)"\s+rel="next"', first.content.decode())
    second = alice.get(URL + html.unescape(older))

    assert "Anna" not in older
    assert [row["contact"].first_name for row in second.context["rows"]] == ["Anna"]


def test_another_company_s_search_says_nothing_here(alice: Client, anna: Contact, shop: Tenant) -> None:
    sealed = sealed_search("Bert", of=str(shop.pk))

    page = alice.get(URL, {SEARCH: sealed}).content.decode()

    assert "Bert" not in page
    assert "Anna Müller" in page


def test_an_empty_workspace_leads_to_the_import(alice: Client) -> None:
    page = shown(alice, URL)

    assert "No contacts yet" in page
    assert 'href="/bakery/imports/new/"' in page


def test_contacts_are_turned_over_without_counting(alice: Client, bakery: Tenant) -> None:
    people = factories.contacts(bakery, PAGE_SIZE * 2 + 5, consent=False)

    with CaptureQueriesContext(
        connection,
    ) as caught:
        first = alice.get(URL)
    second = alice.get(URL, {"older": first.context["stretch"].older})
    third = alice.get(URL, {"older": second.context["stretch"].older})
    back = alice.get(URL, {"newer": third.context["stretch"].newer})

    assert not [query for query in caught if "COUNT(" in query["sql"] or "OFFSET" in query["sql"]]
    seen = [row["contact"].pk for page in (first, second, third) for row in page.context["rows"]]
    assert seen == [contact.pk for contact in reversed(people)]
    assert (first.context["stretch"].newer, third.context["stretch"].older) == ("", "")
    assert [row["contact"].pk for row in back.context["rows"]] == seen[PAGE_SIZE : 2 * PAGE_SIZE]


def test_a_page_costs_the_same_number_of_queries_however_many_people_it_shows(alice: Client, bakery: Tenant) -> None:
    factories.contacts(bakery, 1)
    with CaptureQueriesContext(connection) as one:
        alice.get(URL)
    factories.contacts(bakery, 40, start=1)
    with CaptureQueriesContext(connection) as many:
        alice.get(URL)

    assert len(many) == len(one)


def test_a_broken_place_to_go_on_from_shows_the_newest(alice: Client, anna: Contact) -> None:
    assert "Anna Müller" in shown(alice, f"{URL}?older=nonsense")


def test_the_list_says_who_may_be_written_to(alice: Client, anna: Contact, bakery: Tenant) -> None:
    assert "No opt-in" in shown(alice, URL)
    with tenant_scope(bakery):
        agree(bakery, anna)
    assert "Yes" in shown(alice, URL)
    with tenant_scope(bakery):
        stop(bakery, anna)

    assert "Opted out" in shown(alice, URL)


def test_htmx_gets_the_list_alone(alice: Client, anna: Contact) -> None:
    page = sought(alice, URL, "anna", **HTMX)

    assert page.startswith('<div id="list"')
    assert "Anna Müller" in page


def test_a_person_is_shown_with_states_reasons_and_the_row_that_decided(
    alice: Client, anna: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna, wording=published(bakery), language="de")
        stop(bakery, anna)

    page = shown(alice, f"{URL}{anna.uid}/")

    assert "anna@example.com" in page
    assert "WhatsApp · Marketing: withdrawn" in page
    assert "The person has withdrawn or declined the consent." in page
    assert "Neither an import nor somebody of your team can." in page
    assert f'href="/bakery/contacts/{anna.uid}/proof/#row-2">Row 2 of the ledger' in page
    assert "Consent given" in page


def test_every_channel_and_purpose_is_answered_by_one_statement_as_the_sender_would(
    alice: Client, anna: Contact, in_bakery: Tenant
) -> None:
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "survey")])
    declared = {("whatsapp", "marketing"), ("whatsapp", "transactional"), ("email", "survey")}

    with CaptureQueriesContext(connection) as caught:
        answers = queries.may_send_all(anna)

    assert len(caught) == 1
    assert len(answers) == 18
    assert {pair for pair, answer in answers.items() if answer.allowed} == declared
    for (channel, purpose), answer in answers.items():
        alone = may_send(contact=anna, channel=channel, purpose=purpose)
        assert (answer.allowed, answer.reason, answer.seq) == (alone.allowed, alone.reason, alone.seq)


@pytest.mark.parametrize(
    ("channel", "purpose", "hit"),
    [
        ("all", "all", {("whatsapp", "marketing"), ("email", "survey")}),
        ("email", "survey", {("email", "survey")}),
        ("whatsapp", "transactional", {("whatsapp", "transactional")}),
    ],
)
def test_an_entry_of_the_suppression_list_hits_the_same_channels_and_purposes_whoever_asks(
    alice: Client, anna: Contact, in_bakery: Tenant, channel: str, purpose: str, hit: set[tuple[str, str]]
) -> None:
    pairs = {("whatsapp", "marketing"), ("whatsapp", "transactional"), ("email", "survey")}
    agree(in_bakery, anna, pairs=sorted(pairs))
    names = anna.identities.values_list("kind", "digest")
    entries = [
        suppressing.Suppressed(k, bytes(key), channel, purpose, "suppressed", timezone.now()) for k, key in names
    ]
    suppressing.suppress(in_bakery, entries)

    answers = queries.may_send_all(anna)

    # Only what is named exactly stops what a contract needs (CG-26).
    assert {pair for pair in pairs if answers[pair].reason == "suppressed"} == hit
    for pair, answer in answers.items():
        assert answer.reason == may_send(contact=anna, channel=pair[0], purpose=pair[1]).reason


def test_who_may_not_read_consent_sees_master_data_only(
    alice: Client, anna: Contact, bakery: Tenant, bakery_made: NewTenant
) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna)
    as_role(bakery_made, Role.ANALYST)

    page = shown(alice, f"{URL}{anna.uid}/")

    assert "anna@example.com" in page
    assert "May I send?" not in page
    assert "Consent given" not in page
    assert "WhatsApp marketing" not in shown(alice, URL)
    assert alice.get(f"{URL}{anna.uid}/proof/").status_code == 403


def test_an_unreachable_number_is_said_beside_the_consent(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        dana = person(bakery, email="dana@example.com")

    assert "has no phone number and no WhatsApp user id" in shown(alice, f"{URL}{dana.uid}/")


def test_who_has_lost_the_number_to_its_next_owner_is_shown_as_such(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        dana = person(bakery, email="dana@example.com", phone_invalid_at=timezone.now())

    page = shown(alice, f"{URL}{dana.uid}/")

    assert "somebody else by this person’s number since" in page
    assert "does not reach this number" not in page


def test_the_contacts_of_another_tenant_are_not_there(alice: Client, shop: Tenant) -> None:
    with tenant_scope(shop):
        theirs = person(shop, first_name="Zoe")
        agree(shop, theirs)

    assert "Zoe" not in shown(alice, URL)
    for path in ("", "proof/", "proof.pdf"):
        assert alice.get(f"{URL}{theirs.uid}/{path}").status_code == 404


@pytest.mark.parametrize(("code", "name"), [("de", "German"), ("en", "English"), ("x1", "x1")])
def test_the_language_of_a_person_is_told_by_its_name(alice: Client, bakery: Tenant, code: str, name: str) -> None:
    with tenant_scope(bakery):
        contact = person(bakery, language=code)

    assert f"<dt>Language</dt><dd>{name}</dd>" in shown(alice, f"/bakery/contacts/{contact.uid}/")


def test_german_pages_speak_german(alice: Client, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna, source=Source.WA_BUTTON, source_ref=NUMBER)
    alice.cookies["django_language"] = "de"

    page = shown(alice, f"{URL}{anna.uid}/")

    assert "Darf ich senden?" in page
    assert "Einwilligung erteilt" in page
    assert "Einwilligungsnachweis" in page
