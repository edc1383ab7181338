"""What is done about the file with everything that a company has here: ask for it, and take it."""

from django.db import IntegrityError, transaction

from consent import tasks
from consent.models import Handover
from tenants import waking
from tenants.actions import audit
from tenants.models import Tenant, User


@transaction.atomic
def ask(*, tenant: Tenant, by: User) -> Handover:
    """Have a worker build the file; the one that is being built, if there is one."""
    try:
        with transaction.atomic():
            made = Handover.objects.create(tenant=tenant, asked_by=by)
    except IntegrityError:
        return Handover.objects.get(tenant=tenant, state=Handover.State.WORKING)
    audit(tenant=tenant, by=by, verb="handover.asked", subject=made)
    waking.wake(tasks.hand_over, tenant_id=tenant.pk, handover_id=made.pk)
    return made


def taken(*, handover: Handover, by: User) -> None:
    """Somebody took the file."""
    audit(tenant=handover.tenant, by=by, verb="handover.taken", subject=handover)
