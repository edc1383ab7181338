"""`manage.py connect_number`: gives a tenant a WhatsApp number to send from."""

import json
import re
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from tenants import queries
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp import actions, syncing
from whatsapp.errors import WhatsAppError
from whatsapp.models import Account, Number

COUNTRY = re.compile(r"[A-Z]{2}")


class Command(BaseCommand):
    help = "Connect a WhatsApp number to a tenant, subscribe to webhooks, fetch templates, and print all as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug or id")
        parser.add_argument("--waba-id", required=True)
        parser.add_argument("--phone-number-id", required=True)
        parser.add_argument("--display-number", required=True)
        parser.add_argument("--token", required=True)
        parser.add_argument("--app-secret", default="", help="of the tenant's own Meta app; empty for the shared one")
        parser.add_argument("--verify-token", default="")
        parser.add_argument("--portfolio-id", default="")
        parser.add_argument("--throughput", type=int, default=70, help="messages a second")

        parser.add_argument("--pin", default="", help="six digits: also register the number with the Cloud API")
        parser.add_argument(
            "--storage-region", default="", help="with --pin: where Meta keeps messages at rest, such as DE"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            tenant = queries.tenant_named(options["tenant"])
        except Tenant.DoesNotExist:
            raise CommandError(f"no tenant {options['tenant']!r}: create it with create_tenant") from None
        region = options["storage_region"].upper()
        if region and not options["pin"]:
            raise CommandError("--storage-region is chosen when a number is registered: give --pin, too")
        if region and not COUNTRY.fullmatch(region):
            raise CommandError("--storage-region is a country in two letters, such as DE")
        names = ("waba_id", "phone_number_id", "display_number", "token", "app_secret", "verify_token", "portfolio_id")
        try:
            with tenant_scope(tenant):
                number = actions.connect_number(
                    tenant=tenant, throughput=options["throughput"], by=None, **{name: options[name] for name in names}
                )
        except ValidationError as invalid:
            raise CommandError(" ".join(invalid.messages)) from None
        except IntegrityError:
            raise CommandError("this phone number id is connected to another tenant") from None
        # First what stops and replies come by, so that a refused registration keeps none of them away.
        self.stdout.write(json.dumps(self._summary(tenant, number)))
        if options["pin"]:
            self._register(number, options["pin"], region)

    def _register(self, number: Number, pin: str, region: str) -> None:
        if number.storage_region and not region:
            raise CommandError(f"Its messages are kept in {number.storage_region}: say --storage-region, too")
        try:
            syncing.register(number, pin, region)
        except WhatsAppError as error:
            hint = " If it is registered already, deregister it before you choose where it is kept." if region else ""
            raise CommandError(f"Connected, but Meta has not confirmed the registration: {error}{hint}") from None

    def _summary(self, tenant: Tenant, number: Any) -> dict[str, Any]:
        account = number.account
        is_subscribed = self._is_subscribed(account)
        try:
            templates: int | None = syncing.sync(tenant.pk, account.pk)
        except WhatsAppError as error:
            self.stderr.write(f"Connected, but templates could not be fetched yet: {error}")
            templates = None
        path = f"/webhooks/whatsapp/{account.uid}/" if account.app_secret else "/webhooks/whatsapp/"
        return {
            "number": str(number.uid),
            "account": str(account.uid),
            "webhook_path": path,
            "subscribed": is_subscribed,
            "templates": templates,
        }

    def _is_subscribed(self, account: Account) -> bool:
        try:
            syncing.subscribe(account)
        except WhatsAppError as error:
            self.stderr.write(
                f"Connected, but Meta does not send webhooks for account {account.waba_id} yet: {error}. Until it "
                "does, no delivery, reply or opt-out arrives. The hourly sync tries again, connect_number at once."
            )
            return False
        return True
