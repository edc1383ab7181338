"""Says whether a receipt is genuine: signed by us, unaltered, with hashes that are right and a row that is there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.ledger import chain, wordings
from consent.models import ConsentEvent
from consent.receipts import signing
from tenants.models import Tenant
from tenants.scope import tenant_scope

Text = str | Promise
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `told` says what was found."""

    name: str
    is_good: bool
    told: Text


@dataclass(frozen=True)
class Verdict:
    """Whether a receipt is genuine, and every check that says so."""

    checks: list[Check]

    @property
    def is_genuine(self) -> bool:
        """All checks are good."""
        return all(check.is_good for check in self.checks)


def verify(document: Any, tenant: Tenant | None = None) -> Verdict:
    """Check a receipt as it was handed out, whatever its blanks and the order of its keys.

    `tenant` is the company that it has to be of; without one, the company that the receipt names.
    """
    if not isinstance(document, dict) or document.get("schema_version") != signing.SCHEMA:
        return Verdict([Check("form", False, _("This is no receipt of ours."))])
    signature = _check(
        "signature",
        signing.is_ours(document),
        _("Signed by us, and not altered since."),
        _("Not signed by us, or altered since: nothing in it can be trusted."),
    )
    if not signature.is_good:
        return Verdict([signature])
    return Verdict([signature, _row_hash(document), _wording_hash(document), _ledger(document, tenant)])


def _check(name: str, is_good: bool, good: Text, bad: Text) -> Check:
    return Check(name, is_good, good if is_good else bad)


def _row_hash(document: Document) -> Check:
    row = document["chain"]
    linked = chain.link(bytes.fromhex(row["prev_hash"]), row["canonical"]).hex()
    said = orjson.loads(row["canonical"])
    is_good = linked == row["row_hash"] and (said["event_id"], said["seq"]) == (document["record_id"], row["seq"])
    return _check(
        "row_hash",
        is_good,
        _("The hash in it is the one that its row gives."),
        _("The hash in it is not the one that its row gives."),
    )


def _wording_hash(document: Document) -> Check:
    wording = document["wording"]
    named = {orjson.loads(document["chain"]["canonical"])["wording_sha256"], wording["sha256"]}
    texts = [text for text in (wording["text"], *wording.get("texts", {}).values()) if text]
    right = {hashlib.sha256(text.encode()).hexdigest() for text in texts}
    if "texts" in wording:
        right.add(wordings.digest(wording["texts"], wording["covers"]))
    return _check(
        "wording",
        named <= right if texts else len(named) == 1,
        _("The hash of the wording is the one that its text gives.") if texts else _("It names no text."),
        _("The hash of the wording is not the one that its text gives."),
    )


def _ledger(document: Document, tenant: Tenant | None) -> Check:
    name, company = "ledger", Tenant.objects.filter(uid=UUID(document["controller"]["id"])).first()
    if company is None:
        return Check(name, False, _("The company that it names is not known here."))
    if tenant is not None and company != tenant:
        return Check(name, False, _("It is of another company."))
    with tenant_scope(company):
        row = ConsentEvent.objects.filter(tenant=company, event_id=UUID(document["record_id"])).first()
        is_there = row is not None and bytes(row.row_hash).hex() == document["chain"]["row_hash"]
    return _check(
        name,
        is_there,
        _("Its row stands in the ledger with this hash."),
        _("Its row does not stand in the ledger with this hash."),
    )
