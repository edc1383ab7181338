"""What can be done with the company as the law names it: look it up and change it."""

from typing import Any

from django.db import transaction

from consent.models import Controller
from consent.queries import controller_of
from tenants.actions import Actor, audit
from tenants.models import Tenant

__all__ = ["controller_of", "update"]


@transaction.atomic
def update(*, tenant: Tenant, by: Actor, **values: Any) -> Controller:
    """Change these fields of the company; raises ValidationError by field for what is not lawful or cannot be read.

    The audit row names the fields and not what is in them, because some are about people.
    """
    Controller.objects.get_or_create(tenant=tenant)
    controller = Controller.objects.select_for_update(of=("self",)).get(tenant=tenant)
    changed = sorted(name for name, value in values.items() if getattr(controller, name) != value)
    for name in changed:
        setattr(controller, name, values[name])
    controller.full_clean()
    if changed:
        controller.save()
        audit(tenant=tenant, by=by, verb="company.changed", subject=controller, changes={"fields": changed})
    return controller
