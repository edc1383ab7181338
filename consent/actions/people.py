"""Creating, changing and deleting contacts, as far as the ledger is concerned by it."""

from collections.abc import Sequence
from functools import partial

from django.db import Error, IntegrityError, transaction
from django.utils.translation import gettext as _

from consent import tasks
from consent.actions import declarations
from consent.ledger import suppressing
from consent.models import DataRequest
from consent.rights import erasing
from contacts import actions
from contacts.actions import ContactData, Upserted
from contacts.models import Contact
from tenants import waking
from tenants.actions import Actor, audit
from tenants.away import is_away
from tenants.models import Tenant

# A message or a request may arrive between our look at the contact and its end; then we look again.
ATTEMPTS = 3
# Whoever deletes one contact often deletes many.
ANSWERS_WAIT_S = 30


class Kept(Exception):
    """The contact cannot be deleted now; the text says why, in the user's language."""


def upsert(*, tenant: Tenant, rows: Sequence[ContactData], by: Actor) -> list[Upserted]:
    """Create or change contacts as `contacts.actions.upsert` does; other numbers end consent (consent-gdpr § 8)."""
    return actions.upsert(tenant=tenant, rows=rows, by=by, moved=partial(declarations.edited, tenant=tenant, by=by))


def patch(
    *, contact: Contact, data: ContactData, by: Actor, replaces_tags: bool = False, is_wish: bool = False
) -> Contact:
    """Change one contact as `contacts.actions.patch` does; another number ends consent (consent-gdpr § 8)."""
    moved = partial(declarations.edited, tenant=contact.tenant, by=by)
    return actions.patch(contact=contact, data=data, by=by, replaces_tags=replaces_tags, moved=moved, is_wish=is_wish)


def why_kept(contact: Contact) -> str:
    """Why a contact cannot be deleted now, in the user's language; "" if it can.

    They may need the data that they had restricted (Art. 18(1)(c) GDPR), and whoever has asked is owed an answer.
    """
    if contact.restricted_at:
        return _("restricted: only storage. Lift the restriction first, or erase at the person's request.")
    asked = DataRequest.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id, done_at=None)
    if asked.exists():
        return _("This person has asked about their data. Answer first; an erasure deletes the contact by itself.")
    return ""


def delete(*, contact: Contact, by: Actor) -> None:
    """Delete a contact; every app forgets the person as in an erasure. Raises Kept.

    Messages stay in reports and name nobody; a worker empties stored answers to programs. Proofs are locked away for
    their years and suppressions stay, so a no outlives the contact. Import files and raw webhooks go when their 30 days
    are over, or by the person's own erasure, which is found by number or address then. This is no request of theirs:
    nothing is written into ledger or register.
    """
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _delete(contact, by)
        except Error as error:
            if not is_away(error) and not isinstance(error, IntegrityError):
                raise
    return _delete(contact, by)


@transaction.atomic
def _delete(contact: Contact, by: Actor) -> None:
    current = Contact.objects.select_related("tenant").filter(tenant=contact.tenant_id, pk=contact.pk).first()
    if current is None:
        return
    _refuse_kept(current)
    audit(tenant=current.tenant, by=by, verb="contact.deleted", subject=current)
    noes = declarations.last_noes(tenant=current.tenant, contact=current)
    erasing.forget(current)
    suppressing.suppress(current.tenant, noes)
    waking.wake_once(tasks.forget_answers, within_s=ANSWERS_WAIT_S, tenant_id=current.tenant_id)
    # Nothing was locked before the messages were; what was restricted or asked meanwhile is known by now.
    _refuse_kept(current)


def _refuse_kept(contact: Contact) -> None:
    if why := why_kept(contact):
        raise Kept(why)
