"""Signing up: what a page or a keyword asks for, and the WhatsApp message or tap by which the person confirms it.

Nobody is written to before they have written themselves, so no form can be used to pester somebody (CG-11 to CG-14).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet

from consent import showing, signups, speaking
from consent.actions import declarations, vouchers
from consent.keywords import OPT_INS
from consent.ledger import Appended
from consent.models import (
    Authority,
    Channel,
    ConsentEvent,
    ConsentState,
    SignupForm,
    SignupPlace,
    SignupRequest,
    Source,
    State,
    WordingVersion,
)
from consent.opening import unlawful
from consent.queries import (
    attribute_name,
    live_signup_form,
    may_ask,
    may_use_special,
    published,
    special_names,
)
from consent.rights import periods
from contacts.actions import people
from contacts.actions.values import ContactData
from contacts.models import Contact
from tenants.encryption import decrypt, encrypt
from tenants.models import Tenant

FORM_REF = "form "


class NotOpen(Exception):
    """The form takes no sign-ups: it is a draft, closed, or something that the law wants is missing."""


@dataclass(frozen=True)
class Said:
    """A message by which somebody asks or confirms, as it came from WhatsApp."""

    wamid: str
    text: str
    at: datetime
    phone_number_id: str
    payload: str = ""


@dataclass(frozen=True)
class Heard:
    """What became of it, and what the person is to be told: the text in their language is `consent.speaking`'s."""

    outcome: Literal["confirmed", "known", "late", "asked"]
    form: SignupForm
    language: str
    version: WordingVersion | None = None
    code: str = ""
    # A voucher was promised, and none was left.
    is_owed: bool = False


@transaction.atomic
def start(
    *,
    form: SignupForm,
    is_extra_wanted: bool,
    answer: str,
    language: str,
    visitor: Mapping[str, str],
    place: SignupPlace | None = None,
) -> str:
    """Somebody ticked the box on the page: returns the token that they send by WhatsApp to confirm.

    `visitor` is what proves the request (address, browser, page). Nothing is known of the person yet, so nothing stands
    in the ledger. Raises NotOpen.
    """
    version, extra = _open_versions(form)
    token = signups.new_token()
    digest = signups.digest(token)
    evidence = {**visitor, "form": form.slug, **showing.as_evidence(form, language)}
    evidence |= {"answer": answer} if answer and may_ask(form, is_extra_wanted=is_extra_wanted) else {}
    SignupRequest.objects.create(
        tenant=form.tenant,
        form=form,
        place=place,
        version=version,
        extra_version=extra if is_extra_wanted else None,
        token_digest=digest,
        language=language,
        sealed=encrypt(orjson.dumps(evidence).decode(), binding=_binding(form.tenant_id, digest)),
    )
    _count("requests", form, place)
    return token


def hear(*, tenant: Tenant, contact: Contact, said: Said, is_start: bool) -> Heard | None:
    """What a message has to do with signing up: a token, a tap on our button, a yes to our question, a keyword.

    `is_start` when the message asks to sign up by one of the general words. None when it has nothing to do with it.
    """
    if token := signups.token_in(said.text):
        return confirm(tenant=tenant, contact=contact, token=token, said=said)
    if tapped := signups.PAYLOAD.fullmatch(said.payload):
        form = _forms(tenant).filter(uid=tapped["form"]).first()
        return accept(form=form, contact=contact, said=said, version_id=int(tapped["version"])) if form else None
    if signups.is_yes(said.text) and (pending := _asked(contact, said.at, timedelta(days=1))):
        slug, _place = _read(pending.source_ref)
        form = _forms(tenant).filter(slug=slug).first()
        return (
            accept(form=form, contact=contact, said=said, version_id=pending.wording_version_id or 0) if form else None
        )
    if place := _place_named(tenant, said.text):
        return ask(form=place.form, contact=contact, said=said, place=place)
    form = live_signup_form(tenant, said.text, is_start=is_start)
    return ask(form=form, contact=contact, said=said) if form else None


def _place_named(tenant: Tenant, text: str) -> SignupPlace | None:
    """The place by whose QR code somebody asks to sign up: the keyword of its form, or a general word, and its code."""
    if (found := signups.place_in(text)) is None:
        return None
    word, code = found
    places = SignupPlace.objects.select_related("form__tenant", "form__wording", "form__extra_wording")
    place = places.filter(tenant=tenant, code=code, form__state=SignupForm.State.LIVE).first()
    return place if place and word in (place.form.keyword, *OPT_INS) else None


@transaction.atomic
def confirm(*, tenant: Tenant, contact: Contact, token: str, said: Said) -> Heard | None:
    """The person sent the token of a page: their yes, proven by their own number (CG-13). None for a made-up token.

    A second use changes nothing, one after seven days grants nothing (CG-14), and both are said.
    """
    found = (
        SignupRequest.objects.select_for_update(of=("self",))
        .select_related("form__tenant", "place", "version", "extra_version")
        .filter(tenant=tenant, token_digest=signups.digest(token))
        .first()
    )
    if found is None:
        return None
    if found.confirmed_at:
        return Heard("known", found.form, found.language)
    if said.at - found.requested_at > periods.TO_CONFIRM or found.version.invalid_reason:
        return Heard("late", found.form, found.language)
    evidence = orjson.loads(decrypt(found.sealed, binding=_binding(tenant.pk, found.token_digest)))
    # No part of the proof, which is kept for years: it is data for segments, and may be of a special category (CG-08).
    answer = evidence.pop("answer", "")
    for version in filter(None, (found.version, found.extra_version)):
        _grant_requested(found, version, contact, said, evidence)
    SignupRequest.objects.filter(pk=found.pk).update(confirmed_at=said.at, sealed="")
    _count("confirmed", found.form, found.place)
    _remember(found.form, contact, answer, found.language)
    issued = vouchers.issue(form=found.form, contact=contact, is_promised="benefit" in evidence)
    return Heard("confirmed", found.form, found.language, found.version, *issued)


def _grant_requested(
    found: SignupRequest, version: WordingVersion, contact: Contact, said: Said, evidence: dict[str, Any]
) -> None:
    source = Source.QR if found.place else Source.SIGNUP_PAGE
    common = {
        "tenant": contact.tenant,
        "contact": contact,
        "source": source,
        "source_ref": _ref(found.form, found.place),
        "pairs": pairs_of(version),
        "wording": version,
        "language": found.language,
        "age_confirmed": True,
    }
    key = f"signup:{found.token_digest}:{version.pk}"
    asked = declarations.request(dedupe=key, occurred_at=found.requested_at, evidence=evidence, **common)
    declarations.grant(
        dedupe=f"{key}:confirmed",
        occurred_at=said.at,
        authority=Authority.PERSON,
        doi_request_seq=asked[0].seq,
        incentive_id=f"form {found.form.slug}" if "benefit" in evidence else "",
        evidence=_as_evidence(said),
        **common | {"pairs": confirmed_here(version)},
    )


@transaction.atomic
def ask(*, form: SignupForm, contact: Contact, said: Said, place: SignupPlace | None = None) -> Heard | None:
    """The person wrote the keyword, perhaps by a place's QR code: show them the wording with a button (CG-13).

    Only the tap is a yes, and it counts for the place.
    """
    try:
        version, _extra = _open_versions(form)
    except NotOpen:
        return None
    language = _language(contact, version)
    if _has_said_yes(contact, version):
        return Heard("known", form, language)
    if len(speaking.question(form.tenant, language, version)) > speaking.QUESTION_LIMIT:
        return None
    declarations.request(
        tenant=form.tenant,
        contact=contact,
        dedupe=f"keyword:{said.wamid}",
        source=Source.WA_KEYWORD,
        source_ref=_ref(form, place),
        pairs=pairs_of(version),
        occurred_at=said.at,
        wording=version,
        language=_language(contact, version),
        evidence=_as_evidence(said),
    )
    _count("requests", form, place)
    return Heard("asked", form, _language(contact, version), version)


@transaction.atomic
def accept(*, form: SignupForm, contact: Contact, said: Said, version_id: int) -> Heard | None:
    """The person said yes under the wording of a form. None for a version that the form never showed.

    A yes counts for seven days, and only while that version may still be agreed to; later they are asked again.
    """
    version = form.wording.versions.filter(tenant=form.tenant, pk=version_id).first()
    if version is None:
        return None
    language = _language(contact, version)
    asked = _asked(contact, said.at, periods.TO_CONFIRM, version_id)
    if asked is None or version.invalid_reason or form.state != SignupForm.State.LIVE:
        return Heard("late", form, language)
    done = declarations.grant(
        tenant=form.tenant,
        contact=contact,
        dedupe=f"yes:{asked.seq}",
        source=Source.WA_BUTTON if said.payload else Source.WA_KEYWORD,
        source_ref=asked.source_ref,
        authority=Authority.PERSON,
        pairs=confirmed_here(version),
        occurred_at=said.at,
        wording=version,
        language=language,
        age_confirmed=True,
        doi_request_seq=asked.seq,
        incentive_id=f"form {form.slug}" if form.benefit else "",
        evidence=_as_evidence(said),
    )
    if not any(_is_new(row) for row in done):
        return Heard("known", form, language)
    _slug, code = _read(asked.source_ref)
    _count("confirmed", form, form.places.filter(tenant=form.tenant_id, code=code).first() if code else None)
    # The page promises a benefit only while there are codes; a poster, by which people come here, hangs on.
    issued = vouchers.issue(form=form, contact=contact, is_promised=bool(form.benefit))
    return Heard("confirmed", form, language, version, *issued)


def pairs_of(version: WordingVersion) -> list[tuple[str, str]]:
    """The (channel, purpose) pairs that a version is a yes to."""
    return [(str(channel), str(purpose)) for channel, purpose in version.covers]


def confirmed_here(version: WordingVersion) -> list[tuple[str, str]]:
    """Those that a message on WhatsApp confirms: it proves nothing about an e-mail address (CG-11)."""
    return [pair for pair in pairs_of(version) if pair[0] == Channel.WHATSAPP]


def scanned(place: SignupPlace) -> None:
    """Somebody opened the page by the address of a place."""
    SignupPlace.objects.filter(pk=place.pk).update(scans=F("scans") + 1)


def _ref(form: SignupForm, place: SignupPlace | None) -> str:
    """Which form, and at which place, as a row of the ledger names it: "form theke, k7m2qxyz"."""
    return f"{FORM_REF}{form.slug}" + (f", {place.code}" if place else "")


def _read(ref: str) -> tuple[str, str]:
    """The form's slug and the place's code in such a name."""
    slug, _comma, code = ref.removeprefix(FORM_REF).partition(", ")
    return slug, code


def _count(what: str, form: SignupForm, place: SignupPlace | None = None) -> None:
    SignupForm.objects.filter(pk=form.pk).update(**{what: F(what) + 1})
    if place:
        SignupPlace.objects.filter(pk=place.pk).update(**{what: F(what) + 1})


def _is_new(row: Appended) -> bool:
    return row.skipped != "duplicate"


def _open_versions(form: SignupForm) -> tuple[WordingVersion, WordingVersion | None]:
    version = published(form.wording) if form.state == SignupForm.State.LIVE else None
    if version is None or unlawful(form):
        raise NotOpen
    return version, published(form.extra_wording) if form.extra_wording else None


def _forms(tenant: Tenant) -> QuerySet[SignupForm]:
    return SignupForm.objects.select_related("tenant", "wording").filter(tenant=tenant)


def _asked(contact: Contact, at: datetime, within: timedelta, version_id: int | None = None) -> ConsentEvent | None:
    """Our latest question to this person that still waits for their yes."""
    asked = ConsentEvent.objects.filter(
        tenant=contact.tenant_id,
        subject_id=contact.subject_id,
        state=State.REQUESTED,
        source=Source.WA_KEYWORD,
        occurred_at__gte=at - within,
    )
    if version_id is not None:
        asked = asked.filter(wording_version_id=version_id)
    return asked.order_by("-seq").first()


def _has_said_yes(contact: Contact, version: WordingVersion) -> bool:
    """Whether there is nothing left to ask; a yes without the age (CG-07) allows nothing, so it is asked for anew."""
    held = ConsentState.objects.filter(
        tenant=contact.tenant_id, subject_id=contact.subject_id, state=State.GRANTED, age_confirmed=True
    ).values_list("channel", "purpose")
    return set(confirmed_here(version)) <= set(held)


def _as_evidence(said: Said) -> dict[str, Any]:
    kept = {"wamid": said.wamid, "text": said.text, "payload": said.payload, "phone_number_id": said.phone_number_id}
    return {key: value for key, value in kept.items() if value}


def _language(contact: Contact, version: WordingVersion) -> str:
    own = contact.language[:2].lower()
    return own if version.texts.get(own) else next(iter(version.texts), "de")


def _remember(form: SignupForm, contact: Contact, answer: str, language: str) -> None:
    """Write the answer of the page's question where segments find it; what does not fit is left out (CG-55)."""
    values: dict[str, Any] = {} if contact.language else {"language": language}
    attributes: dict[str, Any] = {}
    if answer and form.question == SignupForm.Question.CHOICE:
        if _may_be_kept(contact, form.question_attribute):
            attributes[form.question_attribute] = answer
    elif answer:
        values[form.question] = answer
    try:
        people.patch(contact=contact, data=ContactData(values, attributes), by=None, is_wish=True)
    except ValidationError:
        # The yes must not fail because of it.
        return


def _may_be_kept(contact: Contact, attribute: str) -> bool:
    """What touches health, faith or the like is kept only with a yes to exactly that (CG-08)."""
    return attribute_name(attribute) not in special_names(contact.tenant_id) or may_use_special(contact)


def _binding(tenant_id: int, digest: str) -> str:
    return f"SignupRequest:{tenant_id}:{digest}"
