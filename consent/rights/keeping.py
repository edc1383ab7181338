"""Keeps nothing longer than needed (consent-gdpr § 10, Art. 5(1)(e) GDPR): one company's daily round, in batches.

What has rounds of its own is only noted here, or not at all: uploaded files and their lines go for all companies
together (contacts.importing.forgetting), raw webhooks belong to nobody (inbox.days writes the operator's log), answers
to repeated requests are no data of the company's (tenants.repeating).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from consent import ledger
from consent.ledger import Entry
from consent.ledger.folding import GRANTS
from consent.models import (
    Authority,
    Channel,
    ConsentEvidence,
    ConsentHead,
    ConsentState,
    DataRequest,
    Disposal,
    ImportClaim,
    SignupRequest,
    Source,
    State,
)
from consent.queries import controller_of
from consent.rights import handing_over, periods, walking
from contacts.importing import forgetting
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope

AT_A_TIME = 2000
# What a request in the register may still say of somebody.
NOTHING_SAID: dict[str, Any] = {"digests": [], "note": "", "answer": "", "extended_because": ""}
# Then the next task goes on, so that a deploy never waits long.
MOST_BATCHES = 50
# Proofs of what was said about channels and purposes of which the ledger says nothing new since a time, and in which no
# yes is alive: each consent by itself, whatever else the person has agreed to. No message rests on a consent after the
# row that ended it, so its last use is older than that row. A no to marketing ends measuring and profiling, too. A yes
# may be alive beneath a stop by Meta or a restriction; one with a last day ended on it.
DROP_UNUSED = """
WITH unused AS (
    SELECT e.id FROM consent_consentevidence e
    JOIN consent_consentevent r ON r.tenant_id = e.tenant_id AND r.event_id = e.event_id
    WHERE e.tenant_id = %(tenant)s AND e.id > %(after)s AND e.kept_until IS NULL AND r.recorded_at < %(before)s
      AND NOT EXISTS (
          SELECT FROM consent_consentevent n WHERE n.tenant_id = e.tenant_id AND n.subject_id = r.subject_id
            AND n.recorded_at >= %(before)s AND (n.channel = r.channel OR 'all' IN (n.channel, r.channel))
            AND (n.purpose = r.purpose OR 'all' IN (n.purpose, r.purpose)
                OR n.purpose = 'marketing' AND n.state IN ('withdrawn', 'objected')))
      AND NOT EXISTS (
          SELECT FROM consent_consentstate s WHERE s.tenant_id = e.tenant_id AND s.subject_id = r.subject_id
            AND r.channel IN (s.channel, 'all') AND r.purpose IN (s.purpose, 'all')
            AND (s.state IN ('meta_stopped', 'restricted')
                OR s.state IN ('granted', 'renewed', 'requested')
                    AND (s.valid_until IS NULL OR s.valid_until >= %(before)s)))
    ORDER BY e.id LIMIT %(most)s),
gone AS (
    DELETE FROM consent_consentevidence e USING unused u WHERE e.tenant_id = %(tenant)s AND e.id = u.id
    RETURNING e.id)
SELECT (SELECT count(*) FROM gone), count(*), max(id) FROM unused
"""
# What proves requests by keyword that nobody confirmed, in the ledger's order. A confirmed one is part of the proof of
# its yes. Where two workers find the same, both say how far they have looked and one has deleted it.
DROP_UNANSWERED = """
WITH unanswered AS (
    SELECT e.id, r.seq FROM consent_consentevent r
    JOIN consent_consentevidence e ON e.tenant_id = r.tenant_id AND e.event_id = r.event_id AND e.kept_until IS NULL
    WHERE r.tenant_id = %(tenant)s AND r.seq > %(after)s AND r.seq <= %(end)s
      AND r.state = 'requested' AND r.occurred_at < %(before)s
      AND NOT EXISTS (
          SELECT FROM consent_consentevent g WHERE g.tenant_id = e.tenant_id AND g.subject_id = r.subject_id
            AND g.state IN ('granted', 'renewed') AND g.doi_request_seq IS NOT NULL
            AND (g.doi_request_seq = r.seq OR g.wording_sha256 = r.wording_sha256
                AND g.occurred_at BETWEEN r.occurred_at AND r.occurred_at + %(to_confirm)s))
    ORDER BY r.seq LIMIT %(most)s),
gone AS (
    DELETE FROM consent_consentevidence e USING unanswered u WHERE e.tenant_id = %(tenant)s AND e.id = u.id
    RETURNING e.id)
SELECT (SELECT count(*) FROM gone), count(*), max(seq) FROM unanswered
"""
# Up to the first request whose time is not over yet, nothing changes any more: a yes that confirms one comes within
# seven days of it, and is never taken out of the ledger.
SETTLED = """
SELECT coalesce(min(r.seq) - 1, %(end)s) FROM consent_consenthead h
JOIN consent_consentevent r ON r.tenant_id = h.tenant_id AND r.seq > h.settled_seq AND r.seq <= %(end)s
WHERE h.tenant_id = %(tenant)s AND r.state = 'requested' AND r.occurred_at >= %(before)s
"""
NOBODY = UUID(int=0)
IMPORTS = {"files": Disposal.What.IMPORTS, "lines": Disposal.What.LINES}


def keep(tenant: Tenant) -> bool:
    """Do a company's rounds; True if something is left for another call. Each batch commits and is logged."""
    left = [_repeated(tenant, round_) for round_ in ROUNDS]
    return any(left)


def note_imports(gone: forgetting.Gone) -> None:
    """Log what contacts.importing.forgetting deletes, in its transaction."""
    Disposal.objects.bulk_create(
        Disposal(tenant_id=tenant_id, what=IMPORTS[what], count=count) for (tenant_id, what), count in gone.items()
    )


def _repeated(tenant: Tenant, round_: Callable[[Tenant, Any], tuple[dict[str, int], Any]]) -> bool:
    """Whether the round was broken off; `position` says where its next batch begins, None at the end."""
    position: Any = NOBODY
    for _batch in range(MOST_BATCHES):
        counts, position = round_(tenant, position)
        _note(tenant, counts)
        if position is None:
            return False
    return True


def _note(tenant: Tenant, counts: dict[str, int]) -> None:
    done = [Disposal(tenant=tenant, what=what, count=count) for what, count in counts.items() if count]
    if done:
        with tenant_scope(tenant):
            Disposal.objects.bulk_create(done)


def _let_go(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """Messages, clicks and what people wrote, older than the company keeps them: 24 months at most."""
    with tenant_scope(tenant):
        before = periods.months_ago(controller_of(tenant).message_months)
        counts = walking.let_go(tenant, before=before, most=AT_A_TIME)
    return counts, position if AT_A_TIME in counts.values() else None


def _expire_consents(tenant: Tenant, position: UUID) -> tuple[dict[str, int], UUID | None]:
    """Consents to WhatsApp that were neither used nor followed by anything the person did: after 24 months (CG-27)."""
    with tenant_scope(tenant):
        months = controller_of(tenant).silence_months
        before = periods.months_ago(months)
        old = old_consents(tenant, before).filter(subject_id__gt=position)
        subjects = list(old.order_by("subject_id").values_list("subject_id", flat=True).distinct()[:AT_A_TIME])
        quiet = silent(tenant, subjects, before)
        # Between reading what holds and writing that it ends nobody may say yes again.
        ledger.lock(tenant)
        found = old_consents(tenant, before).filter(subject_id__in=quiet)
        states = list(found.order_by("subject_id", "purpose"))
        ledger.append(tenant, [_expiry(state, months) for state in states])
    people = {state.subject_id for state in states}
    return {"consents": len(people)}, subjects[-1] if len(subjects) == AT_A_TIME else None


def old_consents(tenant: Tenant, before: datetime) -> QuerySet[ConsentState]:
    """Consents to WhatsApp that were given before a time and hold.

    No others: who sends e-mail or SMS does it elsewhere, so that nobody here can say that a yes to it is not used.
    """
    return ConsentState.objects.filter(tenant=tenant, channel=Channel.WHATSAPP, state__in=GRANTS, since__lt=before)


def silent(tenant: Tenant, subjects: Sequence[UUID], before: datetime) -> list[UUID]:
    """Those of these people who were sent nothing and did nothing since."""
    people = dict(Contact.objects.filter(tenant=tenant, subject_id__in=subjects).values_list("pk", "subject_id"))
    last = walking.last_use(tenant, list(people)) if people else {}
    busy = {people[pk] for pk, at in last.items() if at >= before}
    return [subject for subject in subjects if subject not in busy]


def _expiry(state: ConsentState, months: int) -> Entry:
    return Entry(
        subject_id=state.subject_id,
        channel=state.channel,
        purpose=state.purpose,
        state=State.EXPIRED,
        authority=Authority.AGENT,
        source=Source.SYSTEM,
        source_ref=f"unused for {months} months",
        occurred_at=timezone.now(),
        # Of this yes; one that the person gives later is another.
        key=f"expired:{state.subject_id}:{state.channel}:{state.purpose}:{state.seq}",
    )


def _drop_unused_proofs(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """Proofs of consents that ended, after the third calendar year since their last use."""
    first_kept = timezone.localdate().year - periods.YEARS_OF_PROOF
    before = datetime(first_kept, 1, 1, tzinfo=timezone.get_default_timezone())
    params = {"tenant": tenant.pk, "most": AT_A_TIME, "before": before, "after": 0 if position == NOBODY else position}
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(DROP_UNUSED, params)
        dropped, found, last = cursor.fetchone()
    return {"proofs": dropped}, last if found == AT_A_TIME else None


def _drop_restricted_proofs(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """Proofs that an erasure left, once their day has passed, with the hashes and free texts in the register."""
    today: date = timezone.localdate()
    with tenant_scope(tenant):
        over = ConsentEvidence.objects.filter(tenant=tenant, kept_until__lt=today).order_by("kept_until")
        batch = list(over.values_list("pk", flat=True)[:AT_A_TIME])
        dropped, _by_model = ConsentEvidence.objects.filter(tenant=tenant, pk__in=batch).delete()
        named = DataRequest.objects.filter(tenant=tenant, kept_until__lt=today).exclude(**NOTHING_SAID)
        named.update(**NOTHING_SAID)
    return {"proofs": dropped}, position if len(batch) == AT_A_TIME else None


def _drop_exports(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """Exports after seven days: the file before its name, and no transaction while storage is slow."""
    with tenant_scope(tenant):
        over = DataRequest.objects.filter(tenant=tenant, file_until__lt=timezone.now()).order_by("pk")
        batch = list(over[:AT_A_TIME])
    for request in batch:
        request.file.delete(save=False)
    with tenant_scope(tenant):
        # What another worker has dropped meanwhile is over no more, and counted by it.
        dropped = over.filter(pk__in=[request.pk for request in batch]).order_by().update(file="", file_until=None)
    return {"exports": dropped}, position if len(batch) == AT_A_TIME else None


def _drop_handovers(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """Files with everything of the company, after seven days."""
    return {"exports": handing_over.let_go(tenant)}, None


def _drop_sign_ups(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """Requests to sign up after fourteen days, each with the address that it names."""
    with tenant_scope(tenant):
        over = SignupRequest.objects.filter(tenant=tenant, requested_at__lt=timezone.now() - periods.SIGN_UPS)
        batch = list(over.order_by("requested_at").values_list("pk", flat=True)[:AT_A_TIME])
        _all, dropped = SignupRequest.objects.filter(tenant=tenant, pk__in=batch).delete()
    return {"sign_ups": dropped.get("consent.SignupRequest", 0)}, position if len(batch) == AT_A_TIME else None


def _lapse_requests(tenant: Tenant, position: UUID) -> tuple[dict[str, int], UUID | None]:
    """Requests to sign up, by keyword or for an address, that nobody confirmed within seven days (CG-14)."""
    with tenant_scope(tenant):
        late = ConsentState.objects.filter(
            tenant=tenant, state=State.REQUESTED, since__lt=timezone.now() - periods.TO_CONFIRM
        )
        later = late.filter(subject_id__gt=position).order_by("subject_id")
        subjects = list(later.values_list("subject_id", flat=True).distinct()[:AT_A_TIME])
        if not subjects:
            return {"lapsed": 0}, None
        # Searched before, for every STOPP waits for this lock; read again, because somebody may have confirmed since.
        ledger.lock(tenant)
        over = list(late.filter(subject_id__in=subjects).order_by("subject_id", "channel", "purpose"))
        ledger.append(tenant, [_lapse(state) for state in over])
    return {"lapsed": len(over)}, subjects[-1] if len(subjects) == AT_A_TIME else None


def _lapse(state: ConsentState) -> Entry:
    return Entry(
        subject_id=state.subject_id,
        channel=state.channel,
        purpose=state.purpose,
        state=State.EXPIRED,
        authority=Authority.AGENT,
        source=Source.SYSTEM,
        source_ref=f"not confirmed within {periods.TO_CONFIRM.days} days",
        occurred_at=timezone.now(),
        # Ends this request and nothing else.
        doi_request_seq=state.seq,
        key=f"lapsed:{state.subject_id}:{state.channel}:{state.purpose}:{state.seq}",
    )


def _drop_unanswered(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """What people wrote to ask for the wording, fourteen days after a request that they did not confirm (CG-14)."""
    params: dict[str, Any] = {"tenant": tenant.pk, "most": AT_A_TIME, "to_confirm": periods.TO_CONFIRM}
    params["before"] = timezone.now() - periods.SIGN_UPS
    with tenant_scope(tenant), connection.cursor() as cursor:
        if position == NOBODY:
            heads = ConsentHead.objects.filter(tenant=tenant).values_list("settled_seq", "last_seq")
            position = heads.first() or (0, 0)
        after, end = position
        cursor.execute(DROP_UNANSWERED, {**params, "after": after, "end": end})
        dropped, found, last = cursor.fetchone()
        if found == AT_A_TIME:
            return {"sign_ups": dropped}, (last, end)
        cursor.execute(SETTLED, {**params, "end": end})
        [settled] = cursor.fetchone()
        # By itself, because the row is what every STOPP waits for; and never back, where another round went further.
        ConsentHead.objects.filter(tenant=tenant, settled_seq__lt=settled).update(settled_seq=settled)
    return {"sign_ups": dropped}, None


def _drop_claims(tenant: Tenant, position: Any) -> tuple[dict[str, int], Any]:
    """What imports claimed over a no, once their files are gone."""
    with tenant_scope(tenant):
        over = ImportClaim.objects.filter(tenant=tenant, imported__file="").order_by("pk")
        batch = list(over.values_list("pk", flat=True)[:AT_A_TIME])
        # What another worker has deleted meanwhile is counted by it.
        dropped, _by_model = ImportClaim.objects.filter(tenant=tenant, pk__in=batch).delete()
    return {"lines": dropped}, position if len(batch) == AT_A_TIME else None


ROUNDS = (
    _let_go,
    _lapse_requests,
    _drop_unanswered,
    _drop_sign_ups,
    _expire_consents,
    _drop_unused_proofs,
    _drop_restricted_proofs,
    _drop_exports,
    _drop_handovers,
    _drop_claims,
)
