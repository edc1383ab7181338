"""The dashboard's sign-up forms: made, opened, put up; what is wrong is said beside its field."""

import re

import pytest
from django.test import Client

from consent.models import SignupForm, WordingVersion
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import published
from tests.consent.views.pages import as_role

URL = "/bakery/signups/"


@pytest.fixture
def wording(bakery: Tenant) -> WordingVersion:
    factories.number(bakery)
    with tenant_scope(bakery):
        return published(bakery, covers=[["whatsapp", "marketing"]])


def values(wording: WordingVersion, **changed: str) -> dict[str, str]:
    given = {"name": "Theke", "slug": "", "number": "+493023125000", "wording": str(wording.wording_id)}
    return given | {"headline": "Immer frisch informiert"} | changed


def made(alice: Client, wording: WordingVersion, **changed: str) -> str:
    """Makes a form and returns the address of its page in the dashboard."""
    answer = alice.post(f"{URL}new/", values(wording, **changed))
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def test_a_form_is_made_opened_put_up_and_reachable(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording)
    assert alice.get("/s/bakery/theke/").status_code == 404

    alice.post(f"{page}open/")
    alice.post(f"{page}places/", {"name": "Schaufenster"})

    shown = alice.get(page).content.decode()
    assert alice.get("/s/bakery/theke/").status_code == 200
    codes = re.findall(r"places/([a-z0-9]+)\.(svg|png|pdf)", shown)
    assert [kind for _code, kind in codes] == ["svg", "png", "pdf"]
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    for code, kind in codes:
        file = alice.get(f"{page}places/{code}.{kind}")
        assert file.content.startswith(begins[kind])
        assert file["Content-Disposition"].startswith("attachment")
    assert alice.get(f"/s/bakery/theke/?o={codes[0][0]}").status_code == 200
    assert f"/s/bakery/theke/?o={codes[0][0]}" in shown
    poster = alice.get(f"{page}places/{codes[0][0]}/poster.pdf")
    assert poster.content.startswith(b"%PDF")
    assert poster["Content-Disposition"].endswith('-a5.pdf"')
    assert "Schaufenster" in alice.get(page).content.decode()
    widget = alice.get("/s/bakery/theke/widget.js")
    assert widget["Content-Type"].startswith("text/javascript")
    assert "/s/bakery/theke/" in widget.content.decode()


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("keyword", {"keyword": "stopp"}),
        ("keyword", {"keyword": "ab"}),
        ("question_answers", {"question": "choice", "question_label": "Was?"}),
        ("headline", {"headline": ""}),
        ("number", {"number": "+4915100000000"}),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    alice: Client, wording: WordingVersion, field: str, changed: dict[str, str]
) -> None:
    answer = alice.post(f"{URL}new/", values(wording, **changed))

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()


def test_without_a_text_or_a_number_the_page_says_what_to_do_first(alice: Client) -> None:
    shown = alice.get(f"{URL}new/").content.decode()

    assert "Write and publish a text" in shown
    assert "No WhatsApp number is connected yet" in shown


def test_cg_05_a_benefit_without_conditions_keeps_the_form_closed(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording, benefit="5 € voucher")

    told = alice.post(f"{page}open/", follow=True).content.decode()

    assert "Write the conditions of the benefit" in told
    assert alice.get("/s/bakery/theke/").status_code == 404


def test_the_address_stays_once_the_form_was_open(alice: Client, wording: WordingVersion, bakery: Tenant) -> None:
    page = made(alice, wording)
    alice.post(f"{page}open/")

    answer = alice.post(f"{page}edit/", values(wording, slug="anders"))

    assert answer.status_code == 422
    with tenant_scope(bakery):
        assert SignupForm.objects.get().slug == "theke"


def test_voucher_codes_are_counted(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording)

    told = alice.post(f"{page}codes/", {"codes": "EINS\nZWEI\nEINS"}, follow=True).content.decode()

    assert "2 voucher codes are new" in told
    assert "2 of 2 codes are left" in told


def test_an_analyst_sees_no_forms_and_an_agent_changes_none_of_another_company(
    alice: Client, wording: WordingVersion, bakery_made: NewTenant
) -> None:
    page = made(alice, wording)
    as_role(bakery_made, Role.ANALYST)

    assert alice.get(URL).status_code == 403
    assert alice.get(page).status_code == 403
    assert alice.post(f"{page}open/").status_code == 403
