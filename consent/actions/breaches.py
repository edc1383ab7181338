"""What is done about a personal data breach: note it, change it, close it, and have the company told of it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import tasks
from consent.models import Breach
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import Tenant


@transaction.atomic
def note(*, tenant: Tenant, by: Actor, **values: Any) -> Breach:
    """Enter a breach; raises ValidationError by field."""
    breach = Breach(tenant=tenant, **values)
    breach.full_clean(exclude=["tenant"])
    breach.save()
    audit(tenant=tenant, by=by, verb="breach.noted", subject=breach)
    return breach


@transaction.atomic
def change(*, breach: Breach, by: Actor, **values: Any) -> Breach:
    """Change what is known of it; raises ValidationError by field, also for one that is closed."""
    locked = Breach.objects.select_for_update(of=("self",)).get(tenant=breach.tenant_id, pk=breach.pk)
    if locked.closed_at:
        raise ValidationError({"what": _("This breach is closed.")})
    changed = sorted(name for name, value in values.items() if getattr(locked, name) != value)
    for name in changed:
        setattr(locked, name, values[name])
    locked.full_clean(exclude=["tenant"])
    locked.save()
    # Names only: the texts may be about people.
    audit(tenant=locked.tenant, by=by, verb="breach.changed", subject=locked, changes={"fields": changed})
    return locked


@transaction.atomic
def close(*, breach: Breach, by: Actor) -> None:
    """End the work on it. Raises ValidationError while nobody was told of a risk, or late, and nothing says why."""
    breach = Breach.objects.select_for_update(of=("self",)).get(tenant=breach.tenant_id, pk=breach.pk)
    told_at = breach.authority_told_at
    is_late = told_at is None or told_at > breach.due_at
    if (breach.is_risk or breach.is_high_risk) and is_late and not breach.why_not.strip():
        raise ValidationError(
            {"why_not": _("Say why the authority was not notified within 72 hours, or enter when it was.")}
        )
    if breach.is_high_risk and not breach.people_told_at and not breach.why_not.strip():
        raise ValidationError(
            {"why_not": _("Say why the people concerned were not informed, or enter when they were.")}
        )
    if Breach.objects.filter(pk=breach.pk, closed_at=None).update(closed_at=timezone.now()):
        audit(tenant=breach.tenant, by=by, verb="breach.closed", subject=breach)


def people_taken(*, breach: Breach, by: Actor) -> None:
    """Somebody took the list of the people concerned."""
    audit(tenant=breach.tenant, by=by, verb="breach.people_taken", subject=breach)


def tell(breach: Breach) -> None:
    """Have the company told by mail of a breach that the operator found (Art. 33 (2) GDPR)."""
    waking.wake(tasks.tell_of_breach, tenant_id=breach.tenant_id, breach_id=breach.pk)
