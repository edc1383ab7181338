"""Staff look at consent in Django admin and cannot change it."""

import re
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.admin import site
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from consent.models import ConsentEvent, ConsentEvidence, ConsentState, Suppression
from contacts.models import Contact
from tenants.admin import SealedSearch
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.consent.factories import PHONE, agree, person, stop

PAGES = (
    *("consentevent", "consentevidence", "consentstate", "suppression", "consenthead", "wording", "wordingversion"),
    *("controller", "invalidation", "announcement", "agreement", "addressrequest"),
)


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE)
        agree(bakery, anna)
        stop(bakery, anna)
        agree(bakery, person(bakery))
        return anna


def shown(client: Client, page: str, term: str) -> int:
    answer = client.get(f"/admin/consent/{page}/", {"q": term})
    assert answer.status_code == 200
    return len(answer.context["cl"].result_list)


@pytest.mark.parametrize("page", ["consent/consentstate", "consent/suppression", "contacts/contact", "tenants/user"])
def test_no_address_of_the_admin_holds_whom_staff_look_for(staff: Client, anna: Contact, page: str) -> None:
    term = "alice@example.com" if page.endswith("user") else PHONE
    form = staff.get(f"/admin/{page}/").content.decode()
    assert re.search(r'<form id="changelist-search"\s+method="post"', form)

    answer = staff.post(f"/admin/{page}/", {"q": term}, follow=True)

    [(address, _status)] = answer.redirect_chain
    assert term not in unquote(address)
    assert f'value="{term}"' in answer.content.decode()
    assert answer.context["cl"].result_list
    other = staff.post(f"/admin/{page}/", {"q": "+49309999999"}, follow=True)
    assert not other.context["cl"].result_list
    # Neither do the addresses of its filters, columns and rows.
    hrefs = re.findall(r'href="([^"]*)"', answer.content.decode())
    assert not [href for href in hrefs if term in unquote(unquote(href))]


def test_no_list_and_no_field_of_the_admin_puts_what_staff_type_into_an_address(rf: RequestFactory) -> None:
    searched = {admin for admin in site._registry.values() if admin.get_search_fields(rf.get("/"))}
    parts = {inline for admin in site._registry.values() for inline in admin.inlines}

    assert {str(admin) for admin in searched if not isinstance(admin, SealedSearch)} == set()
    # Django asks for what completes a field by GET, with what was typed so far.
    assert {str(form) for form in (*site._registry.values(), *parts) if form.autocomplete_fields} == set()


@pytest.mark.parametrize("page", ["account/emailaddress", "usersessions/usersession"])
def test_who_logs_in_is_found_without_standing_in_the_address(staff: Client, page: str) -> None:
    user = User.objects.get(email="staff@example.com")
    EmailAddress.objects.create(user=user, email=user.email)
    UserSession.objects.update_or_create(user=user, defaults={"ip": "192.0.2.1", "session_key": "x"})

    answer = staff.post(f"/admin/{page}/", {"q": user.email}, follow=True)
    other = staff.post(f"/admin/{page}/", {"q": "alice@example.com"}, follow=True)

    assert "staff" not in unquote(answer.redirect_chain[0][0])
    assert [found.user for found in answer.context["cl"].result_list] == [user]
    assert not other.context["cl"].result_list


def test_a_member_is_looked_for_in_the_list_of_users_whose_address_tells_nobody(staff: Client, anna: Contact) -> None:
    form = staff.get("/admin/tenants/membership/add/").content.decode()
    assert 'href="/admin/tenants/user/?_to_field=id"' in form

    popup = "/admin/tenants/user/?_to_field=id&_popup=1"
    assert 'name="_popup" value="1"' in staff.get(popup).content.decode()
    answer = staff.post(popup, {"q": "alice@example.com", "_popup": "1", "_to_field": "id"}, follow=True)

    [(address, _status)] = answer.redirect_chain
    assert "alice" not in unquote(address)
    assert answer.context["cl"].is_popup
    assert [user.email for user in answer.context["cl"].result_list] == ["alice@example.com"]


@pytest.mark.parametrize("page", PAGES)
def test_every_list_opens_and_offers_no_way_to_change_it(staff: Client, anna: Contact, page: str) -> None:
    assert staff.get(f"/admin/consent/{page}/").status_code == 200
    assert staff.get(f"/admin/consent/{page}/add/").status_code == 403


def test_a_persons_rows_are_found_by_phone_subject_or_number(staff: Client, anna: Contact) -> None:
    assert shown(staff, "consentevent", "030 23125-001") == 4
    assert shown(staff, "consentevent", str(anna.subject_id)) == 4
    assert shown(staff, "consentevent", "2") == 1
    assert shown(staff, "consentstate", PHONE) == 3
    assert shown(staff, "suppression", PHONE) == 3
    assert shown(staff, "suppression", "030 23125-999") == 0


def test_a_row_shows_its_hashes_and_refuses_changes(staff: Client, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        row = ConsentEvent.objects.get(seq=2)
    url = f"/admin/consent/consentevent/{row.pk}/change/"

    page = staff.get(url).content.decode()

    assert bytes(row.row_hash).hex() in page
    assert bytes(row.prev_hash).hex() in page
    assert staff.post(url, {"state": "granted"}).status_code == 403


def test_a_proof_is_found_by_its_event_and_never_shown(staff: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, person(bakery), evidence={"form": "Blatt 12 im Ordner"})
        agree(bakery, person(bakery), evidence={"form": "Blatt 13 im Ordner"})
        proof = ConsentEvidence.objects.order_by("pk")[0]
        row = ConsentEvent.objects.get(event_id=proof.event_id)

    assert shown(staff, "consentevidence", str(row.event_id)) == 1
    assert shown(staff, "consentevidence", str(row.subject_id)) == 0
    assert shown(staff, "consentevidence", "Blatt") == 0
    for path in ("", f"{proof.pk}/change/"):
        page = staff.get(f"/admin/consent/consentevidence/{path}").content.decode()
        assert str(row.event_id) in page
        assert row.get_source_display() in page
        for secret in ("Blatt", proof.sealed, bytes(proof.salt).hex(), str(bytes(proof.salt))):
            assert secret not in page


def test_the_suppression_list_shows_no_whole_hash(staff: Client, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        digest = bytes(Suppression.objects.all()[0].digest).hex()

    page = staff.get("/admin/consent/suppression/").content.decode()

    assert digest[:8] in page
    assert digest not in page


def test_a_list_costs_the_same_number_of_queries_however_long(staff: Client, anna: Contact, bakery: Tenant) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            staff.get("/admin/consent/consentstate/")
        return len(captured)

    few = queries()
    with tenant_scope(bakery):
        for _ in range(20):
            agree(bakery, person(bakery))
        assert ConsentState.objects.count() > 20

    assert queries() == few
