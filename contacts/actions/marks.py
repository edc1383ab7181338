"""Tags and lists that tell of health, faith or the like (Art. 9 GDPR)."""

from collections.abc import Callable

from django.db import transaction
from django.db.models import Model, QuerySet

from tenants.models import Tenant


@transaction.atomic
def mark_special(*, tenant: Tenant, is_meant: Callable[[str], bool]) -> None:
    """Mark the tags and lists whose names are meant, and no others; a mark stays when they get another name.

    Whoever calls it writes the audit row, and compares names: how they are spelled is consent's to judge (CG-08).
    """
    _mark(tenant.tags.all(), is_meant)
    _mark(tenant.lists.all(), is_meant)


def _mark(groups: QuerySet[Model], is_meant: Callable[[str], bool]) -> None:
    meant = [pk for pk, name in groups.values_list("pk", "name") if is_meant(name)]
    groups.filter(is_special=False, pk__in=meant).update(is_special=True)
    groups.filter(is_special=True).exclude(pk__in=meant).update(is_special=False)
