"""What is done about a personal data breach: note it, change it, close it, and have the company told of it."""

from datetime import date, datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import announcing, tasks
from consent.models import Breach
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import Tenant
from tenants.templatetags.formats import day, moment


@transaction.atomic
def note(*, tenant: Tenant, by: Actor, **values: Any) -> Breach:
    """Enter a breach; raises ValidationError by field."""
    breach = Breach(tenant=tenant, **values)
    breach.full_clean(exclude=["tenant"])
    breach.save()
    audit(tenant=tenant, by=by, verb="breach.noted", subject=breach)
    return breach


@transaction.atomic
def change(*, breach: Breach, by: Actor, version: int | None, **values: Any) -> Breach:
    """Change what is known of it, as somebody saw it in this `version`.

    Raises ValidationError by field: also for one that is closed, and for one that somebody else has changed meanwhile.
    """
    locked = Breach.objects.select_for_update(of=("self",)).get(tenant=breach.tenant_id, pk=breach.pk)
    if locked.closed_at:
        raise ValidationError({"what": _("This breach is closed.")})
    changed = sorted(name for name, value in values.items() if getattr(locked, name) != value)
    if not changed:
        return locked
    if locked.version != version:
        raise ValidationError(_meanwhile(locked, changed))
    for name in changed:
        setattr(locked, name, values[name])
    locked.version += 1
    locked.full_clean(exclude=["tenant"])
    locked.save()
    # Names only: the texts may be about people.
    audit(tenant=locked.tenant, by=by, verb="breach.changed", subject=locked, changes={"fields": changed})
    return locked


def _meanwhile(locked: Breach, differing: list[str]) -> dict[str, str]:
    """What somebody else has saved since, at each field where it differs from what was sent."""
    told = _(
        "Somebody else has changed this breach meanwhile, so nothing was saved. What they saved stands at each field"
        " that differs: put yours right, then save again."
    )
    shown = {name: _shown(getattr(locked, name)) for name in differing}
    return {NON_FIELD_ERRORS: told} | {
        name: _("Saved meanwhile: %(value)s") % {"value": value} for name, value in shown.items()
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment(value)
    return day(value) if isinstance(value, date) else str(value or "–")


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


@transaction.atomic
def tell(breach: Breach) -> None:
    """Have the company told by mail, once, of a breach that the operator found (Art. 33 (2) GDPR)."""
    announcing.of_breach(breach)
    waking.wake(tasks.tell_companies)
