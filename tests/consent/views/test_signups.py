"""The dashboard's sign-up forms: made, opened, put up; what is wrong is said beside its field."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from consent.models import SignupForm, WordingVersion
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import known, published, wording_text
from tests.consent.views.pages import as_role

URL = "/bakery/signups/"


@pytest.fixture
def wording(bakery: Tenant) -> WordingVersion:
    factories.number(bakery)
    with tenant_scope(bakery):
        known(bakery)
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
        (
            "question_label",
            {"question": "choice", "question_answers": "Brot\nKuchen", "question_attribute": "lieblings"},
        ),
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


def test_what_keeps_a_form_closed_is_said_with_a_link_to_where_it_is_mended(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        known(bakery, imprint_url="")
        careless = published(bakery, name="Kurz", covers=[["whatsapp", "marketing"]], texts={"de": "Ja, per WhatsApp."})
    page = made(alice, careless, benefit="5 € voucher")

    told = shown(alice.post(f"{page}open/", follow=True))

    assert "The form cannot be opened yet." in told
    for said, address in (
        ("Enter what the law wants known to everybody who signs up: address of the imprint.", "/bakery/company/"),
        ("The text “Kurz” leaves duties open.", f"/bakery/wordings/{careless.wording.uid}/"),
        ("Write the conditions of the benefit", f"{page}edit/"),
    ):
        assert said in told
        assert f'href="{address}"' in told[told.index(said) :][:2000]
    assert alice.get("/s/bakery/theke/").status_code == 404


def test_the_team_sees_that_an_open_form_is_closed_to_visitors(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording)
    alice.post(f"{page}open/")
    assert "visitors" not in shown(alice.get(page))

    with tenant_scope(bakery):
        known(bakery, imprint_url="")

    assert "visitors are told that signing up is not possible" in shown(alice.get(page))
    assert "Closed to visitors" in shown(alice.get(URL))
    assert "forms stay closed" in shown(alice.get("/bakery/company/"))


def test_a_draft_is_looked_at_before_anybody_else_sees_it(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording)

    looked = alice.get(f"{page}preview/?lang=de")

    told = shown(looked)
    assert "Vorschau" in told
    assert wording.texts["de"] in told
    assert 'method="post"' not in told
    assert '<button type="submit" class="button" disabled>' in told
    assert alice.post(f"{page}preview/", {"agree": "on"}).status_code == 405
    with tenant_scope(bakery):
        assert not bakery.signup_requests.exists()
    assert alice.get("/s/bakery/theke/").status_code == 404
    assert Client().get(f"{page}preview/").status_code == 302
    assert "Vorschau" not in shown(alice.get(page))


def test_a_place_has_a_code_into_whatsapp_as_picture_and_on_paper(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording, keyword="Brot")
    alice.post(f"{page}places/", {"name": "Kasse"})

    links = re.findall(r'href="([^"]*/whatsapp[^"]*)"', alice.get(page).content.decode())

    assert [link.rpartition("/")[2] for link in links] == [
        "whatsapp.svg",
        "whatsapp.png",
        "whatsapp.pdf",
        "whatsapp-poster.pdf",
    ]
    for link, begins in zip(links, (b"<?xml", b"\x89PNG", b"%PDF", b"%PDF"), strict=True):
        file = alice.get(link)
        assert file.content.startswith(begins)
        assert "whatsapp" in file["Content-Disposition"]


def shown(answer: HttpResponse) -> str:
    """The page as text, blanks folded."""
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_an_open_form_says_that_its_text_has_become_too_long_for_whatsapp(
    alice: Client, bakery: Tenant, wording: WordingVersion
) -> None:
    page = made(alice, wording)
    alice.post(f"{page}open/")
    assert "nobody can sign up from within WhatsApp" not in alice.get(page).content.decode()
    with tenant_scope(bakery):
        long = wording_text(number=2, purposes=["marketing"]) + " Wir freuen uns auf Sie." * 50
        published(bakery, 2, covers=wording.covers, texts={"de": long})

    shown = alice.get(page).content.decode()

    assert "nobody can sign up from within WhatsApp" in shown
    assert "Shorten the wording by" in shown
