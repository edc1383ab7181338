"""Takes signed heads out of the database: into a folder, and to the company by mail, where nobody can rewrite them.

Only the newest head of a company: it names the last row by hash, and by hash the head before it, so it covers them all.
A row for each company says what is done (consent.models.LedgerDeposit); beat comes back to whatever is not.
"""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any, BinaryIO

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import owing
from consent.ledger import anchoring
from consent.ledger.anchoring import Signed
from consent.models import Controller, LedgerDeposit
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
    """For how many companies something is left to do, counted up to `most`; not for mailboxes that refuse."""
    with across_tenants("the operator looks at all companies together"):
        return _open()[:most].count()


def is_refused(tenant: Tenant) -> bool:
    """Whether the company's mailbox has refused its newest seal; in an open scope."""
    return LedgerDeposit.objects.filter(tenant=tenant, refused_until__isnull=False).exists()


def address_changed(tenant: Tenant) -> None:
    """Have the newest head mailed to the new address, in the caller's transaction, whatever the old one has got."""
    # Whoever is mailing to the old one just now notes nothing any more.
    again = {"mailed": 0, "refused_until": None, "error": "", "next_attempt_at": timezone.now()}
    LedgerDeposit.objects.filter(tenant=tenant).update(attempts=F("attempts") + 1, **again)


def last_kept(tenant: Tenant) -> int:
    """The number of the head that was last kept in LEDGER_ANCHOR_DIR; 0 without one or without the folder."""
    with tenant_scope(tenant):
        found = LedgerDeposit.objects.filter(tenant=tenant).values_list("kept", flat=True).first()
    return (found or 0) if settings.LEDGER_ANCHOR_DIR else 0


def are_lacking(tenant: Tenant, heads: Iterable[Signed], known: int) -> bool:
    """Whether these heads of the folder end before the one that was kept last, which has the number `known`."""
    own = (head for head in heads if head.said["tenant"] == str(tenant.uid) and anchoring.is_ours(head))
    return max((head.said["number"] for head in own), default=0) < known


def keep_anew(tenant: Tenant) -> None:
    """Have the newest head kept again, because those that were are gone."""
    log.error("the kept heads of tenant %s are not where they were", tenant.pk)
    with tenant_scope(tenant):
        LedgerDeposit.objects.filter(tenant=tenant).update(kept=0, next_attempt_at=timezone.now())


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
    """Those of companies whose newest head is not where it should be, but for mailboxes that refuse."""
    wanted = Q(pk=None)
    if settings.LEDGER_ANCHOR_DIR:
        wanted |= ~Q(kept=F("signed"))
    if owing.has_server():
        asked = Q(refused_until=None) | Q(refused_until__lte=timezone.now())
        wanted |= Q(tenant__controller__anchor_email__gt="") & asked & ~Q(mailed=F("signed"))
    return LedgerDeposit.objects.filter(wanted)


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
    faults = [*_kept(deposit, signed), *_mailed(deposit, signed, address)]
    if not faults:
        _note(deposit, attempts=0, error="")
    else:
        with tenant_scope(tenant):
            owing.put_off(deposit, faults[0])
    # What is no trouble of the disk's or the mail's is a fault of ours, and has to be seen as one.
    if unforeseen := [fault for fault in faults if not isinstance(fault, OSError | NotOurs)]:
        raise unforeseen[0]


def _kept(deposit: LedgerDeposit, signed: Signed | None) -> Iterator[Exception]:
    """Keep it where there is a folder; what went wrong, if anything."""
    if not settings.LEDGER_ANCHOR_DIR or deposit.kept == deposit.signed:
        return
    try:
        head = _checked(signed)
        _keep(deposit.tenant, head)
        _note(deposit, kept=head.said["number"])
    except Exception as fault:
        log.error("the head of tenant %s was not kept: %s", deposit.tenant_id, type(fault).__name__)
        yield fault


def _mailed(deposit: LedgerDeposit, signed: Signed | None, address: str) -> Iterator[Exception]:
    """Mail it where the company wants that; what went wrong, if anything but that its mailbox refuses."""
    is_refused = deposit.refused_until is not None and deposit.refused_until > timezone.now()
    if not address or not owing.has_server() or is_refused or deposit.mailed == deposit.signed:
        return
    try:
        head = _checked(signed)
        _mail(head, address)
        _note(deposit, mailed=head.said["number"], refused_until=None)
    except Exception as fault:
        # The text of an error may name the address.
        log.error("the head of tenant %s was not mailed: %s", deposit.tenant_id, type(fault).__name__)
        if isinstance(fault, SMTPRecipientsRefused) and not owing.is_taken_later(fault):
            _note(deposit, refused_until=timezone.now() + REFUSED_PAUSE)
        else:
            yield fault


def _checked(signed: Signed | None) -> Signed:
    if signed is None or not anchoring.is_ours(signed):
        raise NotOurs
    return signed


def _note(deposit: LedgerDeposit, **done: Any) -> None:
    """Note it, unless the lease was over or the address has changed meanwhile."""
    with tenant_scope(deposit.tenant):
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


def _mail(signed: Signed, address: str) -> None:
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
