"""Tells companies by mail what the operator owes them: new sub-processors, breaches, and deadlines that run out.

A row for each company and notice is the work (consent.models.Announcement), written in the transaction of what it tells
of. Beat comes back to whatever is not told: a ring that is lost costs a minute, one that comes twice finds nothing.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection
from django.db.models import F, Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent import owing
from consent.models import Announcement, Breach, DataRequest, SubProcessor
from consent.queries import controller_of
from tenants.actions import audit
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import across_tenants, tenant_scope
from tenants.templatetags.formats import day, moment

log = logging.getLogger(__name__)

Kind = Announcement.Kind
REMINDERS_PER_RUN = 1000
VERBS = {
    Kind.SUBPROCESSOR: "subprocessor.announced",
    Kind.BREACH: "breach.told",
    Kind.DUE: "breach.reminded",
    Kind.LATE: "data_request.late_told",
    Kind.NEARING: "data_request.reminded",
}

# All companies, those that are switched off too: they are told if they come back before their data is deleted.
EVERYBODY = """
    INSERT INTO consent_announcement
        (tenant_id, kind, subprocessor_id, created_at, next_attempt_at, attempts, error)
    SELECT id, 'subprocessor', %(subprocessor)s, %(now)s, %(now)s, 0, '' FROM tenants_tenant
    ON CONFLICT DO NOTHING
"""
# Requests of people that nobody has answered yet, with the day that it is where their company is.
UNANSWERED = """
    SELECT r.id, r.tenant_id, r.due_date, r.due_date - (%(now)s AT TIME ZONE t.timezone)::date AS days_left
    FROM consent_datarequest r JOIN tenants_tenant t ON t.id = r.tenant_id AND t.is_active
    WHERE r.state NOT IN ('done', 'refused')
"""
# A request is marked together with the mail's row, or not at all: what finds a mail that waits is told of with it.
# Whoever comes second waits for the request's lock, and then finds it marked.
REQUESTS = f"""
    WITH unanswered AS ({UNANSWERED}), concerned AS (
        SELECT r.id, r.tenant_id FROM consent_datarequest r JOIN unanswered u ON u.id = r.id
        WHERE {{when}} AND r.{{column}} IS DISTINCT FROM r.due_date ORDER BY r.id FOR UPDATE OF r
    ), written AS (
        INSERT INTO consent_announcement (tenant_id, kind, created_at, next_attempt_at, attempts, error)
        SELECT DISTINCT tenant_id, %(kind)s, %(now)s, %(now)s, 0, '' FROM concerned
        ON CONFLICT DO NOTHING RETURNING tenant_id
    )
    UPDATE consent_datarequest r SET {{column}} = r.due_date FROM concerned JOIN written USING (tenant_id)
    WHERE r.id = concerned.id AND r.tenant_id = concerned.tenant_id
"""
# How long before its last day a request is reminded of.
DAYS_AHEAD = 7
WHEN = {
    Kind.NEARING: ("told_near", f"u.days_left BETWEEN 0 AND {DAYS_AHEAD}"),
    Kind.LATE: ("told_late", "u.days_left < 0"),
}


class NobodyToWriteTo(Exception):
    """The company has neither an owner nor an address for questions about data."""


class Settled(Exception):
    """What the mail would remind of was done while it waited."""


class Letter(NamedTuple):
    """A mail without its addresses."""

    subject: str
    text: str


def to_everybody(subprocessor: SubProcessor) -> None:
    """Write down that every company has to be told of a sub-processor, in the caller's transaction.

    Companies that are made later conclude a contract that names it, with its first day, in annex 2.
    """
    with across_tenants("a sub-processor is announced to every company"), connection.cursor() as cursor:
        cursor.execute(EVERYBODY, {"subprocessor": subprocessor.pk, "now": timezone.now()})


def of_breach(breach: Breach) -> None:
    """Write down that its company has to be told of a breach, in the caller's transaction."""
    Announcement.objects.get_or_create(tenant_id=breach.tenant_id, kind=Kind.BREACH, breach=breach)


def remind() -> None:
    """Write down whom to remind of breaches that the authority is not told of yet, and of requests of people.

    Each is tried, whatever happens to another; what went wrong is raised afterwards.
    """
    _each([_remind_of_breaches, *(partial(_remind_of_requests, kind) for kind in WHEN)])


def _remind_of_breaches() -> None:
    """A day before the 72 hours are over."""
    since = timezone.now() - timedelta(hours=Breach.HOURS) + Breach.REMINDED
    with across_tenants("the hours of any company's breach may run out"):
        open_ones = Breach.objects.filter(authority_told_at=None, closed_at=None, known_at__lte=since)
        risky = open_ones.filter(Q(is_risk=True) | Q(is_high_risk=True)).exclude(announcements__kind=Kind.DUE)
        rows = [
            Announcement(tenant_id=tenant_id, kind=Kind.DUE, breach_id=pk)
            for pk, tenant_id in risky.order_by("pk").values_list("pk", "tenant_id")[:REMINDERS_PER_RUN]
        ]
        Announcement.objects.bulk_create(rows, ignore_conflicts=True)


def _remind_of_requests(kind: Announcement.Kind) -> None:
    """A week before their last day, and when it has passed: one mail of each kind for all that a company has then.

    A deadline that was extended is reminded of anew.
    """
    column, when = WHEN[kind]
    with across_tenants("requests of any company may be due"), connection.cursor() as cursor:
        cursor.execute(REQUESTS.format(column=column, when=when), {"now": timezone.now(), "kind": kind.value})


def work() -> None:
    """Tell what is due, one mail after the other, for most of a minute; without a mail server it waits.

    A mail that a fault of ours holds up holds up no other; what went wrong is raised afterwards.
    """
    if owing.has_server():
        _each(partial(_tell, claimed) for claimed in _due())


def _due() -> Iterator[Announcement]:
    until = time.monotonic() + owing.SECONDS_PER_RUN
    while time.monotonic() < until and (claimed := _claimed()):
        yield claimed


def _each(works: Iterable[Callable[[], None]]) -> None:
    faults = []
    for work in works:
        try:
            work()
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise ExceptionGroup("not everything could be told", faults)


def waiting() -> dict[str, float]:
    """For how many seconds the oldest announcement of each kind has not been told."""
    with across_tenants("the operator looks at all companies together"):
        oldest = dict(_untold().values_list("kind").annotate(Min("created_at")))
    now = timezone.now()
    return {kind: (now - oldest[kind]).total_seconds() if kind in oldest else 0 for kind in Kind.values}


def overdue(*, most: int) -> int:
    """How many requests of people are past their last day without an answer, in all companies; counted up to `most`."""
    late = f"SELECT count(*) FROM (SELECT FROM ({UNANSWERED}) u WHERE u.days_left < 0 LIMIT %(most)s) late"
    with across_tenants("the operator looks at all companies together"), connection.cursor() as cursor:
        cursor.execute(late, {"now": timezone.now(), "most": most})
        (count,) = cursor.fetchone()
    return int(count)


def _untold() -> QuerySet[Announcement]:
    """What is not told yet; a company that is switched off is told of breaches only, as long as its data is here.

    During a deploy kinds that the next release brings are here already: they wait for its workers.
    """
    told = Q(tenant__is_active=True) | Q(kind=Kind.BREACH)
    return Announcement.objects.filter(told, kind__in=VERBS, told_at=None)


def _claimed() -> Announcement | None:
    """The most urgent one that is due, for this worker alone; None when nothing is due."""
    with across_tenants("whom to tell next can be any company"):
        untold = _untold().select_related("tenant", "subprocessor", "breach")
        claimed: Announcement | None = owing.claim(untold.order_by("kind", "created_at", "pk"))
        return claimed


def _tell(claimed: Announcement) -> None:
    """Send one mail outside of any transaction, and note it once it is out.

    A worker that dies between the two leaves it to be sent again: better twice than never.
    """
    try:
        letter, addresses = _written(claimed)
        send_mail(letter.subject, letter.text, None, addresses)
    except Settled:
        _drop(claimed)
    except Exception as error:
        _put_off(claimed, error)
        # What is no trouble of the mail's or the company's is a fault of ours, and has to be seen as one.
        if not isinstance(error, OSError | NobodyToWriteTo):
            raise
    else:
        _note(claimed)


def _drop(claimed: Announcement) -> None:
    """If a report to the authority is taken back, its reminder is written anew."""
    with tenant_scope(claimed.tenant):
        Announcement.objects.filter(tenant=claimed.tenant, pk=claimed.pk, told_at=None).delete()


def _put_off(claimed: Announcement, error: Exception) -> None:
    """Never given up, because the law wants it told."""
    log.warning("announcement %s of tenant %s not told: %s", claimed.pk, claimed.tenant_id, type(error).__name__)
    with tenant_scope(claimed.tenant):
        owing.put_off(claimed, error)


def _note(claimed: Announcement) -> None:
    with tenant_scope(claimed.tenant):
        untold = Announcement.objects.filter(tenant=claimed.tenant, pk=claimed.pk, told_at=None)
        about = claimed.subprocessor or claimed.breach or claimed.tenant
        if untold.update(told_at=timezone.now(), error=""):
            audit(tenant=claimed.tenant, by=None, verb=VERBS[Kind(claimed.kind)], subject=about)


def _written(claimed: Announcement) -> tuple[Letter, list[str]]:
    """The mail and its addresses; raises Settled and NobodyToWriteTo."""
    tenant = claimed.tenant
    with tenant_scope(tenant), timezone.override(tenant.timezone):
        letter = _letter(claimed)
        if not (addresses := _addresses(tenant)):
            raise NobodyToWriteTo
        return letter, addresses


def _letter(claimed: Announcement) -> Letter:
    if claimed.subprocessor:
        return _of_subprocessor(claimed.tenant, claimed.subprocessor)
    if claimed.kind in WHEN:
        return _of_requests(claimed)
    assert claimed.breach
    return (_of_hours if claimed.kind == Kind.DUE else _of_breach)(claimed.tenant, claimed.breach)


def _addresses(tenant: Tenant) -> list[str]:
    """The company's address for questions about data, and everybody who owns the workspace."""
    owners = tenant.memberships.filter(role=Role.OWNER, user__is_active=True).values_list("user__email", flat=True)
    return sorted({*owners, controller_of(tenant).email} - {""})


def _of_subprocessor(tenant: Tenant, found: SubProcessor) -> Letter:
    text = _(
        "From %(day)s on this company will process data for us as well:\n\n%(name)s, %(address)s (%(country)s)\n"
        "What for: %(purpose)s\n\nYou may object for an important reason of data protection (clause 6 of the data"
        " processing agreement). The present list: %(url)s\n"
    )
    told = {"name": found.name, "address": found.address, "country": found.country, "purpose": found.purpose}
    subject = _("A new sub-processor from %(day)s") % {"day": day(found.active_from)}
    return Letter(subject, text % {**told, "day": day(found.active_from), "url": _address("processing", tenant)})


def _of_breach(tenant: Tenant, found: Breach) -> Letter:
    """Of a breach that the operator found (Art. 33 (2) GDPR)."""
    text = _(
        "We have to tell you of a breach that concerns data of your contacts.\n\n%(what)s\n\nData and people:"
        " %(data)s\nMeasures: %(measures)s\n\nIf it is likely to be a risk for the people concerned, your"
        " supervisory authority has to be notified by %(due)s. Everything about it: %(url)s\n"
    )
    told = {"what": found.what, "data": found.data, "measures": found.measures or "–", "due": moment(found.due_at)}
    return Letter(
        _("Personal data breach: please read"), text % {**told, "url": _address("breach", tenant, uid=found.uid)}
    )


def _of_hours(tenant: Tenant, found: Breach) -> Letter:
    """That the 72 hours of Art. 33 (1) GDPR are nearly over. What happened stays in the register; raises Settled."""
    if not found.is_to_be_reported:
        raise Settled
    text = _(
        "Your register holds a breach that you have known of since %(known)s. By what it says, the supervisory"
        " authority has not been notified yet; the law wants that by %(due)s.\n\nNotify the authority and enter when"
        " you did, or enter that it is no risk for the people concerned. Whoever reports later has to say"
        " why.\n\n%(url)s\n"
    )
    told = {"known": moment(found.known_at), "due": moment(found.due_at)}
    subject = _("Personal data breach: to be reported by %(due)s") % {"due": moment(found.due_at)}
    return Letter(subject, text % {**told, "url": _address("breach", tenant, uid=found.uid)})


def _of_requests(claimed: Announcement) -> Letter:
    """How many requests of people wait and since or until when; nothing of the people. Raises Settled.

    Those that have come to it while it waited are told of with it.
    """
    waiting, (column, _when) = _requests(claimed), WHEN[Kind(claimed.kind)]
    days = list(waiting.order_by("due_date").values_list("due_date", flat=True))
    if not days:
        raise Settled
    waiting.filter(due_date__in=days).update(**{column: F("due_date")})
    told = {"count": len(days), "first": day(days[0]), "url": _address("data_requests", claimed.tenant)}
    if claimed.kind == Kind.LATE:
        subject = _("Data requests: the time to answer is over")
        text = ngettext(
            "In your register %(count)s request of a person about their data is past its last day, since %(first)s."
            " Answer it now, because people can complain to the authority.\n\n%(url)s\n",
            "In your register %(count)s requests of people about their data are past their last day, the oldest since"
            " %(first)s. Answer them now, because people can complain to the authority.\n\n%(url)s\n",
            len(days),
        )
        return Letter(subject, text % told)
    subject = _("Data requests: to be answered by %(day)s") % {"day": day(days[0])}
    text = ngettext(
        "In your register %(count)s request of a person about their data has to be answered within a week, by"
        " %(first)s (Art. 12 (3) GDPR).\n\n%(url)s\n",
        "In your register %(count)s requests of people about their data have to be answered within a week, the first by"
        " %(first)s (Art. 12 (3) GDPR).\n\n%(url)s\n",
        len(days),
    )
    return Letter(subject, text % told)


def _requests(claimed: Announcement) -> QuerySet[DataRequest]:
    """What waits for an answer, past its last day or near it; in the scope and the time zone of its company."""
    today = timezone.localdate()
    over = [DataRequest.State.DONE, DataRequest.State.REFUSED]
    waiting = DataRequest.objects.filter(tenant=claimed.tenant).exclude(state__in=over)
    if claimed.kind == Kind.LATE:
        return waiting.filter(due_date__lt=today)
    return waiting.filter(due_date__range=(today, today + timedelta(days=DAYS_AHEAD)))


def _address(page: str, tenant: Tenant, **named: object) -> str:
    return settings.PUBLIC_URL + reverse(page, kwargs={"tenant_slug": tenant.slug, **named})
