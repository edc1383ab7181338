"""Makes the receipt of one row of the ledger: what was said, to whom, about what, and where it stands in the chain.

Structure after ISO/IEC TS 27560:2023 (docs/decisions/0012 has the table), aliases of Kantara's Consent Receipt 1.1
under `kantara`. Holds no name and no number of the person, only the ledger's random reference.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone, translation

from consent import queries, telling
from consent.ledger import anchoring, evidence
from consent.ledger.anchoring import Signed
from consent.ledger.folding import GRANTS, Happened, Pair, reach
from consent.models import Channel, ConsentEvent, ConsentEvidence, Controller, Source
from consent.proving.collecting import text_of
from consent.receipts import signing, terms
from contacts.models import Contact
from tenants import encryption

LANGUAGES = ("de", "en")
KANTARA = "KI-CR-v1.1.0"


def receipt(*, contact: Contact, event: ConsentEvent) -> dict[str, Any]:
    """The signed receipt of a row about this contact, in the language in which the person agreed (else German)."""
    language = event.language[:2] if event.language[:2] in LANGUAGES else "de"
    with translation.override(language):
        return signing.sign(_document(contact, event, language))


def _document(contact: Contact, event: ConsentEvent, language: str) -> dict[str, Any]:
    tenant = contact.tenant
    controller = queries.responsible_for(tenant)
    pairs = reach(_happened(event))
    receipt_id, at = str(uuid4()), timezone.now()
    purposes = [terms.purpose(channel, name, event.legal_basis) for channel, name in pairs]
    company = _company(controller, str(tenant.uid))
    document = {
        "schema_version": signing.SCHEMA,
        "receipt_id": receipt_id,
        "record_id": str(event.event_id),
        "issued_at": _iso(at),
        "jurisdiction": "DE",
        "language": language,
        "timezone": tenant.timezone,
        "principal": {"reference": str(event.subject_id), "type": "dpv:Customer"},
        "controller": company,
        "processor": terms.operator(),
        "wording": _wording(event),
        "notice": {
            "url": event.policy_url or controller.privacy_url,
            "version": event.policy_version,
            "sha256": event.policy_sha256,
        },
        "purposes": purposes,
        "channel": event.channel,
        "collection_method": str(Source(event.source).label),
        "age_confirmed": event.age_confirmed,
        "valid_until": event.valid_until and _iso(event.valid_until),
        "confirmation": _confirmation(event),
        "events": _events(contact, event, pairs),
        "withdrawal_method": terms.withdrawal(controller, event.channel),
        "rights": terms.rights(),
        "authority": terms.authority(controller),
        "chain": _chain(event),
    }
    return {**document, "kantara": _kantara(document, event)}


def _happened(event: ConsentEvent) -> Happened:
    return Happened(*(getattr(event, name) for name in Happened._fields))


def _company(controller: Controller, uid: str) -> dict[str, Any]:
    return {
        "id": uid,
        "name": controller.legal_name,
        "address": {
            "street": controller.street,
            "postcode": controller.postcode,
            "city": controller.city,
            "country": controller.country,
        },
        "email": controller.email,
        "phone": controller.phone,
        "imprint_url": controller.imprint_url,
        "data_protection_officer": {"name": controller.officer, "email": controller.officer_email},
    }


def _wording(event: ConsentEvent) -> dict[str, Any]:
    """What was agreed to. With `texts` and `covers` anybody can compute the hash of a published version."""
    version = event.wording_version
    found: dict[str, Any] = {"text": text_of(event), "sha256": event.wording_sha256}
    if version is None:
        return found
    return {
        **found,
        "name": version.wording.name,
        "version": version.number,
        "published_at": version.published_at and _iso(version.published_at),
        "texts": version.texts,
        "covers": sorted(version.covers),
    }


def _confirmation(event: ConsentEvent) -> dict[str, Any] | None:
    """Which request a yes answers and, on e-mail, by the link of which mail; no id of WhatsApp's, which names a number.

    The mail's id is random, and known only while the proof is not kept for claims alone.
    """
    if event.state not in GRANTS or event.doi_request_seq is None:
        return None
    found: dict[str, Any] = {"channel": event.channel, "request_seq": event.doi_request_seq}
    kept = ConsentEvidence.objects.filter(tenant=event.tenant_id, event_id=event.event_id, kept_until=None).first()
    if event.channel != Channel.EMAIL or kept is None:
        return found
    try:
        proof = evidence.unseal(kept)
    except encryption.CannotDecrypt:
        return found
    return found | {name: proof[name] for name in ("mail_id", "mail_sent_at") if name in proof}


def _events(contact: Contact, about: ConsentEvent, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Everything that was said about the same channels and purposes, in the order of the chain."""
    wanted = set(pairs)
    rows = [row for row in queries.history(contact) if wanted & set(reach(_happened(row)))]
    return [
        {
            "seq": row.seq,
            "event_id": str(row.event_id),
            "is_subject": row.seq == about.seq,
            "channel": row.channel,
            "purpose": row.purpose,
            "occurred_at": _iso(row.occurred_at),
            "recorded_at": _iso(row.recorded_at),
            "state": row.state,
            "state_text": telling.state(row.state),
            "dpv": terms.DPV_STATES.get(row.state),
            "source": row.source,
            "source_text": str(Source(row.source).label),
            "actor_type": row.actor_type,
            "row_hash": bytes(row.row_hash).hex(),
        }
        for row in sorted(rows, key=lambda row: row.seq)
    ]


def _chain(event: ConsentEvent) -> dict[str, Any]:
    before, after = anchoring.nearest(anchoring.stored(event.tenant), event.seq)
    return {
        "algorithm": "row_hash = SHA-256(prev_hash || canonical)",
        "seq": event.seq,
        "canonical": event.canonical,
        "prev_hash": bytes(event.prev_hash).hex(),
        "row_hash": bytes(event.row_hash).hex(),
        "evidence_digest": event.evidence_digest,
        "anchor_before": _anchor(before),
        "anchor": _anchor(after),
    }


def _anchor(signed: Signed | None) -> dict[str, Any] | None:
    if signed is None:
        return None
    try:
        public_key = encryption.public_key(anchoring.USE, signed.key_id).hex()
    except KeyError:
        public_key = ""
    said = {name: signed.said[name] for name in ("day", "seq", "hash")}
    kept = {"text": signed.text, "key_id": signed.key_id, "signature": signed.signature.hex()}
    return {**said, **kept, "public_key": public_key}


def _kantara(document: dict[str, Any], event: ConsentEvent) -> dict[str, Any]:
    """The same under the names of Kantara's Consent Receipt Specification 1.1."""
    company, purposes = document["controller"], document["purposes"]
    is_special = any(each["purpose"] == "special_category" for each in purposes)
    return {
        "version": KANTARA,
        "jurisdiction": document["jurisdiction"],
        "consentTimestamp": int(event.occurred_at.timestamp()),
        "collectionMethod": document["collection_method"],
        "consentReceiptID": document["receipt_id"],
        "publicKey": signing.public_key(),
        "language": document["language"],
        "piiPrincipalId": document["principal"]["reference"],
        "piiControllers": [
            {
                "piiController": company["name"],
                "contact": company["data_protection_officer"]["name"] or company["name"],
                "address": company["address"],
                "email": company["email"],
                "phone": company["phone"],
            }
        ],
        "policyUrl": document["notice"]["url"],
        "services": [
            {
                "service": company["name"],
                "purposes": [
                    {
                        "purpose": each["name"],
                        "purposeCategory": [each["dpv"]],
                        "consentType": "EXPLICIT",
                        "piiCategory": each["data_types"],
                        "primaryPurpose": each["purpose"] == "marketing",
                        "termination": each["retention"],
                        "thirdPartyDisclosure": True,
                        "thirdPartyName": "; ".join(each["recipients"]),
                    }
                    for each in purposes
                ],
            }
        ],
        "sensitive": is_special,
        "spiCat": ["Art. 9 DSGVO"] if is_special else [],
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
