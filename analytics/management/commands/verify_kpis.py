"""Proves that the KPI tables equal a recount of messages, clicks and orders, or rewrites them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import recounting
from analytics.recounting import Drift
from messaging.models import Source
from tenants.models import Tenant
from tenants.queries import tenant_named
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Compare every KPI with a recount from messages, clicks and orders; exit code 1 if one differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="slug or uid of one workspace; all of them without it")
        parser.add_argument("--repair", action="store_true", help="rewrite KPIs that differ from the recount")

    def handle(self, *args: Any, tenant: str | None, repair: bool, **options: Any) -> None:
        """Check tenant by tenant; raises CommandError if a difference stays."""
        found = sum(self._verify(each, repair) for each in self._tenants(tenant))
        if found and not repair:
            raise CommandError(f"{found} numbers differ from the recount. Rewrite them with --repair.")
        self.stdout.write(f"{found} numbers repaired." if found else "All KPIs equal the recount.")

    def _tenants(self, name: str | None) -> list[Tenant]:
        if name is None:
            return list(Tenant.objects.order_by("slug"))
        try:
            return [tenant_named(name)]
        except (Tenant.DoesNotExist, ValidationError) as error:
            raise CommandError(f"There is no workspace named {name!r}.") from error

    def _verify(self, tenant: Tenant, repair: bool) -> int:
        with tenant_scope(tenant):
            found = recounting.drifts(tenant.pk)
            self._print(tenant, found)
            if found and repair:
                recounting.rewrite(tenant.pk)
                left = recounting.drifts(tenant.pk)
                if left:
                    raise CommandError(f"{tenant.slug}: {len(left)} numbers still differ after the repair.")
        return len(found)

    def _print(self, tenant: Tenant, found: list[Drift]) -> None:
        names = dict(Source.objects.filter(tenant=tenant).values_list("id", "name"))
        for drift in found:
            name = names.get(drift.source_id, f"source {drift.source_id}")
            where = ", ".join([f"variant {drift.variant}", *drift.key])
            self.stdout.write(
                f"{tenant.slug} · {name} · {drift.table} ({where}) · {drift.column}:"
                f" stored {drift.stored}, counted {drift.counted}"
            )
