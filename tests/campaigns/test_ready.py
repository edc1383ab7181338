"""What keeps a campaign from being launched, each named by the field that mends it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from django.utils.timezone import now

from campaigns import actions, queries
from campaigns.models import Campaign
from consent.actions import controllers
from contacts.models import Contact
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, states, stored
from tests.consent.factories import known
from tests.consent.imports import done
from tests.contacts.calls import Caller
from whatsapp.models import Account, Media, Number, Template


@pytest.fixture
def ready(bakery: Tenant) -> Campaign:
    return draft(bakery, factories.contacts(bakery, 2))


def refusal(api: Caller, campaign: Campaign) -> dict[str, list[str]]:
    """Why the launch was refused, by field; the campaign is a draft as before."""
    answer = api.post(f"campaigns/{campaign.uid}/launch/")
    assert answer.status_code == 400, answer.content
    assert stored(campaign).state == "draft"
    assert stored(campaign).source is None
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


def content(campaign: Campaign, **variables: Any) -> None:
    with tenant_scope(campaign.tenant):
        template = campaign.variants.get().template
        actions.set_content(
            campaign=campaign, by=None, template=template, variables={**factories.VARIABLES, **variables}
        )


def change_template(campaign: Campaign, **fields: Any) -> None:
    with tenant_scope(campaign.tenant):
        Template.objects.filter(tenant=campaign.tenant).update(**fields)


def change_number(campaign: Campaign, **fields: Any) -> None:
    with tenant_scope(campaign.tenant):
        Number.objects.filter(tenant=campaign.tenant).update(**fields)


def test_what_is_ready_is_launched(api: Caller, ready: Campaign) -> None:
    answer = api.post(f"campaigns/{ready.uid}/launch/")

    assert (answer.status_code, answer.json()["state"]) == (200, "running")
    assert answer.json()["launched_at"]


def test_everything_that_is_missing_is_named_at_once(api: Caller, bakery: Tenant) -> None:
    uid = api.post("campaigns/", {"name": "Leer"}).json()["uid"]

    answer = api.post(f"campaigns/{uid}/launch/")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"audience", "number", "template"}


def test_an_audience_that_nobody_chose(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        actions.set_audience(campaign=ready, by=None)

    assert set(refusal(api, ready)) == {"audience"}


def test_an_audience_in_which_nobody_may_be_reached(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 3, consent=False))

    errors = refusal(api, campaign)

    assert set(errors) == {"audience"}
    assert "3" in errors["audience"][0]


@pytest.mark.parametrize("status", sorted(set(Template.Status.values) - {"APPROVED"}))
def test_a_template_that_meta_would_refuse(api: Caller, ready: Campaign, status: str) -> None:
    change_template(ready, status=status)

    assert set(refusal(api, ready)) == {"template"}


def test_a_template_of_another_account_than_the_numbers(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        other = Account.objects.create(tenant=ready.tenant, waba_id="99", portfolio_id="99", token_encrypted="")
    change_template(ready, account=other)

    assert set(refusal(api, ready)) == {"template"}


def test_a_utility_template_for_marketing(api: Caller, ready: Campaign) -> None:
    change_template(ready, category="UTILITY")

    assert set(refusal(api, ready)) == {"template"}


def test_a_marketing_message_that_does_not_show_the_way_out(api: Caller, ready: Campaign) -> None:
    without = [part for part in factories.MARKETING_COMPONENTS if part["type"] != "FOOTER"]
    change_template(ready, components=without)

    assert set(refusal(api, ready)) == {"template"}


def parts(body: str, footer: str = "", *buttons: dict[str, Any]) -> list[dict[str, Any]]:
    """A template without variables."""
    made: list[dict[str, Any]] = [{"type": "BODY", "text": body}]
    made += [{"type": "FOOTER", "text": footer}] if footer else []
    return made + ([{"type": "BUTTONS", "buttons": list(buttons)}] if buttons else [])


SENDER = "Heute gibt es etwas Neues. Ihre Bäckerei Sonne"


@pytest.mark.parametrize(
    ("components", "is_shown"),
    [
        (parts(SENDER, "Abmelden: STOPP"), True),
        (parts(SENDER, "Antworte STOP, um nichts mehr zu bekommen"), True),
        (parts(SENDER, "Opt-out: reply STOP"), True),
        (parts(SENDER, "", {"type": "QUICK_REPLY", "text": "Abmelden"}), True),
        (parts(SENDER, "Unsubscribe any time"), True),
        (parts(f"Nonstop günstig. {SENDER}"), False),
        (parts(f"Non-stop günstig. {SENDER}"), False),
        (parts(f"Stoppen Sie den Hunger. {SENDER}"), False),
        (parts(f"Bis Ende November. {SENDER}"), False),
        (parts(SENDER, "Am Bus-Stop um die Ecke"), False),
    ],
)
def test_cg_23_the_way_out_is_a_word_that_somebody_can_send(
    ready: Campaign, components: list[dict[str, Any]], is_shown: bool
) -> None:
    change_template(ready, components=components)
    content(ready, header={}, body=[], buttons=[])

    with tenant_scope(ready.tenant):
        checks = {check.code: check for check in queries.preflight(ready)}
    assert checks["opt_out"].ok is is_shown
    assert "warning.sender" not in checks


@pytest.mark.parametrize(
    ("names", "body", "is_named"),
    [
        ({}, "Neu bei Bäckerei Sonne: Brot.", True),
        ({}, "Neu bei BÄCKEREI SONNE", True),
        ({}, "Neu in der Bäckerei", False),
        ({}, "Neu: Bäckerei Sonnenschein", False),
        ({"legal_name": "Sonne Backwaren GmbH & Co. KG"}, "Neu von Sonne Backwaren", True),
        ({"legal_name": "Sonne Backwaren GmbH & Co. KG"}, "Neu von Sonne Backwaren GmbH & Co. KG", True),
        ({"verified_name": "Sonne Berlin"}, "Neu von Sonne Berlin", True),
    ],
)
def test_cg_23_who_launches_is_warned_that_a_message_does_not_name_its_sender(
    ready: Campaign, names: dict[str, str], body: str, is_named: bool
) -> None:
    with tenant_scope(ready.tenant):
        controllers.update(tenant=ready.tenant, by=None, legal_name=names.get("legal_name", ""))
    change_number(ready, verified_name=names.get("verified_name", ""))
    change_template(ready, components=parts(f"{body} gibt es heute.", "Abmelden: STOPP"))
    content(ready, header={}, body=[], buttons=[])

    with tenant_scope(ready.tenant), translation.override("en"):
        checks = {check.code: check for check in queries.preflight(ready)}

    assert ("sender" in checks, "warning.sender" in checks) == (is_named, not is_named)
    if not is_named:
        assert "Bäckerei Sonne" in checks["warning.sender"].text
        assert "footer" in checks["warning.sender"].text


def test_a_fixed_text_may_name_the_sender(ready: Campaign) -> None:
    change_template(ready, components=parts("Neues von {{1}} für Sie.", "Abmelden: STOPP"))
    said = {"name": "1", "from": "text", "text": "Bäckerei Sonne"}
    content(ready, header={}, buttons=[], body=[said])
    with tenant_scope(ready.tenant):
        assert "warning.sender" not in {check.code for check in queries.preflight(ready)}

    content(ready, header={}, buttons=[], body=[{**said, "from": "first_name", "fallback": "Bäckerei Sonne"}])
    with tenant_scope(ready.tenant):
        assert "warning.sender" in {check.code for check in queries.preflight(ready)}


ORDER = "Ihre Bestellung ist unterwegs. Sie kostet 20 €, inkl. 19 % MwSt."
COUPON = {"type": "COPY_CODE", "text": "Code kopieren", "example": "SAVE20"}


@pytest.mark.parametrize(
    ("components", "body", "found"),
    [
        (parts(ORDER), [], []),
        (parts(f"{ORDER} Ihr Code für die Abholung: 4711"), [], []),
        (parts(ORDER, "", COUPON), [], ["COPY_CODE"]),
        (parts(f"{ORDER} Dazu ein Geburtstagsgutschein."), [], ["gutschein"]),
        (parts(f"{ORDER} Nächstes Mal 10 % Rabatt."), [], ["10 % Rabatt"]),
        (parts(ORDER, "10% off next time"), [], ["10% off"]),
        (
            parts(f"{ORDER} Ihr Code: {{{{1}}}}."),
            [{"name": "1", "from": "attribute:gutschein_code", "fallback": "-"}],
            ["gutschein_code"],
        ),
        (
            parts(f"{ORDER} Ihr Code: {{{{coupon}}}}."),
            [{"name": "coupon", "from": "text", "text": "HERBST"}],
            ["coupon"],
        ),
        (parts(f"{ORDER} {{{{1}}}} Danke."), [{"name": "1", "from": "text", "text": "5 € Rabatt!"}], ["Rabatt"]),
    ],
)
def test_cg_31_a_utility_template_with_a_voucher_goes_out_for_no_order(
    ready: Campaign, components: list[dict[str, Any]], body: list[dict[str, Any]], found: list[str]
) -> None:
    change_template(ready, category="UTILITY", components=components)
    content(ready, header={}, body=body, buttons=[])
    with tenant_scope(ready.tenant):
        Campaign.objects.filter(pk=ready.pk).update(purpose="transactional")
        ready.refresh_from_db()
        checks = [check for check in queries.preflight(ready) if check.code == "advertising"]
        tested = [check.code for check in queries.test_problems(ready, ready.variants.get())]

    assert [check.ok for check in checks] == [False] * bool(found)
    assert ("advertising" in tested) is bool(found)
    assert all(f"({', '.join(found)})" in check.text for check in checks)


@pytest.mark.parametrize(
    "variables",
    [
        {"body": []},
        {"body": factories.VARIABLES["body"][:1]},  # type: ignore[index]
        {"body": [*factories.VARIABLES["body"], {"name": "3", "from": "text", "text": "x"}]},  # type: ignore[misc]
        {"body": [{"name": "1", "from": "first_name"}, {"name": "2", "from": "text", "text": "Sonntag"}]},
        {"body": [{"name": "1", "from": "text", "text": "Ada"}, {"name": "2", "from": "text", "text": ""}]},
        {"header": {}},
        {"header": {"kind": "image"}},
        {"header": {"kind": "image", "media": "3f2b1c9e-8d21-4a6b-9c55-1f0a3b7d9e10"}},
        {"buttons": []},
        {"buttons": [{"index": 0, "kind": "url", "url": ""}]},
        {"buttons": [{"index": 0, "kind": "url", "url": "javascript:alert(1)"}]},
        {"buttons": [{"index": 1, "kind": "url", "url": "https://shop.example"}]},
    ],
)
def test_a_variable_that_is_missing_unknown_or_without_a_fallback(
    api: Caller, ready: Campaign, variables: dict[str, Any]
) -> None:
    content(ready, **variables)

    assert set(refusal(api, ready)) == {"variables"}


def test_an_uploaded_picture_is_as_good_as_a_link(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        media = Media.objects.create(
            tenant=ready.tenant,
            number=ready.number,
            file="bild.jpg",
            filename="bild.jpg",
            mime_type="image/jpeg",
            sha256="0" * 64,
            meta_id="4711",
            expires_at=now() + timedelta(days=1),
        )
    content(ready, header={"kind": "image", "media": str(media.uid)})

    assert api.post(f"campaigns/{ready.uid}/launch/").status_code == 200


def test_no_number(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        Campaign.objects.filter(pk=ready.pk).update(number=None)

    assert set(refusal(api, ready)) == {"number"}


def test_a_number_that_meta_gives_no_quota(api: Caller, ready: Campaign) -> None:
    change_number(ready, daily_limit=0)

    assert set(refusal(api, ready)) == {"number"}


def test_a_limit_below_the_audience_is_a_warning_and_no_obstacle(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        reachable = queries.estimate(ready).reachable
    change_number(ready, daily_limit=1)

    with tenant_scope(ready.tenant):
        ready.refresh_from_db()
        checks = {check.code: check for check in queries.preflight(ready, queries.estimate(ready))}

    assert reachable > 1
    assert checks["warning.daily_limit"].ok
    assert str(reachable - 1) in checks["warning.daily_limit"].text
    assert api.post(f"campaigns/{ready.uid}/launch/").status_code == 200


@pytest.mark.parametrize("code", [131048, -24])
def test_a_paused_number(api: Caller, ready: Campaign, code: int) -> None:
    change_number(ready, paused_until=now() + timedelta(hours=1), pause_code=code, daily_limit=250)

    assert set(refusal(api, ready)) == {"number"}
    change_number(ready, paused_until=now() - timedelta(seconds=1))
    assert api.post(f"campaigns/{ready.uid}/launch/").status_code == 200


def test_a_stopped_account(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        Account.objects.filter(tenant=ready.tenant).update(paused_at=now(), pause_code=190)

    errors = refusal(api, ready)

    assert set(errors) == {"number"}
    assert "190" in errors["number"][0]


def test_a_refused_launch_leaves_no_message(api: Caller, ready: Campaign) -> None:
    change_number(ready, daily_limit=0)

    refusal(api, ready)

    assert states(ready) == {}


def test_a_test_message_goes_to_one_contact_from_a_draft(api: Caller, ready: Campaign) -> None:
    person = factories.contacts(ready.tenant, 1, start=50)[0]

    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid)})

    assert answer.status_code == 202
    with tenant_scope(ready.tenant):
        message = person.messages.select_related("source__number").get()  # type: ignore[attr-defined]
    assert (message.source.kind, message.source.number_id, message.state) == ("test", ready.number_id, 0)
    assert stored(ready).state == "draft"


@pytest.mark.parametrize(
    ("given", "field"),
    [({"variant": 7}, "variant"), ({"variant": -1}, "variant"), ({"contact": "x"}, "contact"), ({"to": "x"}, "to")],
)
def test_a_test_of_something_unknown_is_refused(
    api: Caller, ready: Campaign, given: dict[str, Any], field: str
) -> None:
    person = factories.contacts(ready.tenant, 1, start=50)[0]

    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid), **given})

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_a_test_of_an_unapproved_template_or_without_values_is_refused(api: Caller, ready: Campaign) -> None:
    person = factories.contacts(ready.tenant, 1, start=50)[0]
    content(ready, body=[])
    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid)})
    assert set(answer.json()["errors"]) == {"variables"}

    change_template(ready, status="PAUSED")
    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid)})
    assert set(answer.json()["errors"]) == {"template"}


def test_the_one_who_can_be_reached_is_found_behind_a_thousand_who_cannot(api: Caller, bakery: Tenant) -> None:
    before = factories.contacts(bakery, 1100, consent=False)
    one = factories.contacts(bakery, 1, start=1100)
    after = factories.contacts(bakery, 1100, consent=False, start=1101)
    campaign = draft(bakery, [*before, *one, *after])

    assert api.post(f"campaigns/{campaign.uid}/launch/").status_code == 200


PROVEN = (
    "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
    "0151 23456780;01.02.2025;Ladenformular;Ja, per WhatsApp von der Bäckerei Sonne.;Blatt 1\n"
)
NOTICE = "https://sonne.example/datenschutz"


def warnings(campaign: Campaign) -> list[str]:
    """What the page before the launch warns of."""
    with tenant_scope(campaign.tenant):
        found = queries.preflight(campaign, queries.estimate(campaign))
    assert all(check.ok for check in found), found
    return [check.code for check in found if check.code.startswith("warning.")]


@pytest.fixture
def to_imported(bakery: Tenant, settings: Any, tmp_path: Any) -> Campaign:
    """A campaign to somebody whose yes came with a file; the company has a privacy notice."""
    settings.MEDIA_ROOT = str(tmp_path)
    done(bakery, PROVEN)
    with tenant_scope(bakery):
        known(bakery, privacy_url=NOTICE)
        people = list(Contact.objects.all())
    return draft(bakery, people)


def test_art_14_the_first_message_to_people_of_an_import_must_lead_to_the_notice(to_imported: Campaign) -> None:
    assert warnings(to_imported) == ["warning.notice"]

    with tenant_scope(to_imported.tenant):
        parts = [{"type": "FOOTER", "text": f"STOPP beendet. {NOTICE}"}]
        without = [part for part in factories.MARKETING_COMPONENTS if part["type"] != "FOOTER"]
        Template.objects.filter(tenant=to_imported.tenant).update(components=[*without, *parts])

    assert warnings(to_imported) == []


def test_who_was_written_to_already_has_had_their_first_message(to_imported: Campaign, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        people = list(Contact.objects.all())
        source = factories.source(bakery.numbers.get(), people, made_template=bakery.templates.get())
        Message.objects.filter(source=source).update(accepted_at=now(), queue=2, state=4)

    assert warnings(to_imported) == []


def test_who_signed_up_themselves_needs_no_such_notice(ready: Campaign) -> None:
    assert warnings(ready) == []
