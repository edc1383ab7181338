"""Takes signed heads out of the database: into a folder, and to the company by mail, where nobody can rewrite them."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from consent.ledger import anchoring
from consent.ledger.anchoring import Signed
from consent.models import Controller
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
TENANTS_AT_A_TIME = 500


def anchor_all() -> int:
    """Sign the head of every ledger that has grown since yesterday and take it elsewhere; returns how many."""
    count = 0
    for tenant in _tenants():
        if signed := anchoring.anchor(tenant):
            count += 1
            _keep(tenant, signed)
            _mail(tenant, signed)
    return count


def _tenants() -> Iterator[Tenant]:
    after = 0
    while page := list(Tenant.objects.filter(pk__gt=after).order_by("pk")[:TENANTS_AT_A_TIME]):
        yield from page
        after = page[-1].pk


def _keep(tenant: Tenant, signed: Signed) -> None:
    """Append to LEDGER_ANCHOR_DIR/<tenant>.jsonl, if there is such a folder; best on another machine's disk."""
    if not settings.LEDGER_ANCHOR_DIR:
        return
    path = Path(settings.LEDGER_ANCHOR_DIR) / f"{re.sub(r'[^a-z0-9-]', '', tenant.slug)}.jsonl"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(signed.as_line() + "\n")
    except OSError as error:
        log.error("the signed head of tenant %s cannot be kept: %s", tenant.pk, error.strerror)


def _mail(tenant: Tenant, signed: Signed) -> None:
    with tenant_scope(tenant):
        address = Controller.objects.filter(tenant=tenant).values_list("anchor_email", flat=True).first()
    if not address:
        return
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
        # Tomorrow's seal covers today's entries too.
        log.error("the signed head of tenant %s cannot be mailed: %s", tenant.pk, type(error).__name__)
