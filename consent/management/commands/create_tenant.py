"""`manage.py create_tenant`: a company, its owner, the contract with it, and a full-scope API key, printed as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from consent.actions import agreements
from tenants import actions
from tenants.scope import tenant_scope

LANGUAGE = "de"


class Command(BaseCommand):
    help = (
        "Create a tenant and print its id and a full-scope API key as JSON. The key is shown only once. With --signer"
        " and --position the data processing agreement (Art. 28 GDPR) is entered as concluded: state who has really"
        " signed it. Without them the company's owner concludes it in the dashboard, and nothing is sent before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--password", default=None)
        parser.add_argument("--signer", default="", help="who has concluded the agreement for the company")
        parser.add_argument("--position", default="", help="in which position, for example managing director")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        signer, position = options["signer"].strip(), options["position"].strip()
        if bool(signer) != bool(position):
            raise CommandError("Give --signer and --position together: who has signed the agreement, and as what.")
        try:
            made = actions.create_tenant(
                slug=options["slug"],
                name=options["name"],
                owner_email=options["owner_email"],
                password=options["password"],
            )
            if signer:
                self._conclude(made, signer, position)
        except ValidationError as error:
            told = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
            raise CommandError(told.removeprefix("__all__: ")) from None
        if not signer:
            self.stderr.write(
                "The data processing agreement is not concluded, and nothing is sent before: the owner concludes it in"
                " the dashboard, under Contract and records."
            )
        self.stdout.write(json.dumps({"id": str(made.tenant.uid), "slug": made.tenant.slug, "api_key": made.api_key}))

    def _conclude(self, made: actions.NewTenant, signer: str, position: str) -> None:
        # In the language of the text, whatever that of the terminal is.
        with tenant_scope(made.tenant), translation.override(LANGUAGE):
            agreements.accept(tenant=made.tenant, signer=signer, position=position, language=LANGUAGE, by=None)
