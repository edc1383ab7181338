"""The dashboard's sign-up forms: made, opened, put up; what is wrong is said beside its field."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from consent import speaking
from consent.models import SignupForm, WordingVersion
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import known, person, published, wording_text
from tests.consent.test_signups import tap, write
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
    assert facts(told)["Left"] == "2"
    assert facts(told)["Given"] == "0"


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


def facts(page: str) -> dict[str, str]:
    """What the page lists as facts, by name, without tags."""
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page, re.S)
    return {name: " ".join(re.sub(r"<[^>]+>", " ", told).split()) for name, told in found}


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


def test_the_page_of_a_form_names_its_text_with_its_version_and_all_it_consists_of(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        measuring = published(bakery, name="Messen", covers=[["whatsapp", "tracking"]])
    page = made(
        alice,
        wording,
        extra_wording=str(measuring.wording_id),
        benefit="5 € voucher",
        benefit_terms="From 20 € on.",
        question="choice",
        question_label="What do you like?",
        question_answers="Bread\nCake",
        question_attribute="likes",
    )

    told = shown(alice.get(page))

    known = facts(alice.get(page).content.decode())
    assert known["Consent text"] == "Ladenformular · Version 1"
    assert known["Second consent text"] == "Messen · Version 1"
    assert known["WhatsApp number"] == "+49 30 23125000"
    assert known["Benefit"] == "5 € voucher From 20 € on."
    assert known["Question"] == "What do you like? Bread · Cake"
    assert f'href="/bakery/wordings/{wording.wording.uid}/"' in told


def test_the_whole_way_is_looked_at_in_the_companys_own_words(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, keyword="Brot", benefit="5 € voucher", benefit_terms="From 20 € on.")
    alice.post(f"{page}codes/", {"codes": "EINS"})

    steps = re.findall(r'href="([^"]*/preview/[^"]*)"', alice.get(f"{page}preview/?lang=de").content.decode())
    confirm, chat = (shown(alice.get(step)) for step in steps)

    assert "Fast fertig: Bestätige in WhatsApp" in confirm
    assert "<svg" in confirm
    # Nothing is sent from here: the button leads nowhere.
    assert "wa.me" not in re.sub(r'aria-label="[^"]*"', "", confirm)
    said = speaking.texts(bakery, "de")
    assert said["confirmed"].partition(".")[0] in chat
    assert wording.texts["de"] in chat
    for words in (">BROT<", said["button"], "Dein Gutschein: BEISPIEL", "jederzeit widersprechen"):
        assert words in chat
    with tenant_scope(bakery):
        assert not bakery.signup_requests.exists()
        assert bakery.signup_codes.get().contact is None
    assert Client().get(steps[1]).status_code == 302


def test_a_text_that_is_too_long_for_whatsapp_is_previewed_on_the_page_only(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording)
    with tenant_scope(bakery):
        long = wording_text(number=2, purposes=["marketing"]) + " Wir freuen uns auf Sie." * 50
        published(bakery, 2, covers=wording.covers, texts={"de": long})

    chat = shown(alice.get(f"{page}preview/chat/"))

    assert "Nach der Seite" in chat
    assert "mit dem Stichwort" not in chat


def test_texts_in_a_second_language_are_entered_beside_the_first(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    answers = {"question": "choice", "question_label": "Was?", "question_attribute": "mag", "question_answers": "A\nB"}
    page = made(alice, wording, en_headline="Fresh news first", en_question_answers="C\nD", **answers)

    with tenant_scope(bakery):
        assert SignupForm.objects.get().translations == {
            "en": {"headline": "Fresh news first", "question_answers": ["C", "D"]}
        }
    editor = shown(alice.get(f"{page}edit/"))
    assert 'value="Fresh news first"' in editor
    assert '<details class="fold" open>' in editor

    answer = alice.post(f"{page}edit/", values(wording, en_question_answers="C", **answers))

    assert answer.status_code == 422
    assert "give as many as in the form" in answer.content.decode()


def test_a_form_without_a_place_says_what_a_place_is_for(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording)
    assert "No place yet" in shown(alice.get(page))

    alice.post(f"{page}places/", {"name": "Kasse"})

    assert "No place yet" not in shown(alice.get(page))


def test_a_place_is_renamed_archived_and_put_back(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording)
    for name in ("Kasse", "Flyer"):
        alice.post(f"{page}places/", {"name": name})
    code, _other = dict.fromkeys(re.findall(r"places/([a-z0-9]{8})/", alice.get(page).content.decode()))

    assert alice.post(f"{page}places/{code}/", {"name": "Flyer"}).status_code == 422
    assert alice.post(f"{page}places/{code}/", {"name": "Theke links"}).status_code == 302
    assert "Theke links" in shown(alice.get(page))
    archived = shown(alice.post(f"{page}places/{code}/archive/", follow=True))
    assert "Archived places" in archived
    assert f"/places/{code}/poster.pdf" not in archived
    back = shown(alice.post(f"{page}places/{code}/restore/", follow=True))
    assert "Archived places" not in back
    assert f"/places/{code}/poster.pdf" in back


def test_a_form_in_two_languages_has_a_poster_in_each(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording, en_headline="Fresh news first")
    alice.post(f"{page}places/", {"name": "Kasse"})

    posters = re.findall(r'href="([^"]*/poster\.pdf[^"]*)"', alice.get(page).content.decode())

    assert [poster.rpartition("/")[2] for poster in posters] == ["poster.pdf", "poster.pdf?lang=en"]
    names = [alice.get(poster)["Content-Disposition"].rpartition("-a5")[0][-3:] for poster in posters]
    assert names[1] == "-en"
    assert names[0] != "-en"


def test_codes_are_listed_and_removed_as_they_were_entered_one_per_line(alice: Client, wording: WordingVersion) -> None:
    page = made(alice, wording, benefit="5 € voucher", benefit_terms="From 20 € on.")
    assert "do not promise the benefit" in shown(alice.get(page))
    alice.post(f"{page}codes/", {"codes": "SOMMER 2027\nEINS\r\n\nZWEI"})
    assert "do not promise the benefit" not in shown(alice.get(page))

    listed = re.findall(r'name="code"\s+value="([^"]*)"', alice.get(f"{page}codes/remove/").content.decode())
    assert listed == ["SOMMER 2027", "EINS", "ZWEI"]
    told = alice.post(f"{page}codes/remove/", {"code": ["SOMMER 2027", "ZWEI"]}, follow=True).content.decode()
    assert "2 voucher codes are removed" in told
    assert facts(told)["Left"] == "1"
    assert alice.post(f"{page}codes/remove/", {}).status_code == 200
    told = alice.post(f"{page}codes/remove/", {"all": "1"}, follow=True).content.decode()

    assert facts(told)["Left"] == "0"
    assert "do not promise the benefit" in told


def test_people_who_wait_for_a_code_are_counted_on_the_forms_page(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, benefit="5 € voucher", benefit_terms="From 20 € on.", keyword="Brot")
    alice.post(f"{page}open/")
    with tenant_scope(bakery):
        anna = person(bakery)
        write(anna, "Brot")
        tap(anna)

    assert facts(alice.get(page).content.decode())["Owed"].startswith("1 ")
    told = alice.post(f"{page}codes/", {"codes": "EINS\nZWEI"}, follow=True).content.decode()

    assert "Owed" not in facts(told)
    assert (facts(told)["Left"], facts(told)["Given"]) == ("1", "1")
