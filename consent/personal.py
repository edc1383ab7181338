"""What consent holds of a person: their history with proofs and wordings, and their requests."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from consent import mailing, queries, telling
from consent.importing import claims
from consent.ledger import evidence, suppressing
from consent.models import (
    AddressRequest,
    ConsentEvent,
    ConsentEvidence,
    DataRequest,
    ImportClaim,
    SignupCode,
    Suppression,
)
from consent.rights import handing_over
from contacts.identities import digest, digests_of
from contacts.models import Contact
from contacts.personal import Named, Section
from tenants.encryption import CannotDecrypt
from tenants.models import Tenant
from tenants.scope import tenant_scope

ROWS_AT_A_TIME = 500


def tell(contact: Contact) -> Iterator[Section]:
    """What holds now, every declaration with the words agreed to and its proof, suppressions, and requests."""
    labels = {"channel": _("Channel"), "purpose": _("Purpose"), "state": _("State"), "since": _("Since")}
    yield Section("consent_now", _("Consents as they stand"), labels, _states(contact))
    labels = {
        "occurred_at": _("When"),
        "channel": _("Channel"),
        "purpose": _("Purpose"),
        "state": _("Said"),
        "source": _("By which way"),
        "source_ref": _("Where exactly"),
        "wording": _("Wording agreed to"),
        "wording_sha256": _("Fingerprint of the wording"),
        "policy_url": _("Privacy notice"),
        "age_confirmed": _("Age confirmed"),
        "legal_basis": _("Legal basis"),
        "recorded_at": _("Recorded"),
        "proof": _("Proof"),
        "seq": _("Row of the ledger"),
        "row_hash": _("Fingerprint of the row"),
    }
    yield Section("consent_history", _("History of consent"), labels, _history(contact))
    labels = {"channel": _("Channel"), "purpose": _("Purpose"), "reason": _("Reason"), "since": _("Since")}
    labels["said_again_at"] = _("Said again")
    yield Section("suppressions", _("Entries on the list of people who get no messages"), labels, _suppressed(contact))
    labels = {
        "received_at": _("Received"),
        "kind": _("Request"),
        "state": _("State"),
        "due_date": _("To be answered by"),
        "checked_by": _("Identity checked by"),
        "note": _("Remark"),
        "answer": _("Answer"),
        "done_at": _("Answered"),
    }
    yield Section("requests", _("Your requests about your data"), labels, _requests(contact))
    labels = {"form": _("Form"), "code": _("Voucher"), "issued_at": _("Issued")}
    yield Section("signup_vouchers", _("Vouchers for signing up"), labels, _vouchers(contact))
    labels = {"claimed_at": _("Agreed on"), "claim": _("What the list says"), "state": _("State")}
    title = _("Consents that an imported list claims and that do not count")
    yield Section("import_claims", title, labels, _claims(contact))
    labels = {"requested_at": _("Requested"), "email": _("E-mail"), "sent_at": _("Mail sent"), "proof": _("Proof")}
    yield Section("unconfirmed_addresses", _("Addresses that are not confirmed yet"), labels, _addresses(contact))


def _states(contact: Contact) -> Iterator[dict[str, Any]]:
    for row in queries.states(contact):
        shown = {name: getattr(row, f"get_{name}_display")() for name in ("channel", "purpose", "state")}
        yield {**shown, "since": row.since}


def _history(contact: Contact) -> Iterator[dict[str, Any]]:
    plain = ("occurred_at", "wording_sha256", "policy_url", "age_confirmed", "recorded_at")
    for row in queries.history(contact).order_by("seq").iterator(ROWS_AT_A_TIME):
        proof = _proof(row)
        yield {
            **{name: getattr(row, f"get_{name}_display")() for name in ("channel", "purpose", "state", "source")},
            **{name: getattr(row, name) for name in (*plain, "seq")},
            "source_ref": telling.source_ref(row.source_ref),
            "legal_basis": telling.legal_basis(row.legal_basis, row.purpose),
            "wording": _wording(row) or proof.pop("wording_text", ""),
            "proof": proof,
            "row_hash": bytes(row.row_hash).hex(),
        }


def _wording(row: ConsentEvent) -> str:
    texts: dict[str, str] = row.wording_version.texts if row.wording_version else {}
    wanted = (row.language[:2], get_language() or "", *texts)
    return next((texts[language] for language in wanted if language in texts), "")


def _proof(row: ConsentEvent) -> dict[str, Any]:
    stored = ConsentEvidence.objects.filter(tenant=row.tenant_id, event_id=row.event_id, kept_until=None).first()
    try:
        return evidence.unseal(stored) if stored else {}
    except CannotDecrypt:
        return {}


def _suppressed(contact: Contact) -> Iterator[dict[str, Any]]:
    keys = [key for _kind, key in suppressing.names_of(contact)]
    for row in Suppression.objects.filter(tenant=contact.tenant_id, digest__in=keys, lifted_at=None).order_by("pk"):
        shown = {name: getattr(row, f"get_{name}_display")() for name in ("channel", "purpose")}
        yield {
            **shown,
            "reason": telling.suppression(row.reason),
            "since": row.since,
            "said_again_at": row.said_again_at,
        }


def _requests(contact: Contact) -> Iterator[dict[str, Any]]:
    for row in DataRequest.objects.filter(tenant=contact.tenant_id, contact=contact.pk).order_by("pk"):
        shown = {name: getattr(row, f"get_{name}_display")() for name in ("kind", "state", "checked_by")}
        plain = ("received_at", "due_date", "note", "answer", "done_at")
        yield {**shown, **{name: getattr(row, name) for name in plain}}


def _vouchers(contact: Contact) -> Iterator[dict[str, Any]]:
    codes = SignupCode.objects.select_related("form").filter(tenant=contact.tenant_id, contact=contact.pk)
    for row in codes.order_by("issued_at", "pk"):
        code = row.code or _("promised; no code was left yet")
        yield {"form": row.form.name, "code": code, "issued_at": row.issued_at}


def _claims(contact: Contact) -> Iterator[dict[str, Any]]:
    found = ImportClaim.objects.filter(tenant=contact.tenant_id, contact=contact.pk).order_by("pk")
    for row in found:
        yield {"claimed_at": row.claimed_at, "claim": claims.told(row), "state": row.get_state_display()}


def _addresses(contact: Contact) -> Iterator[dict[str, Any]]:
    """What waits for the yes by mail; the yes moves it into the history."""
    asked = AddressRequest.objects.filter(tenant=contact.tenant_id, contact=contact.pk, confirmed_at=None)
    for row in asked.select_related("signup").order_by("requested_at", "pk"):
        proof = _request(row)
        email = proof.pop("email", "")
        yield {"requested_at": row.requested_at, "email": email, "sent_at": row.sent_at, "proof": proof}


def _request(row: AddressRequest) -> dict[str, Any]:
    try:
        return mailing.evidence(row)
    except CannotDecrypt:
        return {}


def clear(contact: Contact) -> None:
    """Delete the exports that were made of the person, and files with everything of the company."""
    handing_over.let_go(contact.tenant, everything=True)
    _clear_exports(contact.tenant_id, Q(contact=contact.pk))


def clear_named(tenant: Tenant, named: Named) -> dict[str, int]:
    """Delete what names somebody who is no contact, and files with everything of the company; returns how many of each.

    That is exports from when they were one, and what asks for a yes to their address.
    """
    handing_over.let_go(tenant, everything=True)
    theirs = Q(pk__in=[])
    for kind, value in named.values.items():
        theirs |= Q(contact=None, digests__contains=[[kind, digest(tenant, kind, value).hex()]])
    exports = _clear_exports(tenant.pk, theirs)
    email = named.values.get("email")
    with tenant_scope(tenant):
        sign_ups = AddressRequest.objects.filter(_unowned(tenant, email), tenant=tenant).delete()[0] if email else 0
    return {"exports": exports, "sign_ups": sign_ups}


def _unowned(tenant: Tenant, email: str) -> Q:
    """Mails that ask for a yes to an address of which nobody knows yet whose it is."""
    return Q(contact=None, mailbox=mailing.mailbox(tenant, email))


def _clear_exports(tenant_id: int, of: Q) -> int:
    with tenant_scope(tenant_id):
        made = list(DataRequest.objects.filter(of, tenant=tenant_id).exclude(file=""))
    for request in made:
        request.file.delete(save=False)
        with tenant_scope(tenant_id):
            DataRequest.objects.filter(tenant=tenant_id, pk=request.pk).update(file="", file_until=None)
    return len(made)


def forget(contact: Contact) -> None:
    """Empty the free texts of the person's requests and leave keyed hashes, by which they are found again.

    A mail that asks for a yes to their address is not sent any more, and its link leads nowhere.

    Ledger rows stay: without the contact nobody knows whose they are. Proofs stay until their day and are then deleted
    by consent.rights.keeping; suppressions stay.
    """
    digests = [[kind, key.hex()] for kind, key in digests_of(contact)]
    requests = DataRequest.objects.filter(tenant=contact.tenant_id, contact=contact.pk)
    requests.update(note="", answer="", extended_because="", digests=digests)
    # Before the requests by mail, as whoever confirms one does (the order: consent.actions.joining), and after the
    # messages, as whoever notes their statuses does. Whoever deletes a contact asks again then whether it may go.
    locked = Contact.objects.select_for_update(of=("self",)).filter(tenant=contact.tenant_id, pk=contact.pk)
    contact.restricted_at = dict(locked.values_list("pk", "restricted_at")).get(contact.pk)
    asked = Q(contact=contact.pk)
    if contact.email:
        asked |= _unowned(contact.tenant, contact.email)
    AddressRequest.objects.filter(asked, tenant=contact.tenant_id).delete()
    # Not back into the pool: somebody else would get a code that is already known.
    SignupCode.objects.filter(tenant=contact.tenant_id, contact=contact.pk).delete()
    ImportClaim.objects.filter(tenant=contact.tenant_id, contact=contact.pk).delete()
