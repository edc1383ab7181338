"""What is done about the contract of Art. 28 GDPR: a company accepts it; a new sub-processor is announced to all."""

import hashlib

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import agreements, tasks
from consent.models import Agreement, SubProcessor
from consent.queries import controller_of
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import Tenant, User


@transaction.atomic
def accept(*, tenant: Tenant, signer: str, position: str, language: str = "de", by: Actor) -> Agreement:
    """Conclude the contract in its present text; the very words are kept. From then on the company may send (CG-50).

    Accepted twice it is concluded once. Raises ValidationError where the signer's name or the company's own is missing:
    nobody can sign for nobody.
    """
    # A double click waits here, and finds that it is done.
    Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
    known = agreements.accepted(tenant)
    if known and not agreements.is_new(known):
        return known
    controller = controller_of(tenant)
    if not controller.legal_name and not tenant.name:
        raise ValidationError({"signer": _("Enter the company's legal name first.")})
    if not signer.strip() or not position.strip():
        raise ValidationError({"signer": _("Enter who signs for the company, and in which position.")})
    text = agreements.text(tenant, language)
    made = Agreement.objects.create(
        tenant=tenant,
        version=agreements.VERSION,
        language=language,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        signer=signer.strip(),
        position=position.strip(),
        accepted_by=by if isinstance(by, User) else None,
    )
    audit(tenant=tenant, by=by, verb="agreement.accepted", subject=made, changes={"version": made.version})
    return made


@transaction.atomic
def announce(subprocessor: SubProcessor) -> None:
    """Tell every company by mail who will process data too; done once for each sub-processor."""
    told = SubProcessor.objects.filter(pk=subprocessor.pk, announced_at=None).update(announced_at=timezone.now())
    if told:
        waking.wake(tasks.announce, subprocessor_id=subprocessor.pk)
