"""Takes signed heads out of the database: into a folder, and to the company by mail, where nobody can rewrite them.

Only the newest head of a company: it names the last row by hash, and by hash the head before it, so it covers them all.
A row for each company says what is done (consent.models.LedgerDeposit); beat comes back to whatever is not.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any, BinaryIO

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import owing
from consent.ledger import anchoring
from consent.ledger.anchoring import Signed
from consent.models import Controller, LedgerAnchor, LedgerDeposit
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope

log = logging.getLogger(__name__)
# A mailbox that refuses is asked once a day: it would refuse again a minute later.
REFUSED_PAUSE = timedelta(days=1)


class NotOurs(Exception):
    """The newest head is not signed by us: the check of the ledger names it; nobody is sent a forged seal."""


def work() -> None:
    """Take the newest heads to where they are not yet, one company's after the other, for most of a minute.

    One that a fault of ours holds up holds up no other for longer than till the next ring.
    """
    until = time.monotonic() + owing.SECONDS_PER_RUN
    while time.monotonic() < until and (deposit := _claimed()):
        _deposit(deposit)


def waiting(*, most: int) -> int:
    """How many companies' newest head is not yet where it should be, counted up to `most`."""
    with across_tenants("the operator looks at all companies together"):
        return _open().order_by()[:most].count()


def try_again(tenant: Tenant) -> None:
    """Have a company's head taken out at the next ring, because where it goes has changed; in an open scope."""
    LedgerDeposit.objects.filter(tenant=tenant).update(next_attempt_at=timezone.now(), error="")


def is_unmailed(tenant: Tenant) -> bool:
    """Whether a company's newest head could not be mailed when it was last tried; in an open scope."""
    return _open().filter(tenant=tenant, mailed__lt=F("newest")).exclude(error="").exists()


def are_lacking(tenant: Tenant, heads: Sequence[Signed], known: int) -> bool:
    """Whether the folder has fewer `heads` than it should have: before they were read, `known` was kept there.

    Then they are kept anew, and whoever found it has to tell the operator.
    """
    if not settings.LEDGER_ANCHOR_DIR or max((int(head.said["number"]) for head in heads), default=0) >= known:
        return False
    log.error("the kept heads of tenant %s are not where they were", tenant.pk)
    with tenant_scope(tenant):
        LedgerDeposit.objects.filter(tenant=tenant).update(kept=0, next_attempt_at=timezone.now())
    return True


def last_kept(tenant: Tenant) -> int:
    """The number of the head that was last kept in LEDGER_ANCHOR_DIR; 0 without one."""
    with tenant_scope(tenant):
        return LedgerDeposit.objects.filter(tenant=tenant).values_list("kept", flat=True).first() or 0


def kept(tenant: Tenant) -> list[Signed]:
    """The heads in this company's file of LEDGER_ANCHOR_DIR; none where this machine has no such folder or file."""
    if not settings.LEDGER_ANCHOR_DIR:
        return []
    try:
        lines = _path(tenant).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        log.error("the kept heads of tenant %s cannot be read: %s", tenant.pk, error.strerror)
        return []
    return list(_read(tenant, lines))


def _read(tenant: Tenant, lines: list[str]) -> Iterator[Signed]:
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield Signed.from_line(line)
        except ValueError:
            # A disk that was full cuts a line off; that says nothing about the ledger.
            log.error("line %s of the kept heads of tenant %s is none", number, tenant.pk)


def _open() -> QuerySet[LedgerDeposit]:
    """Those of companies whose newest head is not where it should be."""
    newest = LedgerAnchor.objects.filter(tenant=OuterRef("tenant")).order_by("-number").values("number")[:1]
    wanted = Q(pk=None)
    if settings.LEDGER_ANCHOR_DIR:
        wanted |= ~Q(kept=F("newest"))
    if owing.has_server():
        wanted |= Q(tenant__controller__anchor_email__gt="") & ~Q(mailed=F("newest"))
    return LedgerDeposit.objects.alias(newest=Subquery(newest)).filter(wanted)


def _claimed() -> LedgerDeposit | None:
    with across_tenants("whose head is next can be any company's"):
        deposits = _open().select_related("tenant").order_by("next_attempt_at", "pk")
        claimed: LedgerDeposit | None = owing.claim(deposits)
        return claimed


def _deposit(deposit: LedgerDeposit) -> None:
    """Keep and mail what is not yet, and note it afterwards: who dies between does it once more, not never."""
    tenant = deposit.tenant
    with tenant_scope(tenant):
        signed = anchoring.latest(tenant)
        address = Controller.objects.filter(tenant=tenant).values_list("anchor_email", flat=True).first() or ""
    faults = [fault for fault in _taken_out(deposit, signed, address) if fault]
    with tenant_scope(tenant):
        if not faults:
            _note(deposit, attempts=0, error="")
        elif isinstance(faults[-1], SMTPRecipientsRefused | NotOurs):
            owing.note(deposit, faults[-1], next_attempt_at=timezone.now() + REFUSED_PAUSE)
        else:
            owing.put_off(deposit, faults[-1])
    # What is no trouble of the disk's or the mail's is a fault of ours, and has to be seen as one.
    if unforeseen := [fault for fault in faults if not isinstance(fault, OSError | NotOurs)]:
        raise unforeseen[0]


def _taken_out(deposit: LedgerDeposit, signed: Signed | None, address: str) -> Iterator[Exception | None]:
    """Go each way that is left; what went wrong with it, and that is noted of it otherwise."""
    if signed is None or not anchoring.is_ours(signed):
        log.error("the newest head of tenant %s is not signed by us", deposit.tenant_id)
        yield NotOurs()
        return
    tenant, number = deposit.tenant, int(signed.said["number"])
    if settings.LEDGER_ANCHOR_DIR and deposit.kept != number:
        yield _done(deposit, lambda: _keep(tenant, signed), kept=number)
    if address and owing.has_server() and deposit.mailed != number:
        yield _done(deposit, lambda: _mail(tenant, signed, address), mailed=number)


def _done(deposit: LedgerDeposit, way: Callable[[], None], **noted: int) -> Exception | None:
    try:
        way()
    except Exception as error:
        # The text of an error may name the address.
        log.error("the head of tenant %s was not %s: %s", deposit.tenant_id, *noted, type(error).__name__)
        return error
    with tenant_scope(deposit.tenant):
        _note(deposit, **noted)
    return None


def _note(deposit: LedgerDeposit, **done: Any) -> None:
    """Note it, unless the lease was over and another worker has the row now."""
    LedgerDeposit.objects.filter(tenant=deposit.tenant_id, attempts=deposit.attempts).update(**done)


def _path(tenant: Tenant) -> Path:
    return Path(settings.LEDGER_ANCHOR_DIR) / f"{re.sub(r'[^a-z0-9-]', '', tenant.slug)}.jsonl"


def _keep(tenant: Tenant, signed: Signed) -> None:
    """Append to LEDGER_ANCHOR_DIR/<tenant>.jsonl, best on another machine's disk; raises OSError."""
    with _path(tenant).open("a+b") as file:
        line = signed.as_line().encode() + b"\n"
        # Behind a line that a full disk has cut off, on one of its own.
        file.write(line if _ends_a_line(file) else b"\n" + line)
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(file: BinaryIO) -> bool:
    if file.tell() == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read() == b"\n"


def _mail(tenant: Tenant, signed: Signed, address: str) -> None:
    """Hand it to the mail server; raises what that says."""
    said = signed.said
    text = _(
        "This is the seal of your consent ledger for %(day)s: %(rows)s entries, signed.\n\n"
        "Please keep this mail. Together with it, anybody can prove that no entry up to this day was changed, removed"
        " or added later: add the following line to anchors.jsonl in the file that you get under “Contract and"
        " records”, “Take everything with you”, and start the verify.py beside it. Whoever runs Zusage saves the line"
        " in a file for “manage.py verify_ledger --anchors FILE”.\n\n"
    ) % {"day": said["day"], "rows": said["seq"]}
    subject = _("Seal of the consent ledger, %(day)s") % {"day": said["day"]}
    send_mail(subject, f"{text}{signed.as_line()}\n", None, [address])
