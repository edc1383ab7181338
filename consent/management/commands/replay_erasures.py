"""Erases again whom a restored backup brought back: `manage.py replay_erasures`, before anything is sent (CG-43).

Reads the record that lies outside the database (ERASURE_LOG_DIR). Running it again, or where nothing was restored,
changes nothing: people who came back by themselves after their erasure are left alone.
"""

from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from consent.actions import declarations
from consent.management.per_tenant import TenantCommand
from consent.models import Source
from consent.rights import erasing, erasure_log
from consent.rights.erasure_log import Erased
from contacts.models import Contact
from contacts.personal import NotYet
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(TenantCommand):
    """Goes through the record line by line."""

    help = "After a restore: erase again everybody whose erasure the restored backup does not know."

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = {tenant.uid: tenant for tenant in self.tenants(options)}
        told = again = late = 0
        for erased in self._record():
            tenant = tenants.get(erased.tenant)
            if tenant is None:
                continue
            told += 1
            try:
                again += _erased_again(tenant, erased)
            except NotYet as reason:
                late += 1
                self.stderr.write(f"{tenant.slug}: subject {erased.subject}: {reason}")
        self.stdout.write(f"{told} erasures on record, {again} contacts erased again.")
        if late:
            raise CommandError(f"{late} have to wait. Run this again when the imports are over or cancelled.")

    def _record(self) -> list[Erased]:
        try:
            return list(erasure_log.read())
        except (OSError, ValueError) as error:
            raise CommandError(f"The record of erasures cannot be read: {error}") from None


def _erased_again(tenant: Tenant, erased: Erased) -> int:
    with tenant_scope(tenant):
        back = erasing.known_again(tenant, erased)
        erasing.suppress_again(tenant, erased)
        for contact in back:
            _declared(tenant, contact, erased)
            if erased.is_forgotten:
                erasing.unsuppress(tenant, contact)
    for contact in back:
        erasing.erase(tenant, contact, at=timezone.now())
    return len(back)


def _declared(tenant: Tenant, contact: Contact, erased: Erased) -> None:
    dedupe = f"erased:{contact.subject_id}"
    declarations.erased(tenant=tenant, contact=contact, dedupe=dedupe, source=Source.SYSTEM, at=erased.at, by=None)
