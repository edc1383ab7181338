"""Answers "Why do I get this, and where did you get my data?" for one person (Art. 14 and 15 (1) (g) GDPR, R-36)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max, Q, QuerySet
from django.utils import timezone, translation
from django.utils.text import Truncator

from consent import speaking
from consent.ledger import evidence
from consent.ledger.folding import GRANTS
from consent.models import Authority, Channel, ConsentEvent, ConsentEvidence, ConsentState, Purpose, Source, State
from consent.queries import history, row, states
from consent.rights import walking
from contacts.identities import digest
from contacts.models import Contact, Identity
from tenants.encryption import CannotDecrypt
from tenants.templatetags.formats import day, moment

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
# Beneath these a yes may be alive, as it is once they are over.
PAUSED = (State.META_STOPPED.value, State.RESTRICTED.value)
# An answer in the chat is read on a phone, and Meta takes 4,096 characters; the person's own page has everything.
MOST_IN_CHAT, LONGEST_WORDING, LONGEST_SOURCE, LONGEST_IN_CHAT = 3, 700, 150, 4096


class Declared(NamedTuple):
    """The row of the ledger that says so for one channel and purpose, of which the person can have a receipt."""

    event_id: UUID
    about: str


class Origin(NamedTuple):
    """One declaration: when and by which way it came and, while it holds, which words and notice it was a yes to.

    `brief` is `told` for the chat, where a name that the team gave a list is not repeated.
    """

    told: str
    brief: str
    wording: str = ""
    policy_url: str = ""
    # Of what holds now.
    rows: Sequence[Declared] = ()


class Sending(NamedTuple):
    """The last campaign that reached a person, as upper apps tell of it: its purpose, and by what it chose them.

    `by` is in the person's words, empty where it went to everybody who agreed, and None where nobody can say any more.
    It leaves out what is of a special category (Art. 9 GDPR); `is_special` says that there was some. `seq` is the row
    of the ledger that allowed it.
    """

    at: datetime
    purpose: str
    by: list[str] | None
    is_special: bool
    seq: int | None


class Answer(NamedTuple):
    """What is said in the chat; `is_complete` unless it names nothing but since when the data are stored."""

    text: str
    is_complete: bool


def origins(contact: Contact, language: str) -> list[Origin]:
    """Everything that messages to this person rest on, newest first; what one text covers is told once.

    Below it whence the data are otherwise: by what holds for a contact that was merged into this one, the last yes to
    each thing that holds no more or, where nothing else is known, since when there are any. So as long as there is a
    contact, there is an answer. Receipts are for what this contact itself has agreed to.
    """
    said = speaking.texts(contact.tenant, language)
    grants = history(contact).filter(state__in=GRANTS)
    now = _states(contact.tenant_id, grants)
    last = grants.order_by("channel", "purpose", "-seq").distinct("channel", "purpose")
    holding = {seq for state, seq in now.values() if state in GRANTS}
    rows = list(grants.filter(Q(seq__in=holding) | Q(pk__in=last.values("pk"))))
    held = {(each.channel, each.purpose) for each in rows if each.seq in holding}
    proofs, found = _proofs(rows), dict[Origin, list[Declared]]()
    with _as_read(contact, language):
        for each in rows:
            told = _told(each, said, proofs)
            if each.seq in holding:
                about = [Declared(each.event_id, _about(each))] if each.subject_id == contact.subject_id else []
                found.setdefault(Origin(*told, _wording(each, language), each.policy_url), []).extend(about)
            elif (each.channel, each.purpose) not in held:
                state, _seq = now.get((each.subject_id, each.channel, each.purpose), ("", 0))
                # Beneath these it may still hold.
                ended = "" if state in PAUSED else f" {said['ended']}"
                found.setdefault(Origin(told[0] + ended, told[1] + ended), [])
        since = said["stored"].replace("{day}", day(contact.created_at))
    told_of = [origin._replace(rows=about) for origin, about in found.items()]
    return sorted(told_of, key=lambda origin: not origin.rows) or [Origin(since, since)]


def _states(tenant_id: int, rows: QuerySet[ConsentEvent]) -> dict[tuple[UUID, str, str], tuple[str, int]]:
    """What holds now for those whom these rows are about, and which row says so."""
    known = ConsentState.objects.filter(tenant=tenant_id, subject_id__in=rows.order_by().values("subject_id"))
    found = known.values_list("subject_id", "channel", "purpose", "state", "seq")
    return {(subject, channel, purpose): (state, seq) for subject, channel, purpose, state, seq in found}


def last_campaign(contact: Contact, language: str, *, is_brief: bool = False) -> str:
    """Why the last campaign reached a person; "" where none did, and while their data is only stored (Art. 18 GDPR).

    It is named by its day and purpose: what it is called is the company's own, and what it said was advertising, which
    an answer must not repeat. Unless what allowed it holds, it is told, too; `is_brief` as in the chat.
    """
    if contact.restricted_at or (sent := walking.last_campaign(contact, language)) is None:
        return ""
    said = speaking.texts(contact.tenant, language)
    purpose = said.get(f"what_{sent.purpose}", said["what_else"])
    with _as_read(contact, language):
        told = [speaking.filled(said["last_campaign"], {"{at}": moment(sent.at), "{purpose}": purpose})]
        if not _is_allowed(contact, sent) and (allowed := row(contact, sent.seq)):
            told.append(said["allowed_by"].replace("{told}", _told(allowed, said)[is_brief]))
    if sent.by is not None:
        by = [*sent.by, *([said["by_more"]] if sent.is_special else [])]
        told.append(said["chosen_by"].replace("{by}", ", ".join(by)) if by else said["chosen_all"])
    return " ".join(told)


def in_chat(contact: Contact, language: str, *, own_page: str) -> Answer:
    """The whole answer to who asks in WhatsApp why they get messages (R-36): neutral, and never an offer.

    It fits into one message: origins go first, and the way to the person's own page, which has everything, stays.
    """
    said = speaking.texts(contact.tenant, language)
    page = said["why_page"].replace("{url}", own_page)
    if contact.restricted_at:
        return Answer(f"{said['why_restricted']}\n\n{page}", is_complete=True)
    found, last = origins(contact, language), last_campaign(contact, language, is_brief=True)
    is_agreed = _is_agreed(contact, language)
    head, ends = (said["why_chat"], [said["why_stop"], page]) if is_agreed else (said["why_none"], [page])
    told = [_in_chat(each, said) for each in found[:MOST_IN_CHAT] if each.rows or not is_agreed]
    text = "\n\n".join([head, *ends])
    for count in range(len(told) + 1):
        longer = "\n\n".join(filter(None, [head, *told[:count], last, *ends]))
        text = longer if len(longer) <= LONGEST_IN_CHAT else text
    return Answer(text, is_complete=bool(last) or history(contact).filter(state__in=GRANTS).exists())


def may_be_somebody_else(contact: Contact) -> bool:
    """Whether another person may write from this number than the one whose yes we have.

    WhatsApp gives everybody a BSUID of their own, so a new one after the last yes may be the next owner's of a number
    that was given away, who must not read about the one before (§ 8). Who moved by WhatsApp's own word is the same.
    """
    if not contact.bsuid:
        return False
    before = contact.identities.filter(kind=Identity.Kind.BSUID).exclude(
        digest=digest(contact.tenant, Identity.Kind.BSUID, contact.bsuid)
    )
    changed_at = before.aggregate(at=Max("valid_to"))["at"]
    if changed_at is None:
        return False
    since = Q(state__in=GRANTS, occurred_at__gte=changed_at)
    moved = Q(state=State.MOVED, authority=Authority.META, recorded_at__gte=changed_at)
    return not history(contact).filter(since | moved).exists()


def _is_allowed(contact: Contact, sent: Sending) -> bool:
    """Whether the row that allowed the sending holds, or another yes to what it was for."""
    same = Q(seq=sent.seq) | Q(channel=Channel.WHATSAPP, purpose=sent.purpose)
    return states(contact).filter(same, state__in=GRANTS).exists()


def _is_agreed(contact: Contact, language: str) -> bool:
    """Whether the person has agreed to advertising here, or to what the last campaign was for."""
    sent = walking.last_campaign(contact, language)
    purposes = [Purpose.MARKETING, *([sent.purpose] if sent else [])]
    return states(contact).filter(channel=Channel.WHATSAPP, purpose__in=purposes, state__in=GRANTS).exists()


def _in_chat(origin: Origin, said: Mapping[str, str]) -> str:
    words = Truncator(origin.wording).chars(LONGEST_WORDING)
    return f"{origin.brief}\n{said['agreed']}: {said['quoted'].replace('{words}', words)}" if words else origin.brief


def _as_read(contact: Contact, language: str) -> ExitStack:
    """In the reader's language and the company's time zone."""
    stack = ExitStack()
    stack.enter_context(translation.override(language))
    stack.enter_context(timezone.override(contact.tenant.timezone))
    return stack


def _about(event: ConsentEvent) -> str:
    return f"{Channel(event.channel).label} · {Purpose(event.purpose).label}"


def _told(
    event: ConsentEvent, said: Mapping[str, str], proofs: Mapping[UUID, ConsentEvidence] | None = None
) -> tuple[str, str]:
    """How a yes came in, and the same for the chat: without what a list is called, and with a short source."""
    told = said[_way(event)].replace("{day}", day(event.occurred_at))
    stored = (_proofs([event]) if proofs is None else proofs).get(event.event_id)
    source = next(_sources(stored), "") if stored else ""
    if not source:
        return told, told
    brief = "" if event.source == Source.IMPORT else Truncator(source).chars(LONGEST_SOURCE)
    noted = [f"{told} {said['noted_source'].replace('{source}', one)}" if one else told for one in (source, brief)]
    return noted[0], noted[1]


def _way(event: ConsentEvent) -> str:
    is_by_mail = event.channel == Channel.EMAIL and event.doi_request_seq is not None
    return "from_mail" if is_by_mail else WAYS.get(event.source, "from_other")


def _wording(event: ConsentEvent, language: str) -> str:
    texts: dict[str, str] = event.wording_version.texts if event.wording_version else {}
    return next((texts[code] for code in (event.language[:2], language, *texts) if texts.get(code)), "")


def _proofs(events: Sequence[ConsentEvent]) -> dict[UUID, ConsentEvidence]:
    """Of those that were told of by others, by the row's id; none that are kept for claims only."""
    wanted = [each for each in events if each.source in SECOND_HAND]
    if not wanted:
        return {}
    stored = ConsentEvidence.objects.filter(tenant=wanted[0].tenant_id, kept_until=None)
    return {row.event_id: row for row in stored.filter(event_id__in=[each.event_id for each in wanted])}


def _sources(stored: ConsentEvidence) -> Iterator[str]:
    """The place that a proof names."""
    try:
        proof = evidence.unseal(stored)
    except CannotDecrypt:
        return
    yield from (str(proof[key]) for key in NAMED_BY if proof.get(key))
