"""Tells in words what a row of the audit trail keeps of a change: names of fields, counts, kinds.

Never a value, but for words of a form that everybody reads.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import BlockReason, DataRequest, Way

KEYS: dict[str, str | Promise] = {
    "at": gettext_lazy("When"),
    "attributes": gettext_lazy("Attributes"),
    "code": gettext_lazy("Code"),
    "contacts": gettext_lazy("Contacts"),
    "count": gettext_lazy("How many"),
    "dry_run": gettext_lazy("Check only"),
    "fields": gettext_lazy("Fields"),
    "kind": gettext_lazy("Kind"),
    "line": gettext_lazy("Line"),
    "promises_nothing": gettext_lazy("Confirmed that nobody gets this for signing up"),
    "reason": gettext_lazy("Reason"),
    "receipt": gettext_lazy("Receipt"),
    "scopes": gettext_lazy("Scopes"),
    "seq": gettext_lazy("Row of the ledger"),
    "sha256": gettext_lazy("Checksum"),
    "tags": gettext_lazy("Tags"),
    "version": gettext_lazy("Version"),
    "way": gettext_lazy("Way"),
}
WORDS: dict[str, dict[Any, Any]] = {
    "kind": dict(DataRequest.Kind.choices),
    "reason": dict(BlockReason.choices),
    "way": dict(Way.choices),
}
# Those of the company that have no name of their own.
FIELDS: dict[str, str | Promise] = {
    "address_form": gettext_lazy("How you address your customers"),
    "contract_attributes": gettext_lazy("Attributes, events, tags and lists for contracts only"),
    "demands_age": gettext_lazy("Send advertising only to people of whom it is recorded that they are at least 16"),
    "message_months": gettext_lazy("Messages and clicks are kept for"),
    "silence_months": gettext_lazy("A consent that nobody uses ends after"),
    "special_attributes": gettext_lazy("Attributes, events, tags and lists that touch health, faith or the like"),
}
# Channels and purposes of a declaration stand beside it, in its own rows.
SAID_ELSEWHERE = {"pairs"}
LONGEST = 200


def told(object_type: str, changes: Mapping[str, Any]) -> str:
    """What changed, in the active language; "" when nothing is kept. What has no word stands as it was written."""
    kept = {name: value for name, value in changes.items() if name not in SAID_ELSEWHERE}
    parts = [
        f"{KEYS.get(name, name)}: {_listed(object_type, name, value)}"
        for name, value in kept.items()
        if value not in (None, "", [], {})
    ]
    return "; ".join(parts)[:LONGEST]


def _listed(object_type: str, name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_listed(object_type, name, one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _field(object_type, value) if name == "fields" else str(WORDS.get(name, {}).get(value, value))


def _field(object_type: str, name: str) -> str:
    if name in FIELDS:
        return str(FIELDS[name])
    try:
        return capfirst(str(apps.get_model(object_type)._meta.get_field(name).verbose_name))
    except (LookupError, ValueError, FieldDoesNotExist, AttributeError):
        # Of a program of before, or of none of our tables.
        return name
