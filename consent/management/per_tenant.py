"""Commands that do the same for every tenant, or for one named with --tenant."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import Tenant
from tenants.queries import tenant_named


class TenantCommand(BaseCommand):
    """Adds --tenant and yields the tenants meant; raises CommandError for an unknown one."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="slug or uid of one tenant; all tenants without it")

    def tenants(self, options: dict[str, Any]) -> Iterator[Tenant]:
        """The tenant of this name, or all of them, oldest first."""
        if not (name := options["tenant"]):
            yield from Tenant.objects.order_by("pk")
            return
        try:
            yield tenant_named(name)
        except (Tenant.DoesNotExist, ValidationError):
            raise CommandError(f"There is no tenant named {name}.") from None
