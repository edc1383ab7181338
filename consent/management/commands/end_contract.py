"""`manage.py end_contract`: closes a company whose contract is over, and writes out everything it has here.

What it has here is deleted by deploy/end_contract.sh, which needs more rights than the product has.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from consent.rights import handing_over
from tenants import actions
from tenants.models import Tenant


class Command(BaseCommand):
    help = (
        "close: nobody logs in, nothing is sent, and what arrives for the company is dropped. export: write everything"
        " of a closed company into a ZIP. reopen: take a close back. Deleting is deploy/end_contract.sh."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("step", choices=["close", "export", "reopen"])
        parser.add_argument("slug")
        parser.add_argument("--to", type=Path, help="the ZIP to write; it must not exist yet")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f'There is no company "{options["slug"]}".')
        if options["step"] == "close":
            actions.close(tenant=tenant)
            self.stdout.write(f"{tenant.slug} is closed. Export it, then run deploy/end_contract.sh {tenant.slug}.")
        elif options["step"] == "reopen":
            actions.reopen(tenant=tenant)
            self.stdout.write(f"{tenant.slug} is open again.")
        else:
            self._export(tenant, options["to"])

    def _export(self, tenant: Tenant, to: Path | None) -> None:
        if to is None:
            raise CommandError("Say with --to which file to write.")
        if tenant.closed_at is None:
            raise CommandError(f"Close it first (end_contract close {tenant.slug}), so that nothing changes any more.")
        try:
            with to.open("xb") as target:
                handing_over.pack(tenant, target)
        except FileExistsError:
            raise CommandError(f"{to} exists already; name another file.") from None
        self.stdout.write(f"everything of {tenant.slug} is in {to}")
