"""Folds the ledger into consent states anew: `manage.py rebuild_consent_state [--tenant bakery]`."""

from typing import Any
from uuid import UUID

from consent import ledger
from consent.ledger import projecting
from consent.management.per_tenant import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(TenantCommand):
    """Makes the stored states equal to what the ledger says, some thousand people at a time."""

    help = "Fold the consent ledger into consent states anew, for all tenants or one."

    def handle(self, *args: Any, **options: Any) -> None:
        for tenant in self.tenants(options):
            self.stdout.write(self.style.SUCCESS(f"{tenant.slug}: states of {_rebuild(tenant)} people rebuilt"))


def _rebuild(tenant: Tenant) -> int:
    people, after = 0, UUID(int=0)
    while True:
        with tenant_scope(tenant):
            ledger.lock(tenant)
            subjects = projecting.rebuild(tenant, after=after)
        if not subjects:
            return people
        people, after = people + len(subjects), subjects[-1]
