"""Everything the report of one campaign shows, from KPI rows only: its cost does not grow with the audience."""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q
from django.utils.timezone import now
from django.utils.translation import get_language, gettext

from analytics.kpi import Counts, Kpi, measure, ratio, total
from analytics.queries import costs as costing
from analytics.queries.attention import Attention, standstill
from analytics.queries.costs import Costs
from analytics.queries.sums import Hour, Reason, VariantSum, by_hour, by_reason, by_variant
from analytics.queries.timing import Timing, timing
from campaigns import warning
from campaigns.models import Campaign
from messaging import reasons
from messaging.models import Content, Link, Message
from tenants.replica import report_scope
from whatsapp.errors import rule_for

# So long after its end nobody watches a campaign any more, and a replica has long seen its end: one that is further
# behind than `replica.BEHIND`, which is less, is not read.
WATCHED_FOR = timedelta(hours=1)
NEVER_SENT = (Message.State.SKIPPED, Message.State.CANCELLED, Message.State.EXPIRED)


@dataclass(frozen=True)
class Exclusion:
    """A group of the audience that got no message, and why; `reason` is empty where the state says it all."""

    state: str
    reason: str
    label: str
    messages: int


@dataclass(frozen=True)
class Step:
    """One step of the funnel; `share` of the audience and of the step before, None if there is nothing to divide."""

    key: str
    name: str
    messages: int
    share: Decimal | None
    share_of_previous: Decimal | None


@dataclass(frozen=True)
class Failure:
    """Messages that Meta refused or whose outcome is unknown, with what it means and what to do about it."""

    state: str
    error_code: int
    reason: str
    messages: int
    meaning: str
    remedy: str


@dataclass(frozen=True)
class VariantReport:
    """One variant with its counts and KPIs; `letter` is A, B, …"""

    number: int
    letter: str
    template: str
    counts: Counts
    kpis: dict[str, Kpi]


@dataclass(frozen=True)
class LinkReport:
    """A tracked link: counted clicks, the people known to have clicked, and clicks of people who are not tracked."""

    uid: UUID
    label: str
    url: str
    variant: int
    clicks: int
    people: int
    anonymous: int


@dataclass(frozen=True)
class Report:
    """A campaign in numbers. `counts.audience` equals the sum of `counts.states`; money is in `currency`."""

    campaign: Campaign
    currency: str
    counts: Counts
    kpis: dict[str, Kpi]
    exclusions: list[Exclusion]
    waiting: Attention | None
    warned: list[str]
    funnel: list[Step]
    failures: list[Failure]
    variants: list[VariantReport]
    hours: list[Hour]
    timing: Timing
    links: list[LinkReport]
    costs: Costs

    @property
    def audience(self) -> int:
        return self.counts.audience

    @property
    def written_to(self) -> int:
        """The audience without those who got nothing."""
        return self.audience - sum(exclusion.messages for exclusion in self.exclusions)

    @property
    def states(self) -> dict[str, int]:
        return self.counts.states


def report(campaign: Campaign, *, at: datetime | None = None) -> Report:
    """The report of a campaign, a draft's being all zeros and n/a; needs the tenant's scope.

    `at` is the moment from which the end is forecast, now by default. At most ten queries.
    """
    at = at or now()
    is_over = campaign.finished_at is not None and campaign.finished_at < at - WATCHED_FOR
    with report_scope(campaign.tenant) if is_over else nullcontext():
        return _report(campaign, at)


def _report(campaign: Campaign, at: datetime) -> Report:
    tenant_id, source_id, currency = campaign.tenant_id, campaign.source_id, campaign.tenant.currency
    variants = by_variant(tenant_id, source_id) if source_id else []
    costs = costing.of_campaign(campaign)
    why = by_reason(tenant_id, source_id) if source_id else []
    counts = costs.added_to(total(variant.counts for variant in variants), costs.total, currency)
    return Report(
        campaign=campaign,
        currency=currency,
        counts=counts,
        kpis=measure(counts),
        exclusions=_exclusions(why),
        waiting=standstill(campaign),
        warned=warning.texts(campaign.warned),
        funnel=_funnel(counts, sum(reason.messages for reason in why if _was_unreachable(reason))),
        failures=[_failure(reason) for reason in why if reason.state not in NEVER_SENT],
        variants=_variants(campaign, variants, costs) if source_id else [],
        hours=by_hour(tenant_id, source_id) if source_id else [],
        timing=timing(campaign, variants, counts, at=at),
        links=_links(campaign) if source_id else [],
        costs=costs,
    )


def _was_unreachable(reason: Reason) -> bool:
    # Skipped with an error code means that only Meta knew, e.g. 131050: the person stopped our marketing there.
    return reason.state == Message.State.SKIPPED and not reason.error_code


def _exclusions(why: Sequence[Reason]) -> list[Exclusion]:
    """Everybody who was never sent to, by state and reason, largest first."""
    people: Counter[tuple[Message.State, str]] = Counter()
    for reason in why:
        if reason.state in NEVER_SENT:
            people[reason.state, reason.reason] += reason.messages
    return [
        Exclusion(state.name.lower(), reason, reasons.label(reason) if reason else str(state.label), messages)
        for (state, reason), messages in people.most_common()
    ]


def _failure(reason: Reason) -> Failure:
    meaning, remedy = (reasons.label(reason.reason) if reason.reason else str(reason.state.label)), ""
    if reason.error_code:
        meaning, remedy = meaning_of(reason.error_code)
    return Failure(reason.state.name.lower(), reason.error_code, reason.reason, reason.messages, meaning, remedy)


def meaning_of(error_code: int) -> tuple[str, str]:
    """What a code of Meta's means and what to do about it, in the active language."""
    return rule_for(error_code).sentences(get_language() or "")


def _funnel(counts: Counts, excluded: int) -> list[Step]:
    steps = (
        ("audience", gettext("Audience"), counts.audience),
        ("reachable", gettext("Reachable"), counts.audience - excluded),
        ("accepted", gettext("Accepted by WhatsApp"), counts.accepted),
        ("delivered", gettext("Delivered"), counts.delivered),
        ("read", gettext("Read"), counts.read),
        ("clicked", gettext("Clicked"), counts.clicked),
        ("ordered", gettext("Ordered"), counts.converted),
    )
    before = (0, *(messages for _, _, messages in steps))
    return [
        Step(key, name, messages, ratio(messages, counts.audience), ratio(messages, previous))
        for (key, name, messages), previous in zip(steps, before, strict=False)
    ]


def _variants(campaign: Campaign, sums: list[VariantSum], costs: Costs) -> list[VariantReport]:
    contents = Content.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id).select_related("template")
    templates = {content.variant: str(content.template or "") for content in contents}
    counts = {each.variant: each.counts for each in sums}
    return [
        _variant(
            number,
            templates.get(number, ""),
            costs.added_to(counts.get(number, Counts()), costs.by_variant[number], campaign.tenant.currency),
        )
        for number in sorted(templates.keys() | counts.keys())
    ]


def _variant(number: int, template: str, counts: Counts) -> VariantReport:
    return VariantReport(number, chr(65 + number), template, counts, measure(counts))


def _links(campaign: Campaign) -> list[LinkReport]:
    counted = Q(clicks__is_counted=True)
    links = Link.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id).annotate(
        total=Count("clicks", filter=counted),
        people=Count("clicks__contact_id", filter=counted, distinct=True),
        anonymous=Count("clicks", filter=counted & Q(clicks__contact_id=None)),
    )
    return [
        LinkReport(link.uid, link.label, link.url, link.variant, link.total, link.people, link.anonymous)
        for link in links.order_by("-total", "variant", "id")
    ]
