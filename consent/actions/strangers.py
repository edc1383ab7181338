"""Whose a request is when it names no contact: known by the number or address that they give, or by a name only."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consent.actions import blocking
from consent.ledger.subjects import Person, person
from consent.models import DataRequest
from consent.rights import strangers
from contacts.identities import digests_of_name
from contacts.models import Contact, Identity
from tenants.models import Tenant


def named(tenant: Tenant, phone: str, email: str, name: str) -> dict[str, Any]:
    """What somebody names themselves by, in its one spelling; raises ValidationError by field."""
    given: dict[str, Any] = {"name": " ".join(name.split())} if name.strip() else {}
    if phone.strip() or email.strip():
        given |= blocking.spelled(tenant, phone, email)
    if not given:
        raise ValidationError({"phone": _("Enter a phone number, an e-mail address or, without either, the name.")})
    return given


def say_who(request: DataRequest, contact: Contact | None, given: dict[str, Any], *, is_stranger: bool = False) -> None:
    """Say on a request, not saved yet, whose it is: the contact's, or of whoever is named by what is `given`.

    With `is_stranger` somebody has looked and found them to be none of the contacts. Raises ValidationError by field.
    """
    tenant = request.tenant
    who = person(tenant, contact=contact) if contact else _found(tenant, given, is_stranger)
    strangers.say(request, who, given)


def _found(tenant: Tenant, given: dict[str, Any], is_stranger: bool) -> Person:
    reached_by = {kind: value for kind, value in given.items() if kind != "name"}
    words = digests_of_name(tenant, given["name"]) if "name" in given else []
    if not reached_by:
        # Two people of one name are two.
        return Person(uuid4(), words, None)
    who = person(tenant, **reached_by)
    if who.contact is None and _names_contacts(tenant, who.digests):
        told = _(
            "Several contacts have it, or one had it before. Choose the contact in the list: no answer may be wrong."
        )
        raise ValidationError(dict.fromkeys(reached_by, told))
    if is_stranger and who.contact:
        told = _(
            "%(contact)s has it. Choose that contact in the list; if it is somebody else's by now, correct it first"
            " with a request for rectification."
        )
        raise ValidationError(dict.fromkeys(reached_by, told % {"contact": who.contact}))
    return who if who.contact else replace(who, digests=[*who.digests, *words])


def _names_contacts(tenant: Tenant, digests: Sequence[tuple[str, bytes]]) -> bool:
    """Whether somebody is or was known by one of these; "nothing is stored of you" must be true."""
    keys = [key for _kind, key in digests]
    return Identity.objects.filter(tenant=tenant, digest__in=keys).exists()
