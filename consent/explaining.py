"""Answers "Why do I get this, and where did you get my data?" for one person (Art. 14 and 15 (1) (g) GDPR, R-36)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.utils import translation

from consent import speaking
from consent.ledger import evidence
from consent.ledger.folding import GRANTS
from consent.models import Channel, ConsentEvent, ConsentEvidence, Purpose, Source
from consent.queries import history, states
from contacts.models import Contact
from tenants.encryption import CannotDecrypt
from tenants.templatetags.formats import day

# How `speaking` names the ways by which a yes came in.
WAYS: dict[str, str] = {
    Source.SIGNUP_PAGE: "from_signup_page",
    Source.QR: "from_qr",
    Source.WA_KEYWORD: "from_whatsapp",
    Source.WA_BUTTON: "from_whatsapp",
    Source.FLOW: "from_whatsapp",
    Source.IMPORT: "from_import",
    Source.API: "from_api",
    Source.AGENT: "from_agent",
}
# Told of by others, who named the place where the yes was given; and how imports and the API call it in the proof.
SECOND_HAND = (Source.IMPORT, Source.API, Source.AGENT)
NAMED_BY = ("consent.source", "source")


class Declared(NamedTuple):
    """The row of the ledger that says so for one channel and purpose, of which the person can have a receipt."""

    event_id: UUID
    about: str


class Origin(NamedTuple):
    """One declaration: when and by which way it came and, while it holds, which words and notice it was a yes to."""

    told: str
    wording: str = ""
    policy_url: str = ""
    # Of what holds now.
    rows: Sequence[Declared] = ()


def origins(contact: Contact, language: str) -> list[Origin]:
    """Everything that messages to this person rest on, newest first; what one text covers is told once.

    Below it whence the data are otherwise: by declarations that hold no more or, where nothing else is known, since
    when there are any. So as long as there is a contact, there is an answer.
    """
    said = speaking.texts(contact.tenant, language)
    holding = {state.seq: (state.channel, state.purpose) for state in states(contact).filter(state__in=GRANTS)}
    found: dict[Origin, list[Declared]] = {}
    with translation.override(language):
        for row in history(contact).filter(state__in=GRANTS):
            if row.seq in holding:
                told = Origin(_told(row, said), _wording(row, language), row.policy_url)
                found.setdefault(told, []).append(Declared(row.event_id, _about(row)))
            elif (row.channel, row.purpose) not in holding.values():
                found.setdefault(Origin(f"{_told(row, said)} {said['ended']}"), [])
        stored = Origin(said["stored"].replace("{day}", day(contact.created_at)))
    told_of = [origin._replace(rows=about) for origin, about in found.items()]
    return sorted(told_of, key=lambda origin: not origin.rows) or [stored]


def _about(row: ConsentEvent) -> str:
    return f"{Channel(row.channel).label} · {Purpose(row.purpose).label}"


def _told(row: ConsentEvent, said: Mapping[str, str]) -> str:
    told = said[_way(row)].replace("{day}", day(row.occurred_at))
    source = next(_sources(row), "") if row.source in SECOND_HAND else ""
    return f"{told} {said['noted_source'].replace('{source}', source)}" if source else told


def _way(row: ConsentEvent) -> str:
    is_by_mail = row.channel == Channel.EMAIL and row.doi_request_seq is not None
    return "from_mail" if is_by_mail else WAYS.get(row.source, "from_other")


def _wording(row: ConsentEvent, language: str) -> str:
    texts: dict[str, str] = row.wording_version.texts if row.wording_version else {}
    return next((texts[code] for code in (row.language[:2], language, *texts) if texts.get(code)), "")


def _sources(row: ConsentEvent) -> Iterator[str]:
    """The place that the proof names, unless the proof is kept for claims only."""
    stored = ConsentEvidence.objects.filter(tenant=row.tenant_id, event_id=row.event_id, kept_until=None).first()
    try:
        proof = evidence.unseal(stored) if stored else {}
    except CannotDecrypt:
        return
    yield from (str(proof[key]) for key in NAMED_BY if proof.get(key))
