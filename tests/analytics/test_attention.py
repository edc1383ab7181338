"""What the overview asks somebody to look at, before people notice."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.timezone import now

from analytics import queries
from consent.actions import signup_forms, vouchers
from consent.models import Controller, SignupForm
from contacts.models import Import
from tenants.actions import NewTenant
from tenants.models import Tenant
from tests.analytics.cast import NOON, State, campaign_of, messages_of, source_of
from tests.consent.factories import open_form, published

DAY = NOON.date()


def test_a_form_that_runs_out_of_voucher_codes_needs_attention_early(in_bakery: Tenant) -> None:
    version = published(in_bakery, covers=[["whatsapp", "marketing"]])
    benefit = {"benefit": "5 €", "benefit_terms": "Ab 20 €."}
    names = ("full", "low", "empty")
    forms = {name: open_form(in_bakery, version, name=name, slug=name, **benefit) for name in names}
    open_form(in_bakery, version, name="raffle", slug="raffle", **benefit, without_code=True)
    open_form(in_bakery, version, name="plain", slug="plain")
    vouchers.add(form=forms["full"], codes=[f"A{n}" for n in range(20)], by=None)
    vouchers.add(form=forms["low"], codes=[f"A{n}" for n in range(19)], by=None)

    with translation.override("en"):
        found = queries.overview(in_bakery, DAY, DAY).attention

    assert [(each.kind, each.name, each.uid) for each in found] == [
        ("signup_form", "empty", forms["empty"].uid),
        ("signup_form", "low", forms["low"].uid),
    ]
    assert found[0].text.startswith("No voucher code is left")
    assert found[1].text == "Only 19 voucher codes are left."
    signup_forms.close(form=forms["low"], by=None)
    assert len(queries.overview(in_bakery, DAY, DAY).attention) == 1


@pytest.mark.parametrize("launched_at", [NOON, None])
def test_the_warning_leads_to_the_form(
    in_bakery: Tenant, client: Client, bakery_made: NewTenant, launched_at: datetime | None
) -> None:
    """Also before the first campaign, when the overview says how to begin."""
    benefit = {"benefit": "5 €", "benefit_terms": "Ab 20 €."}
    campaign_of(in_bakery, launched_at=launched_at)
    form = open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]), **benefit)
    client.force_login(bakery_made.owner)

    assert f'<a href="/bakery/signups/{form.uid}/">Theke</a>' in client.get("/bakery/").content.decode()


def test_art_14_who_has_never_sent_a_campaign_reads_by_when_the_people_of_an_import_have_to_know(
    in_bakery: Tenant, client: Client, bakery_made: NewTenant
) -> None:
    imported = Import.objects.create(tenant=in_bakery, filename="kunden.csv", brought_at=now() - timedelta(days=24))
    client.force_login(bakery_made.owner)
    address = f"/bakery/imports/{imported.uid}/"
    assert f'<a href="{address}">kunden.csv</a>' in client.get("/bakery/").content.decode()

    client.post(f"{address}informed/")

    assert "kunden.csv" not in client.get("/bakery/").content.decode()


@pytest.mark.parametrize(
    ("lost", "told"),
    [("imprint_url", "address of the imprint"), ("privacy_url", "address of the privacy notice")],
)
def test_an_open_form_that_a_duty_closes_to_visitors_needs_attention_and_says_what_mends_it(
    in_bakery: Tenant, lost: str, told: str
) -> None:
    form = open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]))
    fair = published(in_bakery, name="Messe", covers=[["whatsapp", "marketing"]])
    more = published(in_bakery, name="Mehr", covers=[["whatsapp", "survey"]])
    open_form(in_bakery, fair, name="Messe", slug="messe", extra_wording=more.wording)
    over = published(in_bakery, name="Alt", covers=[["whatsapp", "marketing"]])
    signup_forms.close(form=open_form(in_bakery, over, name="Alt", slug="alt"), by=None)
    with translation.override("en"):
        assert queries.overview(in_bakery, DAY, DAY).attention == []
        Controller.objects.update(**{lost: ""})
        found = queries.overview(in_bakery, DAY, DAY).attention

    assert [(each.kind, each.name) for each in found] == [("signup_form", "Messe"), ("signup_form", form.name)]
    assert found[1].uid == form.uid
    assert "closed to visitors" in found[1].text
    assert told in found[1].remedy


def test_an_open_form_that_promises_a_benefit_above_its_text_needs_attention_until_somebody_answers_for_the_words(
    in_bakery: Tenant,
) -> None:
    form = open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]))
    SignupForm.objects.update(headline="Jeden Freitag 20 % Rabatt")
    with translation.override("en"):
        [found] = queries.overview(in_bakery, DAY, DAY).attention

    assert (found.kind, found.uid, found.level) == ("signup_form", form.uid, "warning")
    assert "promises a benefit above what people agree to" in found.text
    assert "“20 % Rabatt” in “Headline”" in found.remedy
    signup_forms.update(form=form, by=None, promises_nothing=["20 % Rabatt"])
    assert queries.overview(in_bakery, DAY, DAY).attention == []


def test_looking_for_closed_forms_asks_no_more_where_there_are_more_forms(in_bakery: Tenant) -> None:
    asked = []
    for name in ("Theke", "Messe", "Markt"):
        version = published(in_bakery, name=name, covers=[["whatsapp", "marketing"]])
        open_form(in_bakery, version, name=name, slug=name.lower())
        Controller.objects.update(imprint_url="")
        with CaptureQueriesContext(connection) as statements:
            assert queries.overview(in_bakery, DAY, DAY).attention[-1].remedy
        asked.append(len(statements))

    assert len(set(asked)) == 1


def test_of_campaigns_with_as_many_unclear_messages_the_newest_come_first(in_bakery: Tenant) -> None:
    made = [campaign_of(in_bakery, source_of(in_bakery, name), launched_at=now()) for name in ("A", "B", "C", "D")]
    for campaign in (made[2], made[0], made[3], made[1]):
        messages_of(campaign.source, 1, state=State.UNCERTAIN)

    found = queries.overview(in_bakery, DAY, DAY).attention

    assert [each.name for each in found if each.kind == "uncertain"] == ["D", "C", "B", "A"]
