"""What is done about a company's own register of processors: enter one, change it, end it (M-51)."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from consent.models import Processor
from tenants.actions import Actor, audit
from tenants.models import Tenant


@transaction.atomic
def add(*, tenant: Tenant, by: Actor, **values: Any) -> Processor:
    """Enter one; raises ValidationError by field."""
    processor = Processor(tenant=tenant, **values)
    _save(processor)
    audit(tenant=tenant, by=by, verb="processor.added", subject=processor)
    return processor


@transaction.atomic
def change(*, processor: Processor, by: Actor, **values: Any) -> None:
    """Change what is entered; raises ValidationError by field."""
    locked = _held(processor)
    changed = sorted(name for name, value in values.items() if getattr(locked, name) != value)
    if not changed:
        return
    for name in changed:
        setattr(locked, name, values[name])
    _save(locked, update_fields=changed)
    audit(tenant=locked.tenant, by=by, verb="processor.changed", subject=locked, changes={"fields": changed})


@transaction.atomic
def end(*, processor: Processor, by: Actor) -> None:
    """Today is their last day; once."""
    locked = _held(processor)
    if locked.goes_on:
        locked.ended_on = timezone.localdate()
        locked.save(update_fields=["ended_on"])
        audit(tenant=locked.tenant, by=by, verb="processor.ended", subject=locked)


def _save(processor: Processor, **how: Any) -> None:
    """Refuse what stands in the list already, also what a second click of the same moment has just entered."""
    processor.full_clean()
    try:
        with transaction.atomic():
            processor.save(**how)
    except IntegrityError:
        # The other one has committed, so that this finds it.
        processor.full_clean()
        raise


def _held(processor: Processor) -> Processor:
    rows = Processor.objects.select_for_update(of=("self",)).select_related("tenant")
    return rows.get(tenant=processor.tenant_id, pk=processor.pk)
