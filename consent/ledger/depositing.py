"""Takes signed heads out of the database: into a folder, and to the company by mail, where nobody can rewrite them.

Only the newest head of a company: it names the last row by hash, and by hash the head before it, so it covers them all.
"""

import logging
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPException
from typing import Any, BinaryIO

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection
from django.utils.translation import gettext as _

from consent import leases
from consent.ledger import anchoring
from consent.ledger.anchoring import Signed
from consent.models import Controller, LedgerDeposit
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope

log = logging.getLogger(__name__)
TENANTS_AT_A_TIME = 500
# Longer than a mail can take; then its worker is gone.
LEASE = timedelta(minutes=10)
# Companies whose newest head is not where it should be: since today, or since a disk was full or a mail server down.
OPEN = """
SELECT t.id FROM tenants_tenant t
CROSS JOIN LATERAL (
    SELECT a.number FROM consent_ledgeranchor a WHERE a.tenant_id = t.id ORDER BY a.number DESC LIMIT 1
) newest
LEFT JOIN consent_ledgerdeposit d ON d.tenant_id = t.id
LEFT JOIN consent_controller c ON c.tenant_id = t.id
WHERE t.id > %(after)s AND (
    (%(has_folder)s AND newest.number <> coalesce(d.kept, 0))
    OR (c.anchor_email <> '' AND newest.number <> coalesce(d.mailed, 0))
)
ORDER BY t.id LIMIT %(most)s
"""


def anchor_all() -> int:
    """Sign the head of every ledger that has grown since yesterday; returns how many.

    Then take the newest head of each company to where it is not yet, once a call: what fails is tried the next time.
    """
    count = sum(anchoring.anchor(tenant) is not None for tenant in _tenants())
    after = 0
    while ids := _open(after):
        for tenant in Tenant.objects.filter(pk__in=ids).order_by("pk"):
            _deposit(tenant)
        after = ids[-1]
    return count


def waiting(*, most: int) -> int:
    """How many companies' newest head is not yet where it should be, counted up to `most`.

    Right after the signing it says what has failed; whoever enters an address today is waiting until then, too.
    """
    return len(_open(0, most))


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


def _tenants() -> Iterator[Tenant]:
    after = 0
    while page := list(Tenant.objects.filter(pk__gt=after).order_by("pk")[:TENANTS_AT_A_TIME]):
        yield from page
        after = page[-1].pk


def _open(after: int, most: int = TENANTS_AT_A_TIME) -> list[int]:
    with across_tenants("heads of every company that are not elsewhere yet"), connection.cursor() as cursor:
        values = {"after": after, "has_folder": bool(settings.LEDGER_ANCHOR_DIR), "most": most}
        cursor.execute(OPEN, values)
        return [pk for (pk,) in cursor.fetchall()]


def _deposit(tenant: Tenant) -> None:
    """Keep and mail what is not yet, and note it afterwards: who dies between does it once more, not never."""
    with tenant_scope(tenant):
        LedgerDeposit.objects.bulk_create([LedgerDeposit(tenant=tenant)], ignore_conflicts=True)
        rows = LedgerDeposit.objects.filter(tenant=tenant)
        if not leases.take(rows, LEASE):
            return
        done, signed = rows.get(), anchoring.latest(tenant)
        address = Controller.objects.filter(tenant=tenant).values_list("anchor_email", flat=True).first()
    if signed is None or not anchoring.is_ours(signed):
        # The check of the ledger names it; nobody is sent a forged seal.
        log.error("the newest head of tenant %s is not signed by us", tenant.pk)
        _note(tenant)
        return
    number = int(signed.said["number"])
    if settings.LEDGER_ANCHOR_DIR and done.kept != number and _keep(tenant, signed):
        _note(tenant, kept=number)
    if address and done.mailed != number and _mail(tenant, signed, address):
        _note(tenant, mailed=number)
    _note(tenant)


def _note(tenant: Tenant, **done: Any) -> None:
    """What is done by now; without anything, that it is over."""
    with tenant_scope(tenant):
        LedgerDeposit.objects.filter(tenant=tenant).update(**done or {"leased_until": None})


def _path(tenant: Tenant) -> Path:
    return Path(settings.LEDGER_ANCHOR_DIR) / f"{re.sub(r'[^a-z0-9-]', '', tenant.slug)}.jsonl"


def _keep(tenant: Tenant, signed: Signed) -> bool:
    """Append to LEDGER_ANCHOR_DIR/<tenant>.jsonl, best on another machine's disk; whether it is there."""
    try:
        with _path(tenant).open("a+b") as file:
            line = signed.as_line().encode() + b"\n"
            # Behind a line that a full disk has cut off, on one of its own.
            file.write(line if _ends_a_line(file) else b"\n" + line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.error("the signed head of tenant %s cannot be kept: %s", tenant.pk, error.strerror)
        return False
    return True


def _ends_a_line(file: BinaryIO) -> bool:
    if file.tell() == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read() == b"\n"


def _mail(tenant: Tenant, signed: Signed, address: str) -> bool:
    """Whether the mail server has taken it."""
    said = signed.said
    text = _(
        "This is the seal of your consent ledger for %(day)s: %(rows)s entries, signed.\n\n"
        "Please keep this mail. Together with it, anybody can prove that no entry up to this day was changed, removed"
        " or added later: save the following line in a file and run “manage.py verify_ledger --anchors FILE”.\n\n"
    ) % {"day": said["day"], "rows": said["seq"]}
    subject = _("Seal of the consent ledger, %(day)s") % {"day": said["day"]}
    try:
        send_mail(subject, f"{text}{signed.as_line()}\n", None, [address])
    except (SMTPException, OSError) as error:
        log.error("the signed head of tenant %s cannot be mailed: %s", tenant.pk, type(error).__name__)
        return False
    return True
