"""May we message these people? As SQL, so that one person and a million are judged by the same words.

Order of checks: consent-gdpr § 6, with one refinement: a person's own no (withdrawn, objected, stopped in WhatsApp)
is named before the suppression list, which every no is on as well; otherwise no report could tell "unsubscribed" from
"on the block list".
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from consent.models import Channel, Purpose

TENANT_BLOCKED = "tenant_blocked"
NO_AGREEMENT = "no_agreement"
RESTRICTED = "restricted"
OBJECTED = "objected"
META_STOP = "meta_stop"

STATES = """
    LEFT JOIN consent_consentstate consent_state ON consent_state.tenant_id = c.tenant_id
        AND consent_state.subject_id = c.subject_id
        AND consent_state.channel = {channel} AND consent_state.purpose = {purpose}
    JOIN tenants_tenant consent_tenant ON consent_tenant.id = c.tenant_id
"""
# A yes to advertising by WhatsApp is an opt-in to WhatsApp in Meta's sense, so it carries order updates too, unless the
# person said anything about those; withdrawing it needs another basis for them (§ 6.8).
BASIS = """
    LEFT JOIN consent_consentstate consent_own ON consent_own.tenant_id = c.tenant_id
        AND consent_own.subject_id = c.subject_id
        AND consent_own.channel = {channel} AND consent_own.purpose = 'transactional'
    LEFT JOIN consent_consentstate consent_state ON consent_state.tenant_id = c.tenant_id
        AND consent_state.subject_id = c.subject_id AND consent_state.channel = {channel}
        AND consent_state.purpose = CASE WHEN consent_own.id IS NULL THEN 'marketing' ELSE 'transactional' END
        AND (consent_own.id IS NOT NULL OR consent_state.state = 'granted')
    JOIN tenants_tenant consent_tenant ON consent_tenant.id = c.tenant_id
"""
# The comparison with c.id stands alone, so that PostgreSQL may either look up one contact or, for many, collect all
# suppressed contacts once, starting from the short list of suppressions.
IS_SUPPRESSED = """
    EXISTS (
        SELECT 1 FROM consent_suppression s
        JOIN contacts_identity i ON i.tenant_id = s.tenant_id AND i.digest = s.digest
        WHERE s.tenant_id = %s AND i.tenant_id = %s AND i.contact_id = c.id
        AND s.lifted_at IS NULL AND (i.valid_to IS NULL OR s.since <= i.valid_to)
        AND s.channel IN ({channel}, 'all') AND s.purpose IN ({purposes}))
"""
# From the moment a text is declared invalid its yeses count no more, although their rows in the ledger are still being
# written. Whether anything is being written is asked once per statement where `tenant` is a parameter; the rest runs
# for seconds in a company's life. `state` is the alias of a state.
IS_INVALIDATING = """
    CASE WHEN EXISTS (SELECT FROM consent_invalidation v WHERE v.tenant_id = {tenant} AND v.finished_at IS NULL)
    THEN EXISTS (
        SELECT FROM consent_consentevent e JOIN consent_invalidation v
            ON v.tenant_id = {tenant} AND v.wording_sha256 = e.wording_sha256 AND v.finished_at IS NULL
        WHERE e.tenant_id = {tenant} AND e.seq = {state}.seq)
    ELSE FALSE END
"""
# CG-07: a yes of somebody younger than 16 does not count, whatever they confirmed, and turning 16 does not mend it: the
# birthday is compared with the day of the yes, so only a yes after it does. Whether a yes that says nothing of the age
# counts is the company's choice: Art. 8 GDPR is about services offered to children. What a contract needs
# (`is_advertising` is FALSE) goes to those, too.
TOO_YOUNG = (
    "CASE WHEN c.birthday IS NOT NULL THEN"
    " c.birthday + interval '16 years' > {state}.since AT TIME ZONE {timezone} ELSE FALSE END"
)
DEMANDS_AGE = "EXISTS (SELECT FROM consent_controller k WHERE k.tenant_id = c.tenant_id AND k.demands_age)"
REASON = """
    CASE
        WHEN NOT consent_tenant.is_active THEN 'tenant_blocked'
        WHEN NOT EXISTS (SELECT FROM consent_agreement a WHERE a.tenant_id = %s) THEN 'no_agreement'
        WHEN c.restricted_at IS NOT NULL OR consent_state.state IN ('restricted', 'erased') THEN 'restricted'
        WHEN consent_state.state = 'objected' THEN 'objected'
        WHEN consent_state.state IN ('withdrawn', 'refused') THEN 'withdrawn'
        WHEN consent_state.state = 'meta_stopped' THEN 'meta_stop'
        WHEN consent_state.state = 'suppressed' OR {suppressed} THEN 'suppressed'
        WHEN consent_state.state IS NULL THEN 'no_consent'
        WHEN consent_state.state = 'requested' THEN 'pending'
        WHEN consent_state.state IN ('expired', 'invalidated') THEN consent_state.state
        WHEN consent_state.state <> 'granted' THEN 'no_consent'
        WHEN consent_state.valid_until <= {at} THEN 'expired'
        WHEN {invalidating} THEN 'invalidated'
        WHEN consent_state.age_confirmed IS FALSE OR {is_advertising} AND {too_young} THEN 'minor'
        WHEN {is_advertising} AND consent_state.age_confirmed IS NULL AND {demands_age} THEN 'age_unknown'
    END
"""
# The same rule for a state of another alias, beside its contact `c`.
OF_TENANT = "(SELECT t.timezone FROM tenants_tenant t WHERE t.id = c.tenant_id)"
IS_OF_AGE = (
    f"({{state}}.age_confirmed IS NOT FALSE AND ({{state}}.age_confirmed OR NOT {DEMANDS_AGE})"
    f" AND NOT {TOO_YOUNG.format(state='{state}', timezone=OF_TENANT)})"
)
# Whether a yes to something beside the messages themselves holds now; `purpose` is one of ours, never of a user.
HOLDS = f"""
    EXISTS (SELECT FROM consent_consentstate h WHERE h.tenant_id = c.tenant_id AND h.subject_id = c.subject_id
            AND h.channel = 'whatsapp' AND h.purpose = '{{purpose}}' AND h.state IN ('granted', 'renewed')
            AND {IS_OF_AGE.format(state="h")} AND (h.valid_until IS NULL OR h.valid_until > now())
            AND NOT {IS_INVALIDATING.format(state="h", tenant="h.tenant_id")})
"""
MAY_MEASURE = HOLDS.format(purpose=Purpose.TRACKING.value)
MAY_USE_SPECIAL = HOLDS.format(purpose=Purpose.SPECIAL_CATEGORY.value)
# The subjects are looked up once and not joined: a tenant that PostgreSQL's statistics do not know yet looks empty to
# them, and a join then compares all of its contacts with all of its states, for every claim.
LOCK = """
    SELECT s.id FROM consent_consentstate s
    WHERE s.tenant_id = %s AND s.channel = %s AND s.purpose = ANY(%s) AND s.subject_id = ANY(ARRAY(
        SELECT c.subject_id FROM contacts_contact c WHERE c.tenant_id = %s AND c.id = ANY(%s)))
    ORDER BY s.subject_id, s.channel, s.purpose
    FOR SHARE OF s
"""


@dataclass(frozen=True)
class Refusal:
    """SQL around `contacts_contact c`: put `joins`, which alone takes `params`, after the FROM.

    `reason` and `seq` may then stand anywhere in the statement: `reason` is NULL when sending is allowed, else one of
    this module's codes; `seq` is the number of the ledger row that decided.
    """

    joins: str
    reason: str
    seq: str
    params: list[Any]


class Asked(NamedTuple):
    """What is asked about, in SQL."""

    sql: str
    params: list[str]


def refusal(*, tenant_id: int, channel: str, purpose: str, at: datetime | None = None) -> Refusal:
    """Why each contact `c` may not be messaged over this channel for this purpose; NULL when it may.

    Works inside an open tenant scope only, and the caller binds `c.tenant_id = <tenant_id>` too. `at` is the moment
    for which expiry is judged, the transaction's own by default. A suppression of all purposes counts for every
    purpose but transactional: what a contract needs is stopped only by a suppression of exactly that (CG-26).
    """
    assert channel != Channel.ALL
    assert purpose != Purpose.ALL
    is_contract = purpose == Purpose.TRANSACTIONAL
    return _refusal(tenant_id, Asked("%s", [str(channel)]), Asked("%s", [str(purpose)]), is_contract, at)


def refusal_of_asked(*, tenant_id: int, is_contract: bool) -> Refusal:
    """The same for each row of `asked (channel, purpose)`, which stands beside `c`: transactional purposes or others.

    Planning this statement takes longer than running it for one person.
    """
    return _refusal(tenant_id, Asked("asked.channel", []), Asked("asked.purpose", []), is_contract, None)


def _refusal(tenant_id: int, channel: Asked, purpose: Asked, is_contract: bool, at: datetime | None) -> Refusal:
    purposes = purpose.sql if is_contract else f"{purpose.sql}, 'all'"
    suppressed = IS_SUPPRESSED.format(channel=channel.sql, purposes=purposes)
    clock = "%s::timestamptz" if at else "now()"
    reason = REASON.format(
        suppressed=suppressed,
        at=clock,
        invalidating=IS_INVALIDATING.format(state="consent_state", tenant="%s"),
        too_young=TOO_YOUNG.format(state="consent_state", timezone="consent_tenant.timezone"),
        demands_age=DEMANDS_AGE,
        is_advertising=str(not is_contract).upper(),
    )
    states = (BASIS if is_contract else STATES).format(channel=channel.sql, purpose=purpose.sql)
    return Refusal(
        joins=f"{states} CROSS JOIN LATERAL (SELECT {reason} AS reason) consent_refusal",
        reason="consent_refusal.reason",
        seq="consent_state.seq",
        params=[
            *channel.params,
            *(channel.params if is_contract else purpose.params),
            *(tenant_id, tenant_id, tenant_id, *channel.params, *purpose.params),
            *([at] if at else []),
            *(tenant_id, tenant_id, tenant_id),
        ],
    )


def lock_states(tenant_id: int, contact_ids: list[int], channel: str, purpose: str) -> None:
    """Hold these contacts' states still until the transaction ends: a withdrawal either was before or comes after.

    Evaluate `refusal` in a statement of its own after this one, so that it sees what was committed while waiting.
    Writers of the ledger lock in the same order, so nobody waits in a circle.
    """
    purposes = {str(purpose)} | ({Purpose.MARKETING.value} if purpose == Purpose.TRANSACTIONAL else set())
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [tenant_id, str(channel), sorted(purposes), tenant_id, contact_ids])
