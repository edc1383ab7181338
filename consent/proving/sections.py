"""A proof as titled sections of lines, in the active language: the same on the page and on paper."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent import telling
from consent.ledger.anchoring import Signed
from consent.models import Authority, BlockReason, Channel, Purpose, Source, State, Way
from consent.proving.collecting import Proof, Step
from tenants.templatetags import formats

# How a line is shown: plain, as a text that was agreed to, or as a hash.
PLAIN, QUOTE, CODE = "", "quote", "code"
ON_WHATSAPP = {Source.WA_BUTTON, Source.WA_KEYWORD, Source.FLOW}
YESES = {State.GRANTED, State.RENEWED}
EVIDENCE = {
    "wamid": gettext_lazy("WhatsApp message id"),
    "text": gettext_lazy("What the person wrote or tapped"),
    "payload": gettext_lazy("Button"),
    "ip": gettext_lazy("IP address"),
    "user_agent": gettext_lazy("Browser"),
    "phone": gettext_lazy("Phone number"),
    "email": gettext_lazy("E-mail"),
    "mail_id": gettext_lazy("Id of the mail that asked"),
    "mail_sent_at": gettext_lazy("The mail was sent (UTC)"),
    "bsuid": gettext_lazy("WhatsApp user id (BSUID)"),
    "file": gettext_lazy("File"),
    "file_sha256": gettext_lazy("SHA-256 of the file"),
    "line": gettext_lazy("Line of the file"),
    "proof": gettext_lazy("Proof"),
    "source": gettext_lazy("Where and how"),
    "way": gettext_lazy("How the person said it"),
    "reason": gettext_lazy("Why"),
    "form": gettext_lazy("Form"),
    "page": gettext_lazy("Page"),
    "campaign": gettext_lazy("Came from"),
    "headline": gettext_lazy("Headline of the page"),
    "benefit": gettext_lazy("Benefit shown"),
    "benefit_terms": gettext_lazy("Conditions of the benefit"),
    "intro": gettext_lazy("Introduction of the page"),
    "question_label": gettext_lazy("Question of the page"),
    "asked": gettext_lazy("What we asked on WhatsApp"),
    "asked_wamid": gettext_lazy("Our question (WhatsApp message id)"),
    "phone_number_id": gettext_lazy("Number written to (Meta's id)"),
    "note": gettext_lazy("Remark"),
    "wording_text": gettext_lazy("Wording"),
    "old_phone": gettext_lazy("Phone number before"),
    "old_bsuid": gettext_lazy("WhatsApp user id before"),
    "consent.whatsapp": gettext_lazy("Consent: yes or no"),
    "consent.at": gettext_lazy("Consent: when"),
    "consent.source": gettext_lazy("Consent: source"),
    "consent.wording": gettext_lazy("Consent: wording"),
    "consent.proof": gettext_lazy("Consent: proof"),
    "consent.age": gettext_lazy("Consent: at least 16 years old"),
}
CHOICES: dict[str, dict[Any, Any]] = {"way": dict(Way.choices), "reason": dict(BlockReason.choices)}


@dataclass(frozen=True)
class Line:
    """One labelled value."""

    label: str
    value: str
    kind: str = PLAIN


@dataclass(frozen=True)
class Section:
    """One row of the ledger in words."""

    title: str
    tone: str
    lines: list[Line]
    evidence: list[Line]
    faults: list[str]
    step: Step


def sections(proof: Proof) -> list[Section]:
    """Each row of a proof in the order in which it was recorded."""
    return [
        Section(
            title=telling.state(step.event.state),
            tone=telling.tone(step.event.state),
            lines=list(_lines(step, proof.last_seq)),
            evidence=list(_evidence(step.proven or {})),
            faults=[str(problem) for problem in step.faults],
            step=step,
        )
        for step in proof.steps
    ]


def _lines(step: Step, last_seq: int) -> Iterator[Line]:
    event = step.event
    yield Line(_("Channel and purpose"), f"{Channel(event.channel).label} · {Purpose(event.purpose).label}")
    yield Line(_("Said at"), telling.exact(event.occurred_at))
    yield Line(_("Recorded at"), telling.exact(event.recorded_at))
    yield Line(
        _("Way"), " · ".join(filter(None, (str(Source(event.source).label), telling.source_ref(event.source_ref))))
    )
    yield Line(_("Said by"), telling.authority(event.authority))
    if event.actor_type in ("user", "api_key"):
        yield Line(_("Recorded by"), step.actor or f"{event.actor_type} {event.actor_id}")
    yield from _confirmation(step)
    yield from _wording(step)
    if event.state in YESES:
        yield Line(_("Legal basis"), telling.legal_basis(event.legal_basis, event.purpose))
    if event.age_confirmed is not None:
        yield Line(_("At least 16 years old"), _("confirmed") if event.age_confirmed else _("not confirmed"))
    if event.valid_until:
        yield Line(_("Valid until"), telling.exact(event.valid_until))
    yield Line(_("Event"), str(event.event_id), CODE)
    yield from _chain(step, last_seq)


def _confirmation(step: Step) -> Iterator[Line]:
    """How the person confirmed on the channel itself (CG-11): by which message on WhatsApp, or by which mail's link."""
    event, proven = step.event, step.proven or {}
    # A page's yes is confirmed on WhatsApp where it answers a request: by the person's own message with the token.
    is_there = event.source in ON_WHATSAPP or step.request is not None
    if not is_there or event.state not in YESES or event.authority != Authority.PERSON:
        return
    if step.request:
        asked = _("request in row %(seq)s of %(time)s")
        yield Line(_("Confirms"), asked % {"seq": step.request.seq, "time": telling.exact(step.request.occurred_at)})
    if event.channel == Channel.EMAIL:
        yield _by_mail(proven)
    elif proven.get("wamid"):
        yield Line(_("Confirmed on WhatsApp by message"), str(proven["wamid"]), CODE)
        if answer := proven.get("text") or proven.get("payload"):
            yield Line(_("Answer"), _("“%(text)s”") % {"text": answer})
    elif event.evidence_digest:
        yield Line(_("Confirmed on WhatsApp"), _("Message id and answer lie encrypted in the evidence."))
    else:
        yield Line(_("Confirmed on WhatsApp"), _("Recorded without message id."))


def _by_mail(proven: Mapping[str, Any]) -> Line:
    if proven.get("mail_id"):
        return Line(_("Confirmed by the link in the mail"), str(proven["mail_id"]), CODE)
    return Line(_("Confirmed by e-mail"), _("The id of the mail and its address lie encrypted in the evidence."))


def _wording(step: Step) -> Iterator[Line]:
    event = step.event
    if version := event.wording_version:
        named = _("%(name)s, version %(number)s") % {"name": version.wording.name, "number": version.number}
        yield Line(_("Wording"), named)
    if step.text:
        yield Line(_("Agreed to") if event.state in YESES else _("Text"), step.text, QUOTE)
    elif event.wording_sha256:
        yield Line(_("Wording"), _("Its text was deleted with the evidence; its hash stays."))
    if event.wording_sha256:
        yield Line(_("SHA-256 of the wording"), event.wording_sha256, CODE)
    if event.policy_url:
        yield Line(_("Privacy notice"), " · ".join(filter(None, (event.policy_url, event.policy_version))))
    if event.policy_sha256:
        yield Line(_("SHA-256 of the privacy notice"), event.policy_sha256, CODE)


def _chain(step: Step, last_seq: int) -> Iterator[Line]:
    event = step.event
    yield Line(_("Place in the chain"), _("row %(seq)s of %(last)s") % {"seq": event.seq, "last": last_seq})
    yield Line(_("Hash of the row before"), bytes(event.prev_hash).hex(), CODE)
    yield Line(_("Hash of this row"), bytes(event.row_hash).hex(), CODE)
    yield Line(_("Signed end before"), _anchor(step.before) or _("none: the row is older than the first seal"))
    yield Line(_("Signed end after"), _anchor(step.after) or _("none yet: the chain is sealed once a day"))


def _anchor(signed: Signed | None) -> str:
    if signed is None:
        return ""
    said = signed.said
    return _("%(day)s, row %(seq)s, signed with key %(key)s") % {
        "day": formats.day(date.fromisoformat(said["day"])),
        "seq": said["seq"],
        "key": signed.key_id,
    }


def _evidence(proven: Mapping[str, Any]) -> Iterator[Line]:
    for name, value in proven.items():
        if value not in (None, ""):
            told = str(CHOICES[name].get(value, value)) if name in CHOICES else str(value)
            yield Line(str(EVIDENCE.get(name, name)), told, QUOTE if name.endswith("wording_text") else PLAIN)
