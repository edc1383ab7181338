"""Foreign keys for tenant tables: to the tenant itself, and to rows of the same tenant."""

from typing import Any

from django.db import models


def owner(related_name: str, **options: Any) -> Any:
    """The `tenant` field of a tenant table; `request.tenant.<related_name>` starts every query at a door.

    Without an index of its own: a tenant's unique keys begin with it. One on the tenant alone would cost every insert,
    and a planner that takes a new tenant's thousands for one row reads all of them through it, again and again.
    """
    options = {"db_index": False, **options}
    return models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name=related_name, **options)


class TenantForeignKey(models.ForeignKey):
    """A foreign key whose target must belong to the same tenant.

    Django makes no constraint for it; `IsolateTenant` adds the composite one, (tenant_id, id).
    """

    is_tenant_key = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(*args, **kwargs)


class HotForeignKey(models.ForeignKey):
    """A foreign key of the hottest tables: an index-free column without any constraint in the database.

    docs/decisions/0003 says what guards it instead and why.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs["db_index"] = False
        super().__init__(*args, **kwargs)
