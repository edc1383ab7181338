"""Requests of people who are no contact: says whose one is, and erases what names them all the same.

Uploaded files, lines that an import rejected and raw webhooks name people who never became contacts, or were deleted.
"""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from consent.ledger.subjects import Person, person
from consent.models import DataRequest
from consent.rights import erasing, periods, walking
from contacts.personal import Named
from tenants.models import Tenant
from tenants.scope import tenant_scope

State = DataRequest.State


def say(request: DataRequest, who: Person, given: dict[str, Any]) -> None:
    """Say on a request, not saved yet, whose it is: a contact's, or of whoever is named by what is `given`."""
    request.contact, request.subject_id, request.is_of_stranger = who.contact, who.subject_id, who.contact is None
    request.digests = [] if who.contact else [[kind, key.hex()] for kind, key in who.digests]
    request.named = {} if who.contact else given


def erase(tenant: Tenant, request: DataRequest) -> None:
    """Delete what names them by number or address, and note how much that was; may be repeated, and then adds up.

    What proves what they declared is locked away as after any erasure, and a no stays. Whoever has become a contact
    meanwhile is not erased: somebody has to say first how they are known. Raises contacts.personal.NotYet.
    """
    if _has_become_a_contact(tenant, request):
        return
    for gone in walking.clear_named(tenant, Named(request.reached_by)):
        for what, count in gone.items():
            request.found[what] = request.found.get(what, 0) + count
        _save(tenant, request, found=request.found)
    # An import may just have made them one, before its file went.
    if _has_become_a_contact(tenant, request):
        return
    with tenant_scope(tenant):
        erasing.restrict_proofs(tenant, {request.subject_id}, periods.proof_ends(timezone.now()))
    _save(tenant, request, state=State.CARRIED_OUT, carried_out_at=timezone.now(), leased_until=None, error="")


def told(request: DataRequest) -> list[tuple[str, int]]:
    """What was deleted of somebody who is no contact, in words, each with how much; empty where nothing was found."""
    words = {
        "webhooks": _("Entries in the raw log of WhatsApp"),
        "exports": _("Exports of their data"),
        "sign_ups": _("Requests to confirm their e-mail address"),
        "files": _("Uploaded files, with what was kept of their lines"),
        "lines": _("Lines of imports that were not over yet"),
        "answers": _("Stored answers to programs"),
    }
    return [(word, request.found[what]) for what, word in words.items() if request.found.get(what)]


def _has_become_a_contact(tenant: Tenant, request: DataRequest) -> bool:
    with tenant_scope(tenant):
        who = person(tenant, **request.reached_by)
    if who.contact is None:
        return False
    say(request, who, {})
    whose = ("contact", "subject_id", "is_of_stranger", "digests", "named_encrypted")
    because = _("This person has become a contact meanwhile. Say how you know that it is them, then erase them.")
    whom = {name: getattr(request, name) for name in whose}
    _save(tenant, request, **whom, state=State.OPEN, leased_until=None, error=because)
    return True


def _save(tenant: Tenant, request: DataRequest, **fields: Any) -> None:
    with tenant_scope(tenant):
        DataRequest.objects.filter(tenant=tenant, pk=request.pk, state=State.WORKING).update(**fields)
