"""The page “Company”: what is entered, what is refused and how to put it right, who may."""

import html
import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from consent import colors
from consent.models import Controller
from messaging.models import Message, Source
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import PERMISSIONS, Role
from tenants.scope import tenant_scope
from tests.analytics import cast
from tests.consent.factories import agree, open_form, person
from tests.consent.views.pages import HTMX, as_role, shown

URL = "/bakery/company/"
LISTS = ("special_attributes", "contract_attributes")
BEFORE = ("special_before", "contract_before")
ENTERED = {
    "legal_name": "Bäckerei Sonne GmbH",
    "street": "Sonnenallee 1",
    "postcode": "12045",
    "city": "Berlin",
    "country": "DE",
    "email": "daten@sonne.example",
    "phone": "+49 30 23125000",
    "officer": "Dr. Eva Klug",
    "officer_email": "klug@sonne.example",
    "privacy_url": "https://sonne.example/datenschutz",
    "imprint_url": "https://sonne.example/impressum",
    "address_form": "sie",
    "brand_color": "#8a1c3b",
    "anchor_email": "siegel@sonne.example",
    "message_months": 18,
    "silence_months": 12,
}


def stored(tenant: Tenant) -> Controller | None:
    with tenant_scope(tenant):
        return Controller.objects.filter(tenant=tenant).first()


def published_form(tenant: Tenant) -> None:
    """A sign-up form that is open."""
    with tenant_scope(tenant):
        open_form(tenant)


def refused(client: Client, **changed: str) -> dict[str, Any]:
    """What the page says about each field."""
    response = client.post(URL, ENTERED | changed)
    assert response.status_code == 422
    return {name: " ".join(errors) for name, errors in response.context["form"].errors.items()}


def test_a_company_is_entered_and_shown_again(alice: Client, bakery: Tenant) -> None:
    assert "they are missing: legal name, street and number" in shown(alice, URL)

    assert alice.post(URL, ENTERED)["Location"] == URL

    company = stored(bakery)
    assert company is not None
    assert {name: getattr(company, name) for name in ENTERED} == ENTERED
    page = shown(alice, URL)
    assert 'value="Bäckerei Sonne GmbH"' in page
    assert "they are missing" not in page


def opened(client: Client) -> dict[str, str]:
    """What the browser sends back of the two lists of names when nobody touches them."""
    page = client.get(URL).content.decode()
    sent = {name: find(rf'name="{name}"[^>]*>\n?([^<]*)</textarea>', page) for name in LISTS}
    return sent | {name: find(rf'name="{name}"[^>]*value="([^"]*)"', page) for name in BEFORE}


def find(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    return html.unescape(found[1]) if found else ""


@pytest.mark.parametrize("which", ["special", "contract"])
def test_saving_undoes_no_name_that_somebody_else_has_entered_meanwhile(
    alice: Client, bakery: Tenant, which: str
) -> None:
    name = f"{which}_attributes"
    alice.post(URL, {**ENTERED, name: "Allergie\r\n\r\n  Diabetes \r\nAllergie"})
    first, second = opened(alice), opened(alice)
    assert first[name] == "Allergie\nDiabetes"

    alice.post(URL, {**ENTERED, **first, name: "Diabetes\r\nMigräne"})
    alice.post(URL, {**ENTERED, **second, name: "Allergie\r\nDiabetes\r\nReha"})

    # The first took Allergie out and added Migräne, the second added Reha and touched nothing else.
    assert opened(alice)[name] == "Diabetes\nMigräne\nReha"
    # A page of an older version does not send the field at all.
    assert alice.post(URL, ENTERED).status_code == 302
    assert opened(alice)[name] == "Diabetes\nMigräne\nReha"
    with tenant_scope(bakery):
        saved = AuditEvent.objects.filter(tenant=bakery, verb="company.changed")
        assert [row.changes["fields"] == [name] for row in saved.order_by("id")] == [False, True, True]


def picture(kind: str = "PNG", size: tuple[int, int] = (1000, 400)) -> SimpleUploadedFile:
    """A logo as somebody uploads it, with more in the file than the picture."""
    file = BytesIO()
    Image.new("RGB", size, "#8a1c3b").save(file, kind)
    return SimpleUploadedFile(f"logo.{kind.lower()}", file.getvalue() + b"marker")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_made_small_and_stands_on_the_sign_up_pages(alice: Client, bakery: Tenant, kind: str) -> None:
    published_form(bakery)

    assert alice.post(URL, {**ENTERED, "logo": picture(kind)}).status_code == 302

    page = shown(alice, "/s/bakery/theke/")
    [address] = re.findall(r"/s/bakery/logo-[0-9a-f]{16}\.png", page)
    answer = alice.get(address)
    with Image.open(BytesIO(answer.content)) as stored_logo:
        assert (stored_logo.format, stored_logo.size) == ("PNG", (400, 160))
    assert b"marker" not in answer.content
    assert "immutable" in answer["Cache-Control"]
    assert 'alt="Bäckerei Sonne GmbH"' in page
    assert address in shown(alice, URL)

    alice.post(URL, {**ENTERED, "without_logo": "on"})

    assert "/logo-" not in shown(alice, "/s/bakery/theke/")
    assert alice.get(address).status_code == 404


def test_a_picture_that_would_not_fit_into_memory_is_refused(alice: Client, bakery: Tenant) -> None:
    file = BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")

    answer = alice.post(URL, {**ENTERED, "logo": SimpleUploadedFile("logo.png", file.getvalue())})

    assert answer.status_code == 422
    assert answer.context["form"].errors["logo"]


@pytest.mark.parametrize(
    "content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_refused_and_nothing_is_saved(alice: Client, bakery: Tenant, content: bytes) -> None:
    file = SimpleUploadedFile("logo.png", content)

    answer = alice.post(URL, {**ENTERED, "logo": file})

    assert answer.status_code == 422
    assert answer.context["form"].errors["logo"]
    assert stored(bakery) is None


def test_a_consent_cannot_outlast_in_silence_what_tells_who_was_in_touch(alice: Client) -> None:
    told = refused(alice, message_months="3", silence_months="12")

    assert "nobody knows any more who was in touch" in told["silence_months"]


def test_a_change_leaves_an_audit_row_that_names_fields_and_no_person(alice: Client, bakery: Tenant) -> None:
    alice.post(URL, ENTERED)
    alice.post(URL, ENTERED | {"officer": "Uwe Neu"})
    alice.post(URL, ENTERED | {"officer": "Uwe Neu"})

    with tenant_scope(bakery):
        first, second = AuditEvent.objects.filter(verb="company.changed").order_by("pk")
        assert second.changes == {"fields": ["officer"]}
        assert "legal_name" in first.changes["fields"]
        assert "Klug" not in str(first.changes)


@pytest.mark.parametrize(
    ("field", "entered", "remedy"),
    [
        ("privacy_url", "http://sonne.example/datenschutz", "https://"),
        ("imprint_url", "http://sonne.example", "https://"),
        ("privacy_url", "kein link", "valid URL"),
        ("email", "daten", "valid email"),
        ("brand_color", "rot", "for example #0b5d46"),
        ("brand_color", "#12345", "for example #0b5d46"),
        ("brand_color", "#ffd400", "The nearest tone that does is #"),
        ("officer_email", "", "people have a right to write to them"),
        ("country", "XX", "not one of the available choices"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_remedy(
    alice: Client, bakery: Tenant, field: str, entered: str, remedy: str
) -> None:
    errors = refused(alice, **{field: entered})

    assert list(errors) == [field]
    assert remedy in errors[field]
    assert stored(bakery) is None


def test_all_that_is_wrong_is_said_at_once_in_german(alice: Client) -> None:
    alice.cookies["django_language"] = "de"

    errors = refused(alice, brand_color="#ffd400", privacy_url="http://sonne.example", email="daten")

    assert set(errors) == {"brand_color", "privacy_url", "email"}
    assert "Zu hell" in errors["brand_color"]
    assert "Beginnen Sie die Adresse mit https://" in errors["privacy_url"]


def test_an_address_without_a_scheme_and_a_short_colour_are_completed(alice: Client, bakery: Tenant) -> None:
    alice.post(URL, ENTERED | {"privacy_url": "sonne.example/datenschutz", "brand_color": "A0F"})

    company = stored(bakery)
    assert company is not None
    assert (company.privacy_url, company.brand_color) == ("https://sonne.example/datenschutz", "#aa00ff")


def test_the_colour_is_previewed_while_it_is_typed(alice: Client, bakery: Tenant) -> None:
    light = alice.post(URL, ENTERED | {"brand_color": "#ffd400"}, **HTMX)
    half = alice.post(URL, ENTERED | {"brand_color": "#f"}, **HTMX)

    assert light.status_code == 200
    assert 'fill="#ffd400"' in light.content.decode()
    assert "which is too little" in light.content.decode()
    assert 'fill="#0b5d46"' in half.content.decode()
    assert stored(bakery) is None


def test_who_may_only_read_sees_and_changes_nothing(
    alice: Client, bakery_made: NewTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PERMISSIONS, Role.LEGAL, PERMISSIONS[Role.LEGAL] - {"consent:write"})
    as_role(bakery_made, Role.LEGAL)

    page = shown(alice, URL)

    assert "disabled" in page
    assert ">Save<" not in page
    assert alice.post(URL, ENTERED).status_code == 403
    assert stored(bakery_made.tenant) is None


def test_who_renames_the_company_is_told_which_open_forms_are_closed_by_that(alice: Client, bakery: Tenant) -> None:
    published_form(bakery)
    kept = ENTERED | {"legal_name": "Bäckerei Sonne GmbH"}
    alice.cookies["django_language"] = "en"

    assert "closed to visitors now" not in alice.post(URL, kept, follow=True).content.decode()
    told = alice.post(URL, kept | {"legal_name": "Sonne Backwaren SE"}, follow=True).content.decode()

    assert "closed to visitors now; each says what to mend: Theke." in told


def test_an_analyst_has_no_business_there(alice: Client, bakery_made: NewTenant) -> None:
    as_role(bakery_made, Role.ANALYST)

    assert alice.get(URL).status_code == 403
    assert URL not in shown(alice, "/bakery/")


def test_each_company_has_its_own(alice: Client, bakery: Tenant, shop: Tenant) -> None:
    alice.post(URL, ENTERED)

    assert stored(shop) is None
    assert alice.get("/shop/company/").status_code == 404


# Colours


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ffffff", "#ffffff", 1.0),
        ("#ff0000", "#ffffff", 4.0),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert round(colors.contrast(one, other), 2) == ratio
    assert colors.contrast(one, other) == colors.contrast(other, one)


@pytest.mark.parametrize("color", ["#ffd400", "#777777", "#0b5d46", "#ff0000", "#ffffff", "#000000"])
def test_text_on_any_colour_can_be_read_and_a_darker_tone_is_seen(color: str) -> None:
    assert colors.contrast(colors.text_on(color), color) >= 4.5
    assert colors.contrast(colors.darkened(color), colors.WHITE) >= colors.LEAST
    colors.readable(colors.darkened(color))


@pytest.fixture
def old_data(bakery: Tenant) -> None:
    """A message of two years ago less a week that was clicked, and somebody who said yes then and did nothing since."""
    then = timezone.now() - timedelta(days=715)
    with tenant_scope(bakery):
        source = cast.source_of(bakery)
        [message] = cast.messages_of(source)
        cast.click(message, at=then)
        Source.objects.filter(pk=source.pk).update(state="closed", created_at=then)
        Message.objects.filter(pk=message.pk).update(created_at=then, queue=2, state=5, accepted_at=then)
        agree(bakery, person(bakery), occurred_at=then)


def test_a_shorter_period_says_first_what_goes_with_it_and_waits_for_a_yes(
    alice: Client, bakery: Tenant, old_data: None
) -> None:
    asked = alice.post(URL, {**ENTERED, "logo": picture()})

    page = " ".join(asked.content.decode().split())
    assert asked.status_code == 200
    for told in ("made anonymous: 1", "Clicks past their time, made anonymous: 1", "expired: 1", "cannot be undone"):
        assert told in page
    company = stored(bakery)
    assert company is not None
    # Everything else is saved already.
    assert (company.legal_name, company.message_months, company.silence_months) == ("Bäckerei Sonne GmbH", 24, 24)
    assert "/logo-" in shown(alice, URL)

    action = re.search(r'<form class="card" method="post" action="([^"]+)"', page)
    assert action
    hidden = dict(re.findall(r'type="hidden" name="(\w+_months)" value="(\d+)"', page))
    assert hidden == {"message_months": "18", "silence_months": "12"}
    assert "goes in the coming night" in alice.post(action[1], hidden, follow=True).content.decode()
    company = stored(bakery)
    assert company is not None
    assert (company.message_months, company.silence_months) == (18, 12)


def test_what_is_not_shorter_or_takes_nothing_with_it_is_not_asked_about(
    alice: Client, bakery: Tenant, old_data: None
) -> None:
    longest = {"message_months": "24", "silence_months": "24"}

    assert alice.post(URL, ENTERED | longest)["Location"] == URL

    with tenant_scope(bakery):
        Controller.objects.update(message_months=12, silence_months=12)
    assert alice.post(URL, ENTERED | longest)["Location"] == URL


def test_a_stored_period_that_is_no_choice_is_shown_and_kept(alice: Client, bakery: Tenant) -> None:
    alice.post(URL, ENTERED)
    with tenant_scope(bakery):
        Controller.objects.update(message_months=17, silence_months=5)

    page = shown(alice, URL)
    assert '<option value="17" selected>17 months</option>' in page
    alice.post(URL, ENTERED | {"message_months": "17", "silence_months": "5", "city": "Potsdam"})

    company = stored(bakery)
    assert company is not None
    assert (company.city, company.message_months, company.silence_months) == ("Potsdam", 17, 5)


def test_periods_are_changed_by_those_who_may_write_consent(
    alice: Client, bakery: Tenant, bakery_made: NewTenant
) -> None:
    as_role(bakery_made, Role.ANALYST)

    assert alice.post(f"{URL}periods/", {"message_months": 3, "silence_months": 3}).status_code == 403
    assert stored(bakery) is None
