"""What can be done with segments: save, change and delete a rule under a name."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from segments import queries
from segments.models import Segment
from tenants.actions import Actor, audit
from tenants.models import Tenant


class SegmentInUse(Exception):
    """A campaign addresses the segment, so it cannot be deleted."""


@transaction.atomic
def create(*, tenant: Tenant, name: str, rule: dict[str, Any], description: str = "", by: Actor) -> Segment:
    """Save a rule under a name; raises InvalidRule, and ValidationError when the name is taken."""
    queries.check(tenant, rule)
    segment = Segment(tenant=tenant, name=_free_name(tenant, name), description=description, rule=rule)
    segment.save()
    audit(tenant=tenant, by=by, verb="segment.created", subject=segment)
    return segment


@transaction.atomic
def update(
    *,
    segment: Segment,
    name: str | None = None,
    rule: dict[str, Any] | None = None,
    description: str | None = None,
    by: Actor,
) -> Segment:
    """Change a segment; None leaves a field as it is. Raises InvalidRule and ValidationError as `create` does.

    Campaigns that were launched keep the people they had; the others see the new rule.
    """
    if name is not None:
        segment.name = _free_name(segment.tenant, name, besides=segment.pk)
    if rule is not None:
        queries.check(segment.tenant, rule)
        segment.rule = rule
    if description is not None:
        segment.description = description
    segment.updated_at = timezone.now()
    segment.save(update_fields=["name", "rule", "description", "updated_at"])
    audit(tenant=segment.tenant, by=by, verb="segment.updated", subject=segment)
    return segment


@transaction.atomic
def delete(*, segment: Segment, by: Actor) -> None:
    """Delete a segment; raises SegmentInUse while a campaign addresses it."""
    audit(tenant=segment.tenant, by=by, verb="segment.deleted", subject=segment)
    try:
        segment.delete()
    except ProtectedError as error:
        raise SegmentInUse(_("A campaign uses this segment. Take it out of the campaign first.")) from error


def _free_name(tenant: Tenant, name: str, besides: int = 0) -> str:
    name = name.strip()
    if not name:
        raise ValidationError({"name": _("Give the segment a name.")})
    if tenant.segments.filter(name__iexact=name).exclude(pk=besides).exists():
        raise ValidationError({"name": _("There is a segment of this name already. Choose another one.")})
    return name
