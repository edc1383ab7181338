"""Hears in a message on WhatsApp what it has to do with signing up: a token, a keyword, an answer to our question."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from consent import ledger, showing, signups, speaking
from consent.actions import declarations, joining, vouchers
from consent.actions.signups import (
    Heard,
    NotOpen,
    Said,
    as_evidence,
    confirm,
    confirmed_here,
    count,
    has_said_yes,
    is_held,
    is_known,
    open_versions,
)
from consent.keywords import normalise
from consent.ledger.folding import GRANTS, NOES
from consent.models import Authority, Channel, ConsentEvent, Purpose, SignupForm, SignupPlace, Source, State
from consent.models import WordingVersion as Version
from consent.phrases import OPT_INS
from consent.queries import live_signup_form, may_send
from consent.rights import periods
from consent.signups import pairs_of
from contacts.models import Contact
from tenants.models import Tenant

# A typed "yes" is understood for a day; the button carries what it is a yes to and counts as long as a request does.
TYPED = timedelta(days=1)
# After these of the person, or a no recorded for them, an earlier question of ours waits for no answer any more.
ANSWERS = Q(state__in=GRANTS, authority=Authority.PERSON) | Q(state__in=[*NOES, State.META_STOPPED, State.ERASED])


def hold(tenant: Tenant, messages: Collection[tuple[Contact, str, str]]) -> None:
    """Lock the contacts of those by whose (contact, text, payload) a yes may come, before anything of their batch.

    Only contacts; what else is locked for a yes, and in which order: `joining`.
    """
    tokens = {token for _contact, text, _payload in messages if (token := signups.token_in(text))}
    people = {contact.pk for contact, text, payload in messages if _may_be_yes(text, payload)}
    if people:
        joining.hold(tenant, people, tokens)


def _may_be_yes(text: str, payload: str) -> bool:
    return bool(signups.token_in(text) or signups.PAYLOAD.fullmatch(payload) or signups.is_yes(text))


def hear(*, tenant: Tenant, contact: Contact, said: Said, is_start: bool, named: Collection[str]) -> Heard | None:
    """What a message has to do with signing up: a token, a tap on our button, an answer to our question, a keyword.

    `is_start` when the message asks to sign up by one of the general words; `named` are the forms' own words among what
    was written (`consent.queries.keywords_among`). None when it has nothing to do with it.
    """
    if token := signups.token_in(said.text):
        if not is_known(tenant, token):
            return _unknown(tenant, contact, said)
        return confirm(tenant=tenant, contact=contact, token=token, said=said)
    if tapped := _question(tenant, said.payload):
        return accept(form=tapped[0], contact=contact, said=said, version=tapped[1])
    if not said.payload and (asked := _question(tenant, said.question)):
        form, version = asked
        if signups.is_yes(said.text) and pending(contact, said, version):
            return accept(form=form, contact=contact, said=said, version=version)
        if signups.is_no(said.text):
            return refuse(form=form, contact=contact, said=said, version=version)
    if place := _place_named(tenant, said.text):
        return ask(form=place.form, contact=contact, said=said, place=place)
    if not is_start and normalise(said.text) not in named:
        return None
    wanted = live_signup_form(tenant, said.text, is_start=is_start, number=said.number)
    return ask(form=wanted, contact=contact, said=said) if wanted else None


def _unknown(tenant: Tenant, contact: Contact, said: Said) -> Heard | None:
    """A token that was mistyped or is long gone: the way to a new one, where there is one."""
    form = live_signup_form(tenant, "", is_start=True, number=said.number)
    version = form.wording.versions.filter(tenant=tenant).first() if form else None
    return Heard("late", form, _language(contact, version)) if form and version else None


def _question(tenant: Tenant, payload: str) -> tuple[SignupForm, Version] | None:
    """The form and the version of a wording above our button; None where there is no such form or text."""
    if (found := signups.PAYLOAD.fullmatch(payload)) is None:
        return None
    form = SignupForm.objects.select_related("tenant", "wording").filter(tenant=tenant, uid=found["form"]).first()
    version = Version.objects.filter(tenant=tenant, pk=int(found["version"])).first()
    return (form, version) if form and version else None


def _place_named(tenant: Tenant, text: str) -> SignupPlace | None:
    """The place by whose QR code somebody asks to sign up: the keyword of its form, or a general word, and its code."""
    if (found := signups.place_in(text)) is None:
        return None
    word, code = found
    places = SignupPlace.objects.select_related("form__tenant", "form__wording", "form__extra_wording")
    place = places.filter(tenant=tenant, code=code, form__state=SignupForm.State.LIVE).first()
    return place if place and word in (place.form.keyword, *OPT_INS) else None


@transaction.atomic
def ask(*, form: SignupForm, contact: Contact, said: Said, place: SignupPlace | None = None) -> Heard | None:
    """The person wrote the keyword, perhaps by a place's QR code: show them the wording with a button (CG-13).

    Only the tap is a yes, and it counts for the place.
    """
    try:
        version, _extra = open_versions(form)
    except NotOpen:
        return None
    language = _language(contact, version)
    if has_said_yes(contact, version):
        return Heard("known", form, language)
    question = speaking.question(form.tenant, language, version)
    if len(question) > speaking.QUESTION_LIMIT:
        return None
    declarations.request(
        tenant=form.tenant,
        contact=contact,
        dedupe=f"keyword:{said.wamid}",
        source=Source.WA_KEYWORD,
        source_ref=signups.ref(form, place),
        # Nobody is asked for an address here: a request for e-mail could only lapse.
        pairs=confirmed_here(version),
        occurred_at=said.at,
        wording=version,
        language=language,
        evidence={**as_evidence(said), "asked": question, **_promise(form, language)},
    )
    count("requests", form, place)
    last = _answers(contact, version).order_by("-seq").values_list("seq", flat=True).first()
    return Heard("asked", form, language, version, since=last or 0)


@transaction.atomic
def accept(*, form: SignupForm, contact: Contact, said: Said, version: Version) -> Heard | None:
    """The person said yes under the wording of a form; None where a later no of theirs came before it.

    A yes counts for seven days, for a question that was not answered before, and only while that version may still be
    agreed to; else they are asked anew, or told that they are signed up already where that is so.
    """
    joining.hold(form.tenant, [contact.pk])
    ledger.lock(form.tenant)
    language = _language(contact, version)
    asked = pending(contact, said, version)
    # The form may show another wording by now.
    is_shown = form.state == SignupForm.State.LIVE and version.wording_id == form.wording_id
    if asked is None or version.invalid_reason or not is_shown:
        return Heard("known" if has_said_yes(contact, version) else "late", form, language)
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
        evidence=as_evidence(said),
    )
    if all(row.skipped == "duplicate" for row in done):
        return Heard("known", form, language)
    if not is_held(done):
        return Heard("late", form, language) if done[0].skipped else None
    count("confirmed", form, _place_of(form, asked))
    # The page promises a benefit only while there are codes; a poster, by which people come here, hangs on.
    issued = vouchers.issue(form=form, contact=contact, is_promised=bool(form.benefit))
    return Heard("confirmed", form, language, version, *issued)


@transaction.atomic
def refuse(*, form: SignupForm, contact: Contact, said: Said, version: Version) -> Heard | None:
    """The person said no to our question; None where it was no answer to one.

    What they agreed to before goes on; then they are told nothing, for it is for people to see what was meant.
    """
    asked = pending(contact, said, version)
    if asked is None:
        return None
    done = declarations.refuse(
        tenant=form.tenant,
        contact=contact,
        dedupe=f"no:{asked.seq}",
        source=Source.WA_KEYWORD,
        source_ref=asked.source_ref,
        pairs=pairs_of(version),
        occurred_at=said.at,
        wording=version,
        doi_request_seq=asked.seq,
        evidence=as_evidence(said),
    )
    is_out = not may_send(contact=contact, channel=Channel.WHATSAPP, purpose=Purpose.MARKETING).allowed
    return Heard("refused", form, _language(contact, version)) if done and is_out else None


def pending(contact: Contact, said: Said, version: Version) -> ConsentEvent | None:
    """The request that a message answers: our latest question about this version, if it still waits for an answer.

    A button may be tapped whatever was said meanwhile. A typed "yes" or "no" may be about anything: it counts as the
    first thing that the person writes after the question, for a day (consent-gdpr § 7).
    """
    rows = ConsentEvent.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id)
    is_tap = signups.PAYLOAD.fullmatch(said.payload) is not None
    asked = (
        rows.filter(
            state=State.REQUESTED,
            source=Source.WA_KEYWORD,
            wording_version=version,
            occurred_at__gte=said.at - (periods.TO_CONFIRM if is_tap else TYPED),
            occurred_at__lte=said.at,
        )
        .order_by("-occurred_at", "-seq")
        .first()
    )
    if asked is None or (not is_tap and said.previous_at and said.previous_at > asked.occurred_at):
        return None
    later = Q(occurred_at__gt=asked.occurred_at) | Q(occurred_at=asked.occurred_at, seq__gt=asked.seq)
    is_answered = _answers(contact, version).filter(later, occurred_at__lte=said.at).exists()
    return None if is_answered else asked


def _answers(contact: Contact, version: Version) -> QuerySet[ConsentEvent]:
    """Every yes and no of a person to what a version covers."""
    purposes = [purpose for _channel, purpose in confirmed_here(version)]
    rows = ConsentEvent.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id)
    return rows.filter(ANSWERS, channel__in=[Channel.WHATSAPP, Channel.ALL], purpose__in=[*purposes, Purpose.ALL])


def _promise(form: SignupForm, language: str) -> dict[str, str]:
    """The benefit that led people here, as the proof keeps it: the form may be changed later."""
    told = dict(zip(showing.PROMISE, showing.benefit(form, language), strict=True))
    return {name: text.words for name, text in told.items() if text.words}


def _place_of(form: SignupForm, asked: ConsentEvent) -> SignupPlace | None:
    """The place by whose code they asked: it stands behind the form's slug."""
    _slug, _comma, code = asked.source_ref.removeprefix(signups.FORM_REF).partition(", ")
    return form.places.filter(tenant=form.tenant_id, code=code).first() if code else None


def _language(contact: Contact, version: Version) -> str:
    own = contact.language[:2].lower()
    return own if version.texts.get(own) else next(iter(version.texts), "de")
