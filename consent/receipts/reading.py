"""A receipt's JSON as titled sections of lines, in the receipt's language: from these page and paper are made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from consent import telling
from consent.models import Channel, Purpose
from consent.proving.sections import CODE, PLAIN, QUOTE, Line
from tenants.templatetags import formats

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Some lines under a title."""

    title: str
    lines: list[Line]


@dataclass(frozen=True)
class Sheet:
    """What is printed of a receipt."""

    title: str
    company: str
    language: str
    parts: list[Part]


def read(document: Document) -> Sheet:
    """The sheet of a receipt that `receipt` made; nothing in it comes from anywhere but the JSON."""
    language = document["language"]
    with translation.override(language), timezone.override(document["timezone"]):
        return Sheet(_("Receipt of consent"), document["controller"]["name"], language, list(_parts(document)))


def _parts(document: Document) -> Iterator[Part]:
    own = next(event for event in document["events"] if event["is_subject"])
    yield _part(_("What was said"), _said(document, own))
    yield _part(_("Wording"), _wording(document))
    yield _part(_("Responsible"), _company(document))
    for each in document["purposes"]:
        yield _part(f"{each['channel_name']} · {each['name']}", _purpose(each))
    yield _part(_("Everything said about this so far"), _events(document))
    yield _part(_("Your rights"), _rights(document))
    yield _part(_("Proof"), _proof(document))


def _part(title: str, lines: Iterator[Line]) -> Part:
    """Without the lines that have nothing to say."""
    return Part(title, [line for line in lines if line.value])


def _said(document: Document, own: Document) -> Iterator[Line]:
    yield Line(_("State"), own["state_text"])
    yield Line(_("Channel"), str(Channel(document["channel"]).label))
    yield Line(_("Said at"), _at(own["occurred_at"]))
    yield Line(_("Recorded at"), _at(own["recorded_at"]))
    yield Line(_("Way"), document["collection_method"])
    # None unless a request was confirmed; older receipts lack the part.
    if confirmed := document.get("confirmation"):
        yield Line(_("Confirms"), _("the request in row %(seq)s") % {"seq": confirmed["request_seq"]})
        yield Line(_("Confirmed by the link in the mail"), confirmed.get("mail_id", ""), CODE)
    if document["age_confirmed"] is not None:
        yield Line(_("At least 16 years old"), _("confirmed") if document["age_confirmed"] else _("not confirmed"))
    yield Line(_("Valid until"), _at(document["valid_until"]) if document["valid_until"] else "")
    yield Line(_("Person (reference without a name)"), document["principal"]["reference"], CODE)


def _wording(document: Document) -> Iterator[Line]:
    wording, notice = document["wording"], document["notice"]
    if "name" in wording:
        named = _("%(name)s, version %(number)s") % {"name": wording["name"], "number": wording["version"]}
        yield Line(_("Version"), named)
    yield Line(_("Text"), wording["text"], QUOTE)
    yield Line("SHA-256", wording["sha256"], CODE)
    yield Line(_("Privacy notice"), notice["url"])
    if notice["url"]:
        # Nobody here opens the company's page, so the receipt says whose word it is.
        yield Line(_("Its version, as the company names it"), notice["version"] or _("not named"))
    yield Line(_("Its SHA-256, as the company names it"), notice["sha256"], CODE)


def _company(document: Document) -> Iterator[Line]:
    company = document["controller"]
    address, officer = company["address"], company["data_protection_officer"]
    place = f"{address['postcode']} {address['city']}".strip()
    yield Line(_("Company"), company["name"])
    yield Line(_("Address"), ", ".join(filter(None, (address["street"], place, address["country"]))))
    yield Line(_("Contact"), " · ".join(filter(None, (company["email"], company["phone"]))))
    yield Line(_("Data protection officer"), " · ".join(filter(None, (officer["name"], officer["email"]))))
    yield Line(_("Processor"), _processor(document["processor"]))


def _processor(processor: Document) -> str:
    return ", ".join(filter(None, (processor["name"], processor["address"]))) + f" ({processor['role']})"


def _purpose(each: Document) -> Iterator[Line]:
    yield Line(_("Legal basis"), each["legal_basis_text"])
    yield Line(_("Data"), "; ".join(each["data_types"]))
    yield Line(_("Recipients"), "; ".join(each["recipients"]))
    if abroad := each["third_country"]:
        yield Line(_("Third country"), f"{abroad['country']} ({abroad['recipients']}): {abroad['safeguard']}")
    yield Line(_("Kept"), each["retention"])
    yield Line("DPV", each["dpv"], CODE)


def _events(document: Document) -> Iterator[Line]:
    for event in document["events"]:
        about = f"{Channel(event['channel']).label} · {Purpose(event['purpose']).label}"
        told = [event["state_text"], about, event["source_text"], _("row %(seq)s") % {"seq": event["seq"]}]
        yield Line(_at(event["occurred_at"]), " · ".join(told))


def _rights(document: Document) -> Iterator[Line]:
    yield Line(_("Withdrawal"), document["withdrawal_method"])
    yield Line(_("Rights"), "; ".join(document["rights"]))
    yield Line(_("Authority"), document["authority"])


def _proof(document: Document) -> Iterator[Line]:
    chain, signature = document["chain"], document["signature"]
    yield Line(_("Receipt"), document["receipt_id"], CODE)
    yield Line(_("Issued at"), _at(document["issued_at"]))
    yield Line(_("Structure"), f"{document['schema_version']} · Kantara {document['kantara']['version']}")
    yield Line(_("Event"), document["record_id"], CODE)
    yield Line(_("Row of the ledger"), str(chain["seq"]))
    yield Line(_("Hash of the row before"), chain["prev_hash"], CODE)
    yield Line(_("Hash of this row"), chain["row_hash"], CODE)
    yield Line(_("Signed end of the ledger"), _anchor(chain["anchor"]))
    yield Line(_("Signature (%(kind)s)") % {"kind": signature["algorithm"]}, signature["value"], CODE)
    yield Line(_("Public key"), signature["public_key"], CODE)
    yield Line(
        _("Check it"),
        _("The receipt's JSON file can be checked at the company: only what is unaltered fits the signature."),
        PLAIN,
    )


def _anchor(anchor: Document | None) -> str:
    if anchor is None:
        return _("none yet: the chain is sealed once a day")
    return _("%(day)s, row %(seq)s, signed with key %(key)s") % {
        "day": formats.day(date.fromisoformat(anchor["day"])),
        "seq": anchor["seq"],
        "key": anchor["key_id"],
    }


def _at(text: str) -> str:
    return telling.exact(datetime.fromisoformat(text))
