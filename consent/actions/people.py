"""Creating and changing contacts whose numbers may change: as contacts do it, and recorded in the ledger."""

from collections.abc import Sequence
from functools import partial

from consent.actions import declarations
from contacts import actions
from contacts.actions import ContactData, Upserted
from contacts.models import Contact
from tenants.actions import Actor
from tenants.models import Tenant


def upsert(*, tenant: Tenant, rows: Sequence[ContactData], by: Actor) -> list[Upserted]:
    """Create or change contacts as `contacts.actions.upsert` does; other numbers end consent (consent-gdpr § 8)."""
    return actions.upsert(tenant=tenant, rows=rows, by=by, moved=partial(declarations.edited, tenant=tenant, by=by))


def patch(
    *, contact: Contact, data: ContactData, by: Actor, replaces_tags: bool = False, is_wish: bool = False
) -> Contact:
    """Change one contact as `contacts.actions.patch` does; another number ends consent (consent-gdpr § 8)."""
    moved = partial(declarations.edited, tenant=contact.tenant, by=by)
    return actions.patch(contact=contact, data=data, by=by, replaces_tags=replaces_tags, moved=moved, is_wish=is_wish)
