"""Reports and the home screen: numbers that reconcile, from a bounded number of queries."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from analytics import queries
from analytics.queries import people
from analytics.queries.people import Recipient
from campaigns.models import Campaign
from consent.models import ConsentState
from contacts.models import Contact, Import
from messaging.models import Click, Content, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics.cast import (
    NOON,
    State,
    campaign_of,
    click,
    link_of,
    measured,
    messages_of,
    number_of,
    order,
    reached,
    refund,
    source_of,
)
from whatsapp.models import Account, Number, Template

pytestmark = pytest.mark.django_db
DAY = NOON.date()


@pytest.fixture
def campaign(in_bakery: Tenant) -> Campaign:
    """Ten recipients: one skipped, one refused by Meta, one still waiting, seven delivered of whom four read."""
    campaign = campaign_of(in_bakery)
    messages = measured(messages_of(campaign.source, 10))
    Message.objects.filter(pk=messages[0].pk).update(state=State.SKIPPED, reason="no_consent")
    Message.objects.filter(pk=messages[1].pk).update(
        state=State.FAILED, error_code=131026, accepted_at=NOON, failed_at=NOON
    )
    reached(messages[3:], "accepted", "sent", "delivered")
    reached(messages[3:7], "read", at=NOON + timedelta(hours=1))
    click(messages[3], at=NOON + timedelta(minutes=30))
    order(messages[3], "50", order_id="A1")
    refund(messages[3], "20", "A1")
    return campaign


def test_a_report_accounts_for_every_recipient(campaign: Campaign) -> None:
    report = queries.report(campaign)

    assert report.audience == sum(report.states.values()) == Message.objects.count() == 10
    assert {state: count for state, count in report.states.items() if count} == {
        "queued": 1, "delivered": 3, "read": 4, "failed": 1, "skipped": 1,
    }  # fmt: skip


def test_a_reports_kpis_follow_the_definitions(campaign: Campaign) -> None:
    values = {key: kpi.value for key, kpi in queries.report(campaign).kpis.items()}

    assert values["delivery_rate"] == Decimal("0.875")
    assert values["read_rate"] == Decimal("0.571429")
    assert values["click_rate"] == values["conversion_rate"] == Decimal("0.142857")
    assert (values["orders"], values["revenue"]) == (1, 30)
    assert values["revenue_per_message"] == Decimal("4.285714")


def test_the_funnel_goes_from_the_audience_to_orders(campaign: Campaign) -> None:
    funnel = queries.report(campaign).funnel

    assert [(step.key, step.messages) for step in funnel] == [
        ("audience", 10), ("reachable", 9), ("accepted", 8), ("delivered", 7),
        ("read", 4), ("clicked", 1), ("ordered", 1),
    ]  # fmt: skip
    assert (funnel[0].share_of_previous, funnel[3].share) == (None, Decimal("0.7"))


def test_exclusions_are_told_apart_by_reason(campaign: Campaign) -> None:
    messages_of(campaign.source, 2, state=State.SKIPPED, reason="withdrawn")
    messages_of(campaign.source, 1, state=State.CANCELLED, reason="campaign_cancelled")

    with translation.override("en"):
        exclusions = queries.report(campaign).exclusions

    assert [(e.state, e.reason, e.label, e.messages) for e in exclusions] == [
        ("skipped", "withdrawn", "Opted out", 2),
        ("skipped", "no_consent", "No opt-in", 1),
        ("cancelled", "campaign_cancelled", "Campaign cancelled", 1),
    ]


def test_who_stopped_marketing_at_whatsapp_was_reachable_and_got_nothing(campaign: Campaign) -> None:
    messages_of(
        campaign.source, 1, state=State.SKIPPED, reason="meta_stop", error_code=131050, accepted_at=NOON, failed_at=NOON
    )

    report = queries.report(campaign)

    assert [step.messages for step in report.funnel[:3]] == [11, 10, 9]
    assert ("meta_stop", 1) in [(exclusion.reason, exclusion.messages) for exclusion in report.exclusions]
    assert {failure.error_code for failure in report.failures} == {131026}


def test_the_waterfall_and_the_states_add_up(campaign: Campaign) -> None:
    for code in (None, 131050):
        messages_of(campaign.source, 2, state=State.SKIPPED, reason="meta_stop", error_code=code)

    report = queries.report(campaign)

    never = sum(count for state, count in report.states.items() if state in ("skipped", "cancelled", "expired"))
    assert sum(exclusion.messages for exclusion in report.exclusions) == never
    assert report.written_to == report.audience - never
    assert [e.messages for e in report.exclusions if e.reason == "meta_stop"] == [4]


@pytest.mark.parametrize(("language", "word"), [("de", "Nachricht"), ("en", "message")])
def test_failures_say_what_they_mean_and_what_to_do(campaign: Campaign, language: str, word: str) -> None:
    with translation.override(language):
        failure = queries.report(campaign).failures[0]

    assert (failure.error_code, failure.messages) == (131026, 1)
    assert word in failure.meaning + failure.remedy
    assert failure.remedy


def test_an_unclear_outcome_without_code_is_explained_by_its_reason(campaign: Campaign) -> None:
    messages_of(campaign.source, 1, state=State.UNCERTAIN, reason="no_answer")

    with translation.override("en"):
        meanings = {f.state: f.meaning for f in queries.report(campaign).failures}

    assert meanings["uncertain"] == "Meta did not answer; the outcome is being clarified"


def test_each_variant_has_its_own_counts_and_template(campaign: Campaign) -> None:
    template = Template.objects.get()
    Content.objects.create(tenant=campaign.tenant, source=campaign.source, variant=1, template=template)
    Content.objects.create(tenant=campaign.tenant, source=campaign.source, variant=2, template=template)
    reached(messages_of(campaign.source, 2, variant=1), "accepted")

    variants = queries.report(campaign).variants

    assert [(v.letter, v.counts.audience, v.counts.accepted) for v in variants] == [
        ("A", 10, 8),
        ("B", 2, 2),
        ("C", 0, 0),
    ]
    assert variants[0].template == "summer (de)"
    assert variants[2].kpis["read_rate"].value is None


def test_hours_show_when_things_happened(campaign: Campaign) -> None:
    first, second = queries.report(campaign).hours

    assert (first.hour, first.delivered, first.read, first.clicked, first.failed) == (NOON, 7, 0, 1, 1)
    assert (second.read, second.orders, second.revenue) == (4, 1, 30)


def test_links_show_clicks_people_and_anonymous_clicks(campaign: Campaign) -> None:
    link = campaign.source.links.get()
    message = Message.objects.filter(clicked_at__isnull=False).get()
    click(message, at=NOON + timedelta(hours=2))
    click(message, is_counted=False)
    Click.objects.create(tenant=campaign.tenant, link=link, source=campaign.source, at=NOON, is_counted=True)
    link_of(campaign.source)

    links = queries.report(campaign).links

    shown = [(each.clicks, each.people, each.anonymous) for each in links]
    assert (links[0].uid, shown) == (link.uid, [(3, 1, 1), (0, 0, 0)])


def test_timing_tells_rate_wait_and_expected_end(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    messages = messages_of(campaign.source, 100)
    for minute in range(5):
        reached(messages[minute * 10 : minute * 10 + 10], "accepted", at=NOON + timedelta(minutes=minute))

    timing = queries.report(campaign, at=NOON).timing

    assert (timing.first_accepted_at, timing.last_accepted_at) == (NOON, NOON + timedelta(minutes=4))
    assert timing.median_wait == timedelta(minutes=2)
    assert timing.per_minute == Decimal("12.5")
    assert timing.ends_at == NOON + timedelta(minutes=4)


def test_a_paused_campaign_has_no_expected_end(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    messages = messages_of(campaign.source, 3)
    reached(messages[:1], "accepted")
    reached(messages[1:2], "accepted", at=NOON + timedelta(minutes=1))
    Source.objects.update(state="paused")

    assert queries.report(Campaign.objects.get()).timing.ends_at is None


def test_a_draft_reports_zeros(in_bakery: Tenant) -> None:
    campaign = Campaign.objects.create(tenant=in_bakery, name="Entwurf")

    report = queries.report(campaign)

    assert (report.audience, report.hours, report.links, report.timing.median_wait) == (0, [], [], None)
    assert report.kpis["read_rate"].value is None


def test_a_report_costs_the_same_for_any_audience(
    campaign: Campaign, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    messages_of(campaign.source, 50, variant=1, state=State.FAILED, error_code=131049)

    campaign = Campaign.objects.select_related("number__account").get()
    with django_assert_num_queries(10):
        queries.report(campaign)


def test_a_report_shows_nothing_of_another_tenant(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        campaign = campaign_of(bakery)
        messages_of(campaign.source, 3)

    with tenant_scope(shop):
        assert queries.report(campaign).audience == 0
        assert queries.overview(shop, DAY, DAY).running == []


def test_recipients_are_found_by_state_reason_code_and_step(campaign: Campaign) -> None:
    def count(**filters: object) -> int:
        return queries.recipients(campaign, **filters).count()

    assert count() == 10
    assert (count(state="read"), count(state="delivered"), count(reached="delivered")) == (4, 3, 7)
    assert (count(reason="no_consent"), count(error_code=131026)) == (1, 1)


@pytest.mark.parametrize("few", [0, 5000])
def test_cg_36_who_is_not_measured_counts_as_delivered_in_the_list_of_people(
    campaign: Campaign, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "FEW", few)
    reader = Message.objects.filter(state=State.READ).order_by("contact_id")[1]
    ConsentState.objects.filter(subject_id=reader.contact.subject_id).update(valid_until=NOON)

    def found(**filters: object) -> list[Recipient]:
        return queries.shown(queries.recipients(campaign, **filters))

    assert (len(found(state="read")), len(found(reached="read")), len(found(state="delivered"))) == (3, 3, 4)
    assert [(r.state, r.read_at) for r in found() if r.contact_uid == reader.contact.uid] == [("delivered", None)]
    assert {r.state for r in found(state="delivered")} == {"delivered"}
    assert queries.report(campaign).counts.read == 4


def test_of_a_large_campaign_the_first_readers_are_asked_whether_they_are_measured(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def found(looked_at: int) -> tuple[int, bool]:
        monkeypatch.setattr(people, "LOOKED_AT", looked_at)
        rows, has_more = queries.first_recipients(campaign, reached="read")
        # Once, though a page counts them and shows some.
        with django_assert_num_queries(2) as asked:
            assert list(rows) == list(rows.all())
        assert ConsentState._meta.db_table not in str(asked.captured_queries)
        assert list(rows) == list(queries.recipients(campaign, reached="read"))[: len(rows)]
        return rows.count(), has_more

    assert [found(2), found(4)] == [(2, True), (4, False)]


def test_a_recipient_is_shown_with_reason_and_masked_phone(campaign: Campaign) -> None:
    with translation.override("en"):
        skipped = queries.shown(queries.recipients(campaign, state="skipped"))[0]

    assert (skipped.state, skipped.reason_text, skipped.name) == ("skipped", "No opt-in", "Person 0")
    assert skipped.phone == "…0000"


def test_an_erased_recipient_stays_in_the_list_without_a_name(campaign: Campaign) -> None:
    Contact.objects.get(pk=Message.objects.get(state=State.SKIPPED).contact_id).delete()

    shown = queries.shown(queries.recipients(campaign, state="skipped"))

    assert [(each.contact_uid, each.name, each.phone) for each in shown] == [(None, "", "")]


def test_the_overview_counts_a_period_and_compares_it_with_the_one_before(campaign: Campaign) -> None:
    earlier = messages_of(campaign.source, 5)
    reached(earlier, "accepted", "sent", "delivered", at=NOON - timedelta(days=2))

    overview = queries.overview(campaign.tenant, DAY - timedelta(days=1), DAY)

    assert (overview.current.counts.sent, overview.previous.counts.sent) == (7, 5)
    assert [(day.date.day, day.counts.sent, day.counts.revenue) for day in overview.current.days] == [
        ((DAY - timedelta(days=1)).day, 0, 0), (DAY.day, 7, 30),
    ]  # fmt: skip
    assert overview.changes["sent"] == Decimal("0.4")
    assert overview.changes["delivery_rate"] == Decimal("-0.125")
    assert overview.changes["read_rate"] == Decimal("0.571429")
    assert overview.changes["revenue"] is None


def test_days_are_those_of_the_tenants_time_zone(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    reached(messages_of(campaign.source, 1), "accepted", "sent", at=datetime.fromisoformat("2026-09-01T22:30+00:00"))

    overview = queries.overview(in_bakery, date(2026, 9, 2), date(2026, 9, 2))

    assert overview.current.counts.sent == 1


def test_tests_and_replies_stay_out_of_the_overview(in_bakery: Tenant) -> None:
    for kind in ("test", "reply"):
        reached(messages_of(source_of(in_bakery, kind=kind), 1), "accepted", "sent")

    assert queries.overview(in_bakery, DAY, DAY).current.counts.sent == 0


def test_the_overview_lists_running_campaigns_with_their_progress(campaign: Campaign, in_bakery: Tenant) -> None:
    campaign_of(in_bakery, source_of(in_bakery, "Alt"), state="finished")

    running = queries.overview(in_bakery, DAY, DAY).running

    assert [(each.campaign.name, each.counts.audience, each.counts.open) for each in running] == [("Sommer", 10, 1)]


def test_the_overview_names_what_needs_attention(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery, launched_at=datetime.now().astimezone())
    messages_of(campaign.source, 2, state=State.UNCERTAIN)
    Account.objects.update(paused_at=NOON, pause_code=131042)
    Number.objects.update(quality="RED")
    Source.objects.update(state="paused", pause_code=132015)
    Template.objects.update(status="PAUSED")

    with translation.override("en"):
        found = {each.kind: each for each in queries.overview(in_bakery, DAY, DAY).attention}

    assert list(found) == ["account", "number", "campaign", "template", "uncertain"]
    assert (found["number"].level, found["template"].level) == ("danger", "warning")
    assert found["campaign"].uid == found["uncertain"].uid == campaign.uid
    assert found["account"].remedy
    assert found["uncertain"].text == "The outcome of 2 messages is unclear."
    assert found["template"].text == "This template is paused."


def test_a_healthy_workspace_needs_no_attention(campaign: Campaign, in_bakery: Tenant) -> None:
    Number.objects.filter(pk=number_of(in_bakery).pk).update(quality="GREEN")

    assert queries.overview(in_bakery, DAY, DAY).attention == []


def test_art_14_an_import_whose_month_is_nearly_over_needs_attention_until_somebody_has_told_the_people(
    in_bakery: Tenant,
) -> None:
    def imported(name: str, days: int, **fields: Any) -> Import:
        at = datetime.now().astimezone() - timedelta(days=days)
        fields = {"brought_at": at} | fields
        return Import.objects.create(tenant=in_bakery, filename=name, **fields)

    imported("new.csv", 19)
    imported("nobody.csv", 25, brought_at=None)
    imported("known.csv", 25, informed_at=NOON)
    imported("old.csv", 91)
    late, over = imported("late.csv", 21), imported("over.csv", 40)

    with translation.override("en"):
        found = queries.overview(in_bakery, DAY, DAY).attention

    assert [(each.kind, each.uid, each.name) for each in found] == [
        ("import", over.uid, "over.csv"),
        ("import", late.uid, "late.csv"),
    ]
    assert [each.text.split()[0] for each in found] == ["The", "By"]
    assert "brought on" in found[0].text


def test_a_number_at_its_daily_limit_says_so(in_bakery: Tenant) -> None:
    number_of(in_bakery)
    later = datetime.now().astimezone() + timedelta(hours=1)
    Number.objects.update(paused_until=later, pause_code=-24)

    with translation.override("en"):
        (found,) = queries.overview(in_bakery, DAY, DAY).attention

    assert (found.kind, found.text) == ("number", "Limit of people per 24 hours reached")


def test_the_overview_costs_the_same_for_any_number_of_campaigns(
    campaign: Campaign, in_bakery: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("A", "B", "C"):
        messages_of(campaign_of(in_bakery, source_of(in_bakery, name)).source, 2)

    with django_assert_num_queries(16):
        queries.overview(in_bakery, DAY - timedelta(days=29), DAY)
