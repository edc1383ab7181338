"""What is done about the contract of Art. 28 GDPR: a company accepts it; a new sub-processor is announced to all."""

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import agreements, announcing, tasks
from consent.models import Agreement, SubProcessor
from consent.queries import controller_of
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import Tenant, User


@transaction.atomic
def accept(
    *, tenant: Tenant, signer: str, position: str, language: str = "de", shown: str | None = None, by: Actor
) -> Agreement:
    """Conclude the contract in its present text; the very words are kept. From then on the company may send (CG-50).

    `shown` is the SHA-256 of the text that the signer has read. Without `by` the operator enters what was concluded
    elsewhere, if need be without who has signed it. Accepted twice it is concluded once. Raises ValidationError where
    the text is another one by now, and where a name or the operator's address is missing: nobody can sign for nobody,
    or with nobody.
    """
    # A double click waits here, and finds that it is done.
    Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
    known = agreements.accepted(tenant)
    if known and not (by and agreements.is_open(known)) and not agreements.is_new(known):
        return known
    controller = controller_of(tenant)
    if not controller.legal_name and not tenant.name:
        raise ValidationError({"signer": _("Enter the company's legal name first.")})
    if by and agreements.lacks_operator():
        raise ValidationError({NON_FIELD_ERRORS: agreements.NO_OPERATOR})
    if by and not (signer.strip() and position.strip()):
        raise ValidationError({"signer": _("Enter who signs for the company, and in which position.")})
    text = agreements.text(tenant, language)
    sha256 = agreements.digest(text)
    if shown is not None and shown != sha256:
        told = _("The text has changed since this page was opened. Please read it again, then conclude it.")
        raise ValidationError({NON_FIELD_ERRORS: told})
    made = Agreement.objects.create(
        tenant=tenant,
        version=agreements.VERSION,
        language=language,
        text=text,
        sha256=sha256,
        signer=signer.strip(),
        position=position.strip(),
        accepted_by=by if isinstance(by, User) else None,
    )
    audit(tenant=tenant, by=by, verb="agreement.accepted", subject=made, changes={"version": made.version})
    return made


@transaction.atomic
def announce(subprocessor: SubProcessor) -> None:
    """Have every company told by mail who will process data too; done once for each sub-processor.

    Raises ValidationError where that is less than 30 days ahead.
    """
    found = SubProcessor.objects.select_for_update().filter(pk=subprocessor.pk, announced_at=None).first()
    if found is None:
        return
    found.clean()
    SubProcessor.objects.filter(pk=found.pk).update(announced_at=timezone.now())
    announcing.to_everybody(found)
    waking.wake(tasks.tell_companies)
