"""Signing up on a page, and the WhatsApp message by which the person confirms it; by keyword alone: `hearing`.

Nobody is written to before they have written themselves, so no form can be used to pester somebody (CG-11 to CG-14).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from consent import ledger, showing, signups
from consent.actions import confirming, joining, topics, vouchers
from consent.ledger import Appended, suppressing
from consent.models import (
    Channel,
    ConsentState,
    SignupForm,
    SignupPlace,
    SignupRequest,
    State,
    WordingVersion,
)
from consent.opening import unlawful
from consent.queries import (
    attribute_name,
    may_ask,
    may_use_special,
    published,
    special_names,
)
from consent.rights import periods
from consent.signups import pairs_of
from contacts import identities
from contacts.actions import people
from contacts.actions.values import ContactData
from contacts.models import Contact
from tenants.encryption import decrypt, encrypt
from tenants.models import Tenant

# So soon a page is sent again by a double click, or by a browser that got no answer.
TWICE = timedelta(minutes=1)


class NotOpen(Exception):
    """The form takes no sign-ups: it is a draft, closed, or something that the law wants is missing."""


@dataclass(frozen=True)
class Said:
    """A message by which somebody asks or confirms, as it came from WhatsApp; `number` is ours that it came to, E.164.

    `question` is the payload of the button under what we wrote last in the chat, "" where that is no question, and
    `question_wamid` Meta's id of it, or of the question that was tapped. `previous_at` is when the person wrote the
    time before.
    """

    wamid: str
    text: str
    at: datetime
    phone_number_id: str
    payload: str = ""
    number: str = ""
    question: str = ""
    question_wamid: str = ""
    previous_at: datetime | None = None


@dataclass(frozen=True)
class Heard:
    """What became of it, and what the person is to be told: the text in their language is `consent.speaking`'s."""

    outcome: Literal["confirmed", "known", "late", "asked", "refused"]
    form: SignupForm
    language: str
    version: WordingVersion | None = None
    code: str = ""
    # A voucher was promised, and none was left.
    is_owed: bool = False
    # Of a question: the row of the ledger by which the person answered us last, so that each answer opens a new one.
    since: int = 0


@transaction.atomic
def start(
    *,
    form: SignupForm,
    is_extra_wanted: bool,
    answer: str,
    language: str,
    visitor: Mapping[str, str],
    place: SignupPlace | None = None,
    was_promised: bool = False,
    chosen: Sequence[str] = (),
) -> str:
    """Somebody ticked the box on the page: returns the token that they send by WhatsApp to confirm.

    `visitor` is what proves the request (address, browser, page); `was_promised` when the page that they read held out
    the benefit, whatever is left of it; `chosen` are the uids of topics. Nothing is known of the person yet, so nothing
    stands in the ledger. Raises NotOpen.
    """
    token, _signup = write_down(
        form=form,
        is_extra_wanted=is_extra_wanted,
        answer=answer,
        language=language,
        visitor=visitor,
        place=place,
        was_promised=was_promised,
        chosen=chosen,
    )
    count("requests", form, place)
    return token


def write_down(
    *,
    form: SignupForm,
    is_extra_wanted: bool,
    answer: str,
    language: str,
    visitor: Mapping[str, str],
    place: SignupPlace | None = None,
    was_promised: bool = False,
    chosen: Sequence[str] = (),
    address: str = "",
    once: str = "",
) -> tuple[str, SignupRequest | None]:
    """The request of `start`, with its token, in the caller's transaction; not counted yet.

    None where the same browser sent the same a moment ago, for the same `address` or from the very page that `once`
    names: a double click, which leads to the request that is there. Without either nobody knows whether two visitors
    are one. Raises NotOpen.
    """
    version, extra = open_versions(form)
    token = signups.new_token()
    digest = signups.digest(token)
    evidence: dict[str, Any] = {**visitor, "form": form.slug}
    evidence |= showing.as_evidence(form, language, was_promised=was_promised)
    evidence |= {"answer": answer} if answer and may_ask(form, is_extra_wanted=is_extra_wanted) else {}
    aside: dict[str, Any] = {"topics": list(chosen)} if chosen else {}
    aside |= {"token": token} if address or once else {}
    signup = SignupRequest(
        tenant=form.tenant,
        form=form,
        place=place,
        version=version,
        extra_version=extra if is_extra_wanted else None,
        token_digest=digest,
        language=language,
        sealed=_sealed(evidence, _binding(form.tenant_id, digest)),
        aside=_sealed(aside, _binding(form.tenant_id, digest, "aside")),
    )
    if not (address or once):
        signup.save()
        return token, signup
    signup.visit = _visit(signup, visitor, [answer, *chosen], address.lower() or once)
    same = SignupRequest.objects.filter(tenant=form.tenant, visit=signup.visit)
    is_over = Q(confirmed_at__isnull=False) | Q(addresses__confirmed_at__isnull=False)
    same.filter(is_over | Q(requested_at__lte=signup.requested_at - TWICE)).update(visit=None)
    # Waits for the other click; only one of them is written down.
    SignupRequest.objects.bulk_create([signup], ignore_conflicts=True)
    found = same.select_related("tenant", "form", "place", "version", "extra_version").get()
    if found.token_digest == digest:
        return token, found
    return _aside(found)["token"], None


@transaction.atomic
def confirm(*, tenant: Tenant, contact: Contact, token: str, said: Said) -> Heard | None:
    """The person sent the token of a page: their yes, proven by their own number (CG-13).

    None for an unknown token, and where a later no of theirs came before it: then nothing is left to say.

    A second use, whoever's, and one after seven days grant nothing (CG-14); both are said, and to whom it is true that
    they are signed up already.
    """
    joining.hold(tenant, [contact.pk], [token])
    ledger.lock(tenant)
    found = (
        SignupRequest.objects.select_for_update(of=("self",))
        .select_related("form__tenant", "place", "version", "extra_version")
        .filter(tenant=tenant, token_digest=signups.digest(token))
        .first()
    )
    if found is None:
        return None
    if found.confirmed_at:
        return Heard("known" if has_said_yes(contact, found.version) else "late", found.form, found.language)
    if said.at - found.requested_at > periods.TO_CONFIRM or found.version.invalid_reason:
        return Heard("late", found.form, found.language)
    kept = _unsealed(found)
    # No part of the proof, which is kept for years: it is data for segments, and may be of a special category (CG-08).
    answer, chosen, asked = kept.get("answer", ""), _aside(found).get("topics", []), _proof(kept)
    joining.join(found, contact, said.at)
    done = list[Appended]()
    for version in filter(None, (found.version, found.extra_version)):
        pairs = confirmed_here(version)
        done += confirming.grant(found, version, contact, pairs, at=said.at, asked=asked, said=as_evidence(said))
    SignupRequest.objects.filter(pk=found.pk).update(confirmed_at=said.at, sealed="", aside="")
    count("confirmed", found.form, found.place)
    _remember(found.form, contact, answer, found.language)
    if not is_held(done):
        return None
    topics.join(found.form, contact, chosen)
    issued = vouchers.issue(form=found.form, contact=contact, is_promised="benefit" in asked)
    return Heard("confirmed", found.form, found.language, found.version, *issued)


def confirmed_here(version: WordingVersion) -> list[tuple[str, str]]:
    """Those that a message on WhatsApp confirms: it proves nothing about an e-mail address (CG-11)."""
    return pairs_of(version, Channel.WHATSAPP)


def scanned(place: SignupPlace) -> None:
    """Somebody opened the page by the address of a place."""
    SignupPlace.objects.filter(pk=place.pk).update(scans=F("scans") + 1)


def count(what: str, form: SignupForm, place: SignupPlace | None = None) -> None:
    """One more of `what`, "requests" or "confirmed", of a form and of the place where it is put up."""
    SignupForm.objects.filter(pk=form.pk).update(**{what: F(what) + 1})
    if place:
        SignupPlace.objects.filter(pk=place.pk).update(**{what: F(what) + 1})


def open_versions(form: SignupForm) -> tuple[WordingVersion, WordingVersion | None]:
    """What people agree to by a form now: its wording, and that of its second box. Raises NotOpen."""
    version = published(form.wording) if form.state == SignupForm.State.LIVE else None
    if version is None or unlawful(form):
        raise NotOpen
    return version, published(form.extra_wording) if form.extra_wording else None


def has_said_yes(contact: Contact, version: WordingVersion) -> bool:
    """Whether there is nothing left to ask.

    A yes without the age (CG-07), one whose last day has passed and one that the suppression list outweighs allow
    nothing, so it is asked for anew. What was stopped in WhatsApp itself no yes opens.
    """
    wanted = confirmed_here(version)
    lasting = Q(valid_until=None) | Q(valid_until__gt=timezone.now())
    held = ConsentState.objects.filter(
        lasting, tenant=contact.tenant_id, subject_id=contact.subject_id, state=State.GRANTED, age_confirmed=True
    ).values_list("channel", "purpose")
    return set(wanted) <= set(held) and not suppressing.closed(contact.tenant, contact, wanted)


def is_known(tenant: Tenant, token: str) -> bool:
    """Whether a page of this company gave out the token, and it is not deleted yet."""
    return SignupRequest.objects.filter(tenant=tenant, token_digest=signups.digest(token)).exists()


def is_held(done: Sequence[Appended]) -> bool:
    """Whether a yes that was recorded holds: messages may arrive in another order than they were written."""
    return any(row.seq and row.after and not row.after.is_refused for row in done)


def as_evidence(said: Said) -> dict[str, str]:
    """What of a message proves it, and which message of ours it answers."""
    kept = {"wamid": said.wamid, "text": said.text, "payload": said.payload, "phone_number_id": said.phone_number_id}
    kept |= {"asked_wamid": said.question_wamid}
    return {key: value for key, value in kept.items() if value}


def _remember(form: SignupForm, contact: Contact, answer: str, language: str) -> None:
    """Write the answer of the page's question where segments find it; what does not fit is left out (CG-55)."""
    values: dict[str, Any] = {} if contact.language else {"language": language}
    attributes: dict[str, Any] = {}
    if answer and form.question == SignupForm.Question.CHOICE:
        if _may_be_kept(contact, form.question_attribute):
            attributes[form.question_attribute] = answer
    elif answer and not (form.question == SignupForm.Question.EMAIL and _is_proven(contact)):
        values[form.question] = answer
    try:
        people.patch(contact=contact, data=ContactData(values, attributes), by=None, is_wish=True)
    except ValidationError:
        # The yes must not fail because of it.
        return


def _is_proven(contact: Contact) -> bool:
    """Whether a yes to e-mail hangs on the address that the person has: another one would inherit it (CG-11)."""
    states = ConsentState.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id)
    return bool(contact.email) and states.filter(channel=Channel.EMAIL, state=State.GRANTED).exists()


def _may_be_kept(contact: Contact, attribute: str) -> bool:
    """What touches health, faith or the like is kept only with a yes to exactly that (CG-08)."""
    return attribute_name(attribute) not in special_names(contact.tenant_id) or may_use_special(contact)


def proof_of(found: SignupRequest) -> dict[str, Any]:
    """What proves a request that is not confirmed yet, without what else the person chose on the page."""
    return _proof(_unsealed(found))


def _proof(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kept.items() if name != "answer"}


def _visit(signup: SignupRequest, visitor: Mapping[str, str], asked: Sequence[str], whose: str) -> bytes:
    """What makes two sign-ups the same one: who sent what, and for which address or from which page."""
    chosen = [signup.form_id, signup.place_id, signup.version_id, signup.extra_version_id, signup.language, *asked]
    who = [whose, visitor.get("ip"), visitor.get("user_agent")]
    return identities.digest(signup.tenant, "visit", orjson.dumps([*chosen, *who]).decode())


def _unsealed(found: SignupRequest) -> dict[str, Any]:
    kept: dict[str, Any] = orjson.loads(decrypt(found.sealed, binding=_binding(found.tenant_id, found.token_digest)))
    return kept


def _aside(found: SignupRequest) -> dict[str, Any]:
    """The topics and the token; nothing where a worker of before wrote the request."""
    if not found.aside:
        return {}
    kept: dict[str, Any] = orjson.loads(
        decrypt(found.aside, binding=_binding(found.tenant_id, found.token_digest, "aside"))
    )
    return kept


def _sealed(kept: Mapping[str, Any], binding: str) -> str:
    return encrypt(orjson.dumps(kept).decode(), binding=binding)


def _binding(tenant_id: int, digest: str, what: str = "") -> str:
    return ":".join(filter(None, ("SignupRequest", str(tenant_id), digest, what)))
