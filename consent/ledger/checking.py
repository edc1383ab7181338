"""Verifies every ledger each night, a stretch at a time, and keeps what came out for its company and the operator.

Against the heads in LEDGER_ANCHOR_DIR, too, where the worker has that folder; pages of the web show what was found.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop

from consent import telling
from consent.ledger import anchoring, depositing, verifying, wordings
from consent.ledger.anchoring import Problem, Signed
from consent.ledger.verifying import Place, Verdict
from consent.models import ConsentEvent, ConsentHead, LedgerCheck
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope

log = logging.getLogger(__name__)
# UTC; after the heads were signed, and neither with the recount of KPIs nor with the rounds of what is past its time.
NIGHT = time(2, 15)
# 100,000 rows take some seconds; then the next task goes on, so that a deploy never waits long.
PAGES = 20
# Longer than a stretch can take; then its worker is gone.
LEASE = timedelta(minutes=10)
AT_ONCE = 100
# A check that is older means that the nightly one does not run.
LATE = timedelta(days=2)
FREE = Q(ledger_check__leased_until=None) | Q(ledger_check__leased_until__lt=Now())
TALLY = """
SELECT (SELECT count(*) FROM (SELECT FROM consent_ledgercheck WHERE is_intact = FALSE LIMIT %(most)s) b),
       (SELECT count(*) FROM (
            SELECT FROM tenants_tenant t LEFT JOIN consent_ledgercheck c ON c.tenant_id = t.id
            WHERE t.created_at < now() - %(late)s AND (c.checked_at IS NULL OR c.checked_at < now() - %(late)s)
            LIMIT %(most)s) u),
       (SELECT count(*) FROM (SELECT FROM consent_ledgercheck WHERE is_uncompared LIMIT %(most)s) n)
"""


def due() -> list[int]:
    """Ids of the tenants whose ledger was not looked at since last night, or whose check has lost its worker.

    Asked every minute, so that a night without Redis is made up for.
    """
    with across_tenants("every company's ledger is verified at night"):
        not_begun = Q(ledger_check__begun_at=None) | Q(ledger_check__begun_at__lt=_night())
        waiting = Tenant.objects.filter(FREE, not_begun | Q(ledger_check__walk__isnull=False)).order_by(
            "ledger_check__begun_at", "pk"
        )
        return list(waiting.values_list("pk", flat=True)[:AT_ONCE])


def _night() -> datetime:
    """When last night's checks began to be due."""
    now = timezone.now()
    tonight = now.replace(hour=NIGHT.hour, minute=NIGHT.minute, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def work(tenant_id: int) -> bool:
    """Go on with the check of one ledger for a stretch; True if more of it is left.

    Returns False at once while another worker is at it, and where last night's check is over.
    """
    tenant = Tenant.objects.get(pk=tenant_id)
    if (place := _leased(tenant)) is None:
        return False
    known = depositing.last_kept(tenant)
    # Read before the database's own, which therefore know every head that was kept.
    kept = depositing.kept(tenant)
    found = verifying.walk(tenant, place, kept, pages=PAGES)
    if isinstance(found, Place):
        _update(tenant, walk=asdict(found), leased_until=None)
        return True
    is_uncompared = depositing.are_lacking(tenant, kept, known)
    _note(tenant, found, is_uncompared=is_uncompared)
    if is_uncompared:
        depositing.keep_anew(tenant)
    return False


def _leased(tenant: Tenant) -> Place | None:
    """Take the check; from where to go on."""
    with tenant_scope(tenant):
        LedgerCheck.objects.bulk_create([LedgerCheck(tenant=tenant)], ignore_conflicts=True)
        check = LedgerCheck.objects.select_for_update().get(tenant=tenant)
        now = timezone.now()
        is_done = check.walk is None and check.begun_at is not None and check.begun_at >= _night()
        if is_done or (check.leased_until and check.leased_until > now):
            return None
        if check.walk is None:
            check.begun_at, check.walk = now, asdict(Place())
        check.leased_until = now + LEASE
        check.save(update_fields=["begun_at", "walk", "leased_until"])
        return Place(**check.walk)


def _note(tenant: Tenant, found: Verdict, *, is_uncompared: bool) -> None:
    """Keep what a check has found, with the consent texts, of which there are few."""
    altered = wordings.altered(tenant)
    with tenant_scope(tenant):
        signed = anchoring.latest(tenant)
    because = found.because or Problem("")
    is_intact = found.broken_seq is None and altered is None
    _update(
        tenant,
        walk=None,
        leased_until=None,
        checked_at=timezone.now(),
        is_intact=is_intact,
        rows=found.rows,
        anchors=found.anchors,
        signed_on=_day(signed),
        broken_seq=found.broken_seq,
        because=because.text,
        because_day=because.day,
        because_seq=because.seq,
        is_uncompared=is_uncompared,
        altered_wording=f"{altered.wording.name} ({altered.number})"[:200] if altered else "",
    )
    if not is_intact:
        log.error("the ledger of tenant %s is broken: see manage.py verify_ledger", tenant.pk)


def _update(tenant: Tenant, **fields: Any) -> None:
    with tenant_scope(tenant):
        LedgerCheck.objects.filter(tenant=tenant).update(**fields)


@dataclass(frozen=True)
class Standing:
    """How a ledger stands: last night's check, if there was one, and what a look just now has found.

    `tone` is "good", "bad", "late" where the nightly check has not run for two days, or "new" before the first one.
    `is_refused` where the company's own mailbox refuses its seals.
    """

    check: LedgerCheck | None
    problem: Problem | None
    signed_on: date | None
    is_refused: bool

    @property
    def told(self) -> str:
        """What is wrong, in words; "" where nothing is."""
        if self.problem:
            return telling.problem(*self.problem)
        if self.check and self.check.because:
            return telling.problem(self.check.because, self.check.because_day, self.check.because_seq)
        return ""

    @property
    def tone(self) -> str:
        if self.problem or (self.check and self.check.is_intact is False):
            return "bad"
        if self.check is None or self.check.checked_at is None:
            return "new"
        return "late" if self.check.checked_at < timezone.now() - LATE else "good"


def standing(tenant: Tenant) -> Standing:
    """How the company's ledger stands now, in an open scope: five reads, however long it is."""
    signed, check = anchoring.latest(tenant), LedgerCheck.objects.filter(tenant=tenant).first()
    return Standing(check, _now_wrong(tenant, signed), _day(signed), depositing.is_refused(tenant))


def _now_wrong(tenant: Tenant, signed: Signed | None) -> Problem | None:
    """Whether the last signed head and the end of the chain fit their rows; one of them shows most tampering."""
    head = ConsentHead.objects.filter(tenant=tenant).first()
    seqs = [head.last_seq if head else 0, signed.said["seq"] if signed else 0]
    rows = ConsentEvent.objects.filter(tenant=tenant, seq__in=seqs).values_list("seq", "row_hash")
    hashes = {seq: bytes(row_hash) for seq, row_hash in rows}
    if signed and (problem := _unfitting(tenant, signed, hashes)):
        return problem
    if head and head.last_seq and hashes.get(head.last_seq) != bytes(head.last_hash):
        return Problem(gettext_noop("not the row that the head of the chain names"))
    return None


def _unfitting(tenant: Tenant, signed: Signed, hashes: Mapping[int, bytes]) -> Problem | None:
    said = signed.said
    if not anchoring.is_ours(signed):
        return Problem(gettext_noop("the anchor of %(day)s is not signed by us"), said["day"])
    if said["tenant"] != str(tenant.uid):
        return Problem(gettext_noop("the anchor of %(day)s belongs to another company"), said["day"])
    if hashes.get(said["seq"], b"").hex() != said["hash"]:
        return Problem(gettext_noop("not what was signed on %(day)s up to row %(seq)s"), said["day"], said["seq"])
    return None


def _day(signed: Signed | None) -> date | None:
    return date.fromisoformat(signed.said["day"]) if signed else None


class Tally(NamedTuple):
    """Ledgers that do not hold, companies whose ledger was not verified for two days, and whose heads were lost."""

    broken: int
    unchecked: int
    uncompared: int


def tally(*, most: int) -> Tally:
    """The same over all companies, each counted up to `most`."""
    with across_tenants("the operator watches over all ledgers"), connection.cursor() as cursor:
        values: dict[str, Any] = {"most": most, "late": LATE}
        cursor.execute(TALLY, values)
        return Tally(*cursor.fetchone())
