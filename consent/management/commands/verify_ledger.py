"""Proves that no consent ledger and no wording was altered: `manage.py verify_ledger [--tenant bakery]`.

Exit status 1 on a break. The heads in LEDGER_ANCHOR_DIR are looked at where this machine has that folder; `--anchors`
takes a file of others that were mailed or kept elsewhere.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from consent.ledger import depositing, wordings
from consent.ledger.anchoring import Signed
from consent.ledger.verifying import verify
from consent.management.per_tenant import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    """Walks every chain, or one, and names the first row and the first wording that do not hold."""

    help = (
        "Hash the consent ledger again, row by row, and every published wording; report the first row that was"
        " altered, removed or swapped, and the first wording that was changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--anchors", type=Path, help="file with signed heads, one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        elsewhere = _read(options["anchors"]) if options["anchors"] else []
        broken = [
            tenant.slug
            for tenant in self.tenants(options)
            if not all([self._keeps_its_wordings(tenant), self._holds(tenant, elsewhere)])
        ]
        if broken:
            raise CommandError(f"Broken ledger: {', '.join(broken)}.")

    def _keeps_its_wordings(self, tenant: Tenant) -> bool:
        version = wordings.altered(tenant)
        if version is not None:
            named = f"wording “{version.wording.name}” version {version.number}"
            self.stderr.write(self.style.ERROR(f"{tenant.slug}: {named} was changed after it was published"))
        return version is None

    def _holds(self, tenant: Tenant, elsewhere: list[Signed]) -> bool:
        known, kept = depositing.last_kept(tenant), depositing.kept(tenant)
        if depositing.are_lacking(tenant, kept, known):
            self.stderr.write(self.style.WARNING(f"{tenant.slug}: the heads kept in LEDGER_ANCHOR_DIR are not there"))
        verdict = verify(tenant, [*kept, *elsewhere])
        if verdict.broken_seq is None:
            told = f"{tenant.slug}: {verdict.rows} rows, chain intact, {verdict.anchors} signed heads fit"
            seen = f", with {len(kept)} in LEDGER_ANCHOR_DIR" if kept else ""
            self.stdout.write(self.style.SUCCESS(f"{told}{seen}"))
            return True
        self.stderr.write(self.style.ERROR(f"{tenant.slug}: row {verdict.broken_seq} is broken: {verdict.because}"))
        return False


def _read(path: Path) -> list[Signed]:
    try:
        return [Signed.from_line(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as signed heads: {error}") from None
