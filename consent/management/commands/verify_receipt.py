"""Says whether a receipt of consent is genuine: `manage.py verify_receipt FILE`. Exit status 1 if it is not."""

from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from consent import receipts


class Command(BaseCommand):
    """Checks signature, hashes and the row of the ledger of a receipt's JSON file."""

    help = "Check a receipt of consent: signed by this installation, unaltered, and its row in the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the receipt's JSON file")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = receipts.verify(_read(options["file"]))
        # As every command speaks.
        with translation.override("en"):
            for check in verdict.checks:
                style = self.style.SUCCESS if check.is_good else self.style.ERROR
                self.stdout.write(style(f"{check.name}: {check.told}"))
        if not verdict.is_genuine:
            raise CommandError("This receipt is not genuine.")
        self.stdout.write(self.style.SUCCESS("This receipt is genuine."))


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from None
