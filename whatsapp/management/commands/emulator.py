"""Serves the WhatsApp Cloud API emulator until it is stopped."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.collector import spare_what_stays
from whatsapp.emulator import Emulator, Profile, serve
from whatsapp.emulator.keeping import Unreadable
from whatsapp.emulator.state import Number


class Command(BaseCommand):
    """`manage.py emulator --port 9100 --webhook-url … --app-secret …`."""

    help = "Serve a local WhatsApp Cloud API that behaves like Meta and posts signed webhooks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, whom to tell, how to behave."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9100)
        parser.add_argument("--webhook-url", default="", help="where signed webhooks go; kept if empty")
        # From the environment by default, so that it never shows in the list of processes.
        secret = os.environ.get("WHATSAPP_APP_SECRET", "")
        parser.add_argument("--app-secret", default=secret, help="signs the webhooks; default WHATSAPP_APP_SECRET")
        parser.add_argument("--state", type=Path, help="a file that keeps accounts, numbers and templates")
        parser.add_argument("--profile", default="", help="JSON, or a file of JSON, with fields of Profile")
        parser.add_argument("--perfect", action="store_true", help="no limits, all delivered and read at once")
        parser.add_argument("--seed", type=int, help="another seed gives other people")
        parser.add_argument("--speed", type=float, help="60 lets a minute pass in a second, 0 skips delays")
        parser.add_argument(
            "--number",
            action="append",
            default=[],
            metavar="PHONE_NUMBER_ID:WABA_ID[:DISPLAY]",
            help="a business number to know from the start, unless --state has kept it; repeatable",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build the emulator and serve it."""
        emulator = _emulator(options)
        for line in options["number"]:
            number = _number(line)
            # What was kept of a number knows more than the command line: QR codes, blocks, its profile.
            known = emulator.world.numbers.setdefault(number.id, number)
            emulator.world.account(known.account_id)
        self.stdout.write(f"WhatsApp emulator on http://{options['host']}:{options['port']}")
        self.stdout.flush()
        # Meta does not stand still for a tenth of a second while a collector looks around.
        spare_what_stays()
        try:
            serve(emulator, host=options["host"], port=options["port"])
        except OSError as error:
            raise CommandError(f"cannot listen on port {options['port']}: {error.strerror}") from None


def _emulator(options: dict[str, Any]) -> Emulator:
    try:
        return Emulator(_profile(options), options["webhook_url"], options["app_secret"], options["state"])
    except (OSError, Unreadable) as error:
        raise CommandError(f"--state: {error}") from None


def _profile(options: dict[str, Any]) -> Profile:
    given = options["profile"]
    try:
        text = given if given.lstrip().startswith("{") or not given else Path(given).read_text()
        changes = json.loads(text or "{}")
        changes |= {name: options[name] for name in ("seed", "speed") if options[name] is not None}
        return (Profile.perfect() if options["perfect"] else Profile()).changed(changes)
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"--profile: {error}") from None


def _number(line: str) -> Number:
    number_id, _, rest = line.partition(":")
    account_id, _, display = rest.partition(":")
    if not number_id or not account_id:
        raise CommandError("--number: give PHONE_NUMBER_ID:WABA_ID or PHONE_NUMBER_ID:WABA_ID:DISPLAY")
    return Number(number_id, account_id, display) if display else Number(number_id, account_id)
