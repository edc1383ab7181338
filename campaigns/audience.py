"""Who a campaign reaches, as SQL: included by lists and segments, and for everyone else the reason why not."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaigns.models import Audience, Campaign
from consent import rules
from consent.models import Purpose
from consent.queries import attribute_name, group_names, special_names
from contacts.models import ContactList
from messaging.rendering import FIELDS, OWN_PAGE
from segments import asking, compiling
from segments.queries import as_a_set
from segments.rules import parse
from whatsapp.markets import NOT_IN_THE_US, PREFIX_LENGTH, market_of

# Meta delivers no marketing there (whatsapp-cloud-api § 6.4).
IN_THE_US = (
    "(c.phone LIKE '+1%%' AND substr(c.phone, 3, 3) NOT IN ({codes}) OR c.phone IS NULL AND c.bsuid LIKE 'US.%%')"
).format(codes=", ".join(f"'{code}'" for code in NOT_IN_THE_US))
IN_LIST = (
    "EXISTS (SELECT 1 FROM contacts_listmember lm"
    " WHERE lm.tenant_id = c.tenant_id AND lm.contact_id = c.id AND lm.list_id = %s)"
)


# Reachable people also by what their market is known by: the beginning of the number, else the country of the BSUID.
# OFFSET 0 keeps the subquery apart: else the reason is worked out once for each column that names it.
COUNT = """
SELECT p.reason, CASE WHEN p.reason IS NULL THEN left(p.phone, {prefix}) END,
       CASE WHEN p.reason IS NULL AND p.phone IS NULL THEN left(p.bsuid, 2) END, count(*)
FROM (
    SELECT {reason} AS reason, c.phone, c.bsuid FROM contacts_contact c {joins}
    WHERE c.tenant_id = %s AND ({included}) OFFSET 0
) p
GROUP BY 1, 2, 3
"""
# Some of the audience, and of these the first who can be reached.
ANYONE = """
SELECT 1 FROM (SELECT c.* FROM contacts_contact c WHERE c.tenant_id = %s AND ({included}) LIMIT 1000) c {joins}
CROSS JOIN LATERAL (SELECT {reason} AS reason) r WHERE r.reason IS NULL LIMIT 1
"""
# A thousand of the audience by chance, for the uid is random, and the thousand who came last.
SAMPLE = 1000
SAMPLES = """
WITH included AS MATERIALIZED (SELECT c.id, c.uid FROM contacts_contact c WHERE c.tenant_id = %s AND ({included}))
SELECT ARRAY(SELECT id FROM included ORDER BY uid LIMIT {most}),
       ARRAY(SELECT id FROM included ORDER BY id DESC LIMIT {most})
"""
# Those who came last alone: found from the end of an index, in a large audience without a pass over it.
LAST = """
SELECT c.id FROM contacts_contact c WHERE c.tenant_id = %s AND ({included}) ORDER BY c.id DESC LIMIT {most}
"""
# Who of them can be reached by a yes that an import or a program brought: how many were never sent advertising, and how
# many were never sent anything. Not `as_a_set`: where statistics do not know the company, the states are hashed anyway.
NEWCOMERS = """
SELECT count(*) FILTER (WHERE ({written} AND (
           SELECT s.purpose FROM messaging_source s WHERE s.tenant_id = m.tenant_id AND s.id = m.source_id
       ) NOT IN ('transactional', 'service') LIMIT 1) IS NULL),
       count(*) FILTER (WHERE ({written} LIMIT 1) IS NULL)
FROM contacts_contact c {joins} CROSS JOIN LATERAL (SELECT {reason} AS reason) r
WHERE c.tenant_id = %s AND c.id = ANY(%s) AND r.reason IS NULL AND (
    SELECT e.source FROM consent_consentevent e WHERE e.tenant_id = c.tenant_id AND e.seq = {seq}
) IN ('import', 'api')
"""
# What failed after Meta had accepted it reached nobody.
WRITTEN = """
    SELECT m.id FROM messaging_message m
    WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.id AND m.accepted_at IS NOT NULL AND m.state <> 8
"""


@dataclass(frozen=True)
class Selection:
    """SQL over `contacts_contact c`: `joins`, who is `included`, and the `reason` (null for reachable people).

    Parameters belong to the three fragments in the order joins, included, reason.
    """

    joins: str
    joins_params: list[Any]
    included: str
    included_params: list[Any]
    reason: str
    reason_params: list[Any]
    # Of the ledger's row that decides, as in consent.rules.
    seq: str


@dataclass(frozen=True)
class Counted:
    """How many people the audience has, by reason (None stands for the reachable ones); and these by market."""

    by_reason: dict[str | None, int]
    by_market: dict[str, int]

    @property
    def audience(self) -> int:
        return sum(self.by_reason.values())

    @property
    def reachable(self) -> int:
        return self.by_reason.get(None, 0)


@dataclass(frozen=True)
class Newcomers:
    """How many who did not sign up themselves get their first message, or about or at least how many."""

    people: int
    is_about: bool = False
    is_least: bool = False


def count(campaign: Campaign) -> Counted:
    """What freezing would give right now, without writing anything."""
    chosen = selection(campaign)
    parts = {"joins": chosen.joins, "reason": chosen.reason, "included": chosen.included, "prefix": PREFIX_LENGTH}
    by_reason: Counter[str | None] = Counter()
    by_market: Counter[str] = Counter()
    with as_a_set(), connection.cursor() as cursor:
        cursor.execute(
            COUNT.format(**parts),
            [*chosen.reason_params, *chosen.joins_params, campaign.tenant_id, *chosen.included_params],
        )
        for reason, phone, bsuid, people in cursor.fetchall():
            by_reason[reason] += people
            if reason is None:
                by_market[market_of(phone, bsuid)] += people
    return Counted(by_reason, by_market)


def reaches_some(campaign: Campaign) -> bool:
    """Whether one of the first thousand can be reached, which spares counting a million; False says nothing."""
    chosen = selection(campaign)
    with connection.cursor() as cursor:
        cursor.execute(
            ANYONE.format(joins=chosen.joins, reason=chosen.reason, included=chosen.included),
            [campaign.tenant_id, *chosen.included_params, *chosen.joins_params, *chosen.reason_params],
        )
        return cursor.fetchone() is not None


def newcomers(campaign: Campaign, audience: int) -> list[Newcomers]:
    """To how many of so many people it is the first advertising, and to how many the first message at all.

    Only those who did not sign up themselves. Finding whom to look at is one more pass over the audience, as long as
    counting it; two thousand at most are looked at closer. Counted from a sample it is about so many, and where only
    some of those who came last are such people, at least so many.
    """
    chosen = selection(campaign)
    with as_a_set(), connection.cursor() as cursor:
        cursor.execute(
            SAMPLES.format(included=chosen.included, most=SAMPLE), [campaign.tenant_id, *chosen.included_params]
        )
        by_chance, last = cursor.fetchone()
    found = _newcomers(campaign, chosen, by_chance)
    if audience <= SAMPLE:
        return [Newcomers(people) for people in found]
    least = found if all(found) else _newcomers(campaign, chosen, last)
    return [
        Newcomers(_rounded(people * audience / SAMPLE), is_about=True) if people else Newcomers(late, is_least=True)
        for people, late in zip(found, least, strict=True)
    ]


def late_newcomers(campaign: Campaign) -> list[Newcomers]:
    """The same, looking only at the thousand of the audience who came last: one pass over it at most, mostly far less.

    At least so many where the audience may have more people than that.
    """
    chosen = selection(campaign)
    with connection.cursor() as cursor:
        cursor.execute(
            LAST.format(included=chosen.included, most=SAMPLE), [campaign.tenant_id, *chosen.included_params]
        )
        last = [contact_id for (contact_id,) in cursor.fetchall()]
    return [Newcomers(people, is_least=len(last) == SAMPLE) for people in _newcomers(campaign, chosen, last)]


def _newcomers(campaign: Campaign, chosen: Selection, people: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            NEWCOMERS.format(joins=chosen.joins, reason=chosen.reason, seq=chosen.seq, written=WRITTEN),
            [*chosen.joins_params, *chosen.reason_params, campaign.tenant_id, people],
        )
        return list(cursor.fetchone())


def _rounded(people: float) -> int:
    """To two digits: more would say more than a sample knows."""
    return round(float(f"{people:.2g}"))


def choice(campaign: Campaign) -> tuple[set[str], set[str]]:
    """The names of all that chooses the people, and of what chooses each of them; raises InvalidRule.

    Who is excluded matters to everybody. Of several lists and segments that include, one is enough: what only some of
    them ask for binds nobody, unless all of them ask for something special.
    """
    rows = campaign.audiences.select_related("list", "segment")
    included = [names(row) for row in rows if not row.is_excluded]
    excluded = set[str]().union(*(names(row) for row in rows if row.is_excluded))
    special, chosen = special_names(campaign.tenant_id), excluded.union(*included)
    if all(special & each for each in included):
        return chosen, chosen
    return chosen, excluded | set.intersection(*included)


def names(row: Audience) -> set[str]:
    """By what a list or segment of a campaign chooses, as consent's `attribute_name` writes it; raises InvalidRule."""
    if row.list is not None:
        return group_names(row.list)
    assert row.segment is not None
    return asking.names(parse(row.segment.rule), row.tenant_id)


def count_missing(campaign: Campaign, chosen: Selection, fields: list[str]) -> list[int]:
    """For each contact field or "attribute:<key>": how many of the audience have it empty.

    What may not be used of a person (CG-08) counts as empty, as it does in their message.
    """
    special = special_names(campaign.tenant_id)
    counts, params = [], []
    for field in fields:
        if field.startswith("attribute:"):
            key = field.removeprefix("attribute:")
            barred = f"NOT {rules.MAY_USE_SPECIAL} OR " if attribute_name(key) in special else ""
            counts.append(f"count(*) FILTER (WHERE {barred}coalesce(c.attributes ->> %s, '') = '')")
            params.append(key)
        elif field in FIELDS:
            counts.append(f"count(*) FILTER (WHERE coalesce(c.{field}::text, '') = '')")
        else:
            counts.append("0" if field == OWN_PAGE else "count(*)")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(counts)} FROM contacts_contact c"
            f" WHERE c.tenant_id = %s AND c.restricted_at IS NULL AND ({chosen.included})",
            [*params, campaign.tenant_id, *chosen.included_params],
        )
        return list(cursor.fetchone())


def selection(campaign: Campaign) -> Selection:
    """The audience of a campaign. The reasons are tried in the order the waterfall shows them."""
    audiences = list(campaign.audiences.select_related("list", "segment").order_by("id"))
    special = special_names(campaign.tenant_id)
    included, included_params = any_of(campaign, [a for a in audiences if not a.is_excluded], special)
    excluded, excluded_params = any_of(campaign, [a for a in audiences if a.is_excluded], special, is_excluding=True)
    refusal = rules.refusal(channel="whatsapp", purpose=campaign.purpose, tenant_id=campaign.tenant_id)
    # Whoever has not agreed is left out with them, and not because they belong to them: nobody knows that.
    is_unknown = f"NOT {rules.MAY_USE_SPECIAL}" if _is_special(audiences, special) else "false"
    reason = f"""CASE
        WHEN {is_unknown} THEN 'no_special'
        WHEN {excluded} THEN 'excluded'
        WHEN c.bsuid IS NULL AND c.phone IS NULL THEN 'no_number'
        WHEN c.bsuid IS NULL AND c.phone_invalid_at IS NOT NULL OR c.unreachable_since IS NOT NULL THEN 'unreachable'
        WHEN {IN_THE_US if campaign.purpose != Purpose.TRANSACTIONAL else "false"} THEN 'us_marketing'
        ELSE {refusal.reason} END"""
    return Selection(
        joins=refusal.joins,
        joins_params=list(refusal.params),
        included=included,
        included_params=included_params,
        reason=reason,
        reason_params=excluded_params,
        seq=refusal.seq,
    )


def any_of(
    campaign: Campaign, audiences: list[Audience], special: frozenset[str], *, is_excluding: bool = False
) -> tuple[str, list[Any]]:
    """That `contacts_contact c` is in any of these lists and segments, with its parameters; raises InvalidRule.

    Nobody is in any of none. `special` are consent's `special_names`.
    """
    conditions: list[str] = []
    params: list[Any] = []
    for audience in audiences:
        if audience.segment is not None:
            compiled = compiling.condition(
                audience.segment.rule, tenant_id=campaign.tenant_id, is_excluding=is_excluding
            )
            conditions.append(f"({compiled.sql})")
            params.extend(compiled.params)
        else:
            assert audience.list is not None
            conditions.append(_in_list(audience.list, special, is_excluding))
            params.append(audience.list.pk)
    return (" OR ".join(conditions) or "false"), params


def _is_special(audiences: list[Audience], special: frozenset[str]) -> bool:
    """Whether data of a special category say who is excluded."""
    return bool(special) and any(row.is_excluded and special & names(row) for row in audiences)


def _in_list(contact_list: ContactList, special: frozenset[str], is_excluding: bool) -> str:
    """Being on a list of a special category counts as a rule about one does (segments.compiling.guarded, CG-08)."""
    if special.isdisjoint(group_names(contact_list)):
        return IN_LIST
    if is_excluding:
        return f"({IN_LIST} OR NOT {rules.MAY_USE_SPECIAL})"
    return f"({IN_LIST} AND {rules.MAY_USE_SPECIAL})"
