"""Proves that no consent ledger was altered: `manage.py verify_ledger [--tenant bakery]`; exit status 1 on a break."""

from typing import Any

from django.core.management.base import CommandError

from consent.ledger.verifying import verify
from consent.management.per_tenant import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    """Walks every chain, or one, and names the first row that does not hold."""

    help = "Hash the consent ledger again, row by row, and report the first row that was altered, removed or swapped."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = [tenant.slug for tenant in self.tenants(options) if not self._holds(tenant)]
        if broken:
            raise CommandError(f"Broken ledger: {', '.join(broken)}.")

    def _holds(self, tenant: Tenant) -> bool:
        verdict = verify(tenant)
        if verdict.broken_seq is None:
            self.stdout.write(self.style.SUCCESS(f"{tenant.slug}: {verdict.rows} rows, chain intact"))
            return True
        self.stderr.write(self.style.ERROR(f"{tenant.slug}: row {verdict.broken_seq} is broken: {verdict.because}"))
        return False
