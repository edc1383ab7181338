"""`manage.py import_rates FILE`: reads a price list of Meta's, so that campaigns know what they cost."""

from argparse import ArgumentParser, FileType
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from whatsapp import actions


class Command(BaseCommand):
    help = (
        "Read prices from a CSV file with the columns currency, market, category, valid_from, price and source; "
        "whatsapp/rates.csv shows the form. Prices of other days stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=FileType(encoding="utf-8-sig"))

    def handle(self, *_: Any, **options: Any) -> None:
        with options["file"] as lines:
            try:
                count = actions.import_rates(lines)
            except ValidationError as invalid:
                raise CommandError(" ".join(invalid.messages)) from None
        self.stdout.write(f"{count} prices read.")
