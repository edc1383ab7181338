"""Proves that no consent ledger and no wording was altered: `manage.py verify_ledger [--tenant bakery]`.

Exit status 1 on a break.
"""

from typing import Any

from django.core.management.base import CommandError

from consent.ledger import wordings
from consent.ledger.verifying import verify
from consent.management.per_tenant import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    """Walks every chain, or one, and names the first row and the first wording that do not hold."""

    help = (
        "Hash the consent ledger again, row by row, and every published wording; report the first row that was"
        " altered, removed or swapped, and the first wording that was changed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = [
            tenant.slug
            for tenant in self.tenants(options)
            if not all([self._keeps_its_wordings(tenant), self._holds(tenant)])
        ]
        if broken:
            raise CommandError(f"Broken ledger: {', '.join(broken)}.")

    def _keeps_its_wordings(self, tenant: Tenant) -> bool:
        version = wordings.altered(tenant)
        if version is not None:
            named = f"wording “{version.wording.name}” version {version.number}"
            self.stderr.write(self.style.ERROR(f"{tenant.slug}: {named} was changed after it was published"))
        return version is None

    def _holds(self, tenant: Tenant) -> bool:
        verdict = verify(tenant)
        if verdict.broken_seq is None:
            self.stdout.write(self.style.SUCCESS(f"{tenant.slug}: {verdict.rows} rows, chain intact"))
            return True
        self.stderr.write(self.style.ERROR(f"{tenant.slug}: row {verdict.broken_seq} is broken: {verdict.because}"))
        return False
