"""What can be done with requests of people about their data: note one, carry it out, give it longer, answer it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import tasks
from consent.actions import blocking, declarations, people, strangers
from consent.ledger.subjects import person, same_person
from consent.models import Authority, DataRequest, Source, Suppression
from consent.rights import periods
from contacts.actions import ContactData
from contacts.models import Contact, Identity
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import ApiKey, Tenant, User

Kind, State = DataRequest.Kind, DataRequest.State
# Whoever hears them gets or loses data; a restriction or an objection harms nobody, whoever asks for it.
NEEDS_IDENTITY = (Kind.ACCESS, Kind.PORTABILITY, Kind.RECTIFICATION, Kind.ERASURE)
# Restrictions and objections hold for every contact of a person by themselves.
FOR_EACH_CONTACT = (Kind.ACCESS, Kind.PORTABILITY, Kind.ERASURE)


class NotNow(Exception):
    """The request is not in a state in which this can be done; the text says so in the user's language."""


@transaction.atomic
def take(
    *,
    tenant: Tenant,
    contact: Contact | None,
    kind: str,
    by: Actor,
    phone: str = "",
    email: str = "",
    name: str = "",
    is_stranger: bool = False,
    received_at: datetime | None = None,
    checked_by: str = "",
    note: str = "",
) -> DataRequest:
    """Note a request; its deadline runs from the day it was received, now by default (Art. 12(3) GDPR).

    Somebody who is no contact is known by the number or address that they give, or by a name only, kept encrypted until
    the answer. With `is_stranger` somebody has looked and found them to be none of the contacts. Raises ValidationError
    by field.
    """
    received_at = received_at or timezone.now()
    if received_at > timezone.now():
        raise ValidationError({"received_at": _("This lies in the future. Enter an earlier time.")})
    request = DataRequest(
        tenant=tenant,
        kind=kind,
        received_at=received_at,
        due_date=periods.due(received_at, tenant),
        checked_by=checked_by,
        note=note,
        created_by=_user(by),
    )
    given = {} if contact else strangers.named(tenant, phone, email, name)
    strangers.say_who(request, contact, given, is_stranger=is_stranger)
    request.save()
    audit(tenant=tenant, by=by, verb="data_request.taken", subject=request, changes={"kind": kind})
    return request


@transaction.atomic
def identify(
    *, request: DataRequest, by: Actor, contact: Contact | None = None, phone: str = "", email: str = ""
) -> DataRequest:
    """Say who it is that was known by a name only: a contact, or whoever has this number or address.

    Asking back restarts nothing, so the deadline stays. Raises NotNow, and ValidationError as `take` does.
    """
    request = _held(request)
    _refuse_over(request)
    if not request.is_by_name_only:
        raise NotNow(_("This person is known by more than a name already."))
    given = {} if contact else request.named | blocking.spelled(request.tenant, phone, email)
    strangers.say_who(request, contact, given)
    if request.contact:
        # Who bears the name need not be this contact.
        request.checked_by = ""
    # Nobody has looked by this yet.
    request.state, request.carried_out_at = State.OPEN, None
    request.save()
    audit(tenant=request.tenant, by=by, verb="data_request.identified", subject=request)
    return request


def other_contacts(request: DataRequest) -> list[Contact]:
    """Contacts of the same person, by the ledger, for which nobody has noted this request yet.

    A worker exports or erases one contact. Whether the others follow is for people to say: WhatsApp names two contacts
    one person also when a number had another owner before.
    """
    if request.contact is None or request.is_over or request.kind not in FOR_EACH_CONTACT:
        return []
    others = [other for other in same_person(request.contact) if other != request.contact]
    current = Q(received_at__gte=request.received_at) | Q(done_at=None)
    noted = DataRequest.objects.filter(current, tenant=request.tenant, kind=request.kind)
    known = set(noted.filter(contact__in=others).values_list("contact", flat=True))
    return [other for other in others if other.pk not in known]


@transaction.atomic
def take_for_others(*, request: DataRequest, by: Actor) -> list[DataRequest]:
    """Note the same request for the other contacts of this person, received on the same day.

    Whether the person is known to be these, too, is for somebody to check anew.
    """
    request = _held(request)
    return [
        take(tenant=request.tenant, contact=other, kind=request.kind, received_at=request.received_at, by=by)
        for other in other_contacts(request)
    ]


@transaction.atomic
def note(*, request: DataRequest, by: Actor, checked_by: str | None = None, note: str | None = None) -> DataRequest:
    """Say how we know that it is them, and what else matters; what is None stays. Raises NotNow."""
    request = _held(request)
    given = {"checked_by": checked_by, "note": note}
    changed = {name: value for name, value in given.items() if value is not None and value != getattr(request, name)}
    if changed:
        _refuse_over(request)
        _save(request, **changed)
        audit(tenant=request.tenant, by=by, verb="data_request.noted", subject=request, changes={"fields": [*changed]})
    return request


@transaction.atomic
def run(*, request: DataRequest, by: Actor, others: Collection[str] | None = None) -> DataRequest:
    """Carry out what was asked: a worker builds the export or erases, restriction and objection hold at once.

    An erasure stops all sending to the person before this returns. It takes with it, each with a request of its own,
    the person's `others`: the uids of those contacts as somebody was shown them and confirmed them; None leaves them.
    Raises NotNow where they are others by now, while nobody has said how the identity was checked, and for a
    rectification, which `correct` carries out.
    """
    request = _held(request)
    _refuse_over(request)
    if request.state == State.WORKING:
        return request
    if request.contact is None:
        _run_for_stranger(request, by)
    elif request.kind in NEEDS_IDENTITY and not request.checked_by:
        raise NotNow(_("First say how you know that it is this person: data must not go to, or be lost by, another."))
    else:
        too = _confirmed(request, others) if others is not None and request.kind == Kind.ERASURE else []
        if too:
            _lock([request.contact, *too])
        CARRY_OUT[request.kind](request, request.contact, by)
        for other in too:
            _erase_too(request, other, by)
    audit(tenant=request.tenant, by=by, verb="data_request.run", subject=request, changes={"kind": request.kind})
    return request


def _confirmed(request: DataRequest, shown: Collection[str]) -> list[Contact]:
    """The person's other contacts, if they are those that somebody was shown: what is erased nobody brings back."""
    known = other_contacts(request)
    if {str(other.uid) for other in known} != set(shown):
        raise NotNow(_("Which contacts belong to this person has changed. Look at them again before you erase."))
    return known


def _lock(people: Sequence[Contact]) -> None:
    """Before the ledger, which whoever has locked one of them waits for."""
    known = Contact.objects.filter(tenant=people[0].tenant_id, pk__in=[one.pk for one in people])
    list(known.order_by("pk").select_for_update(of=("self",)).values_list("pk"))


def _erase_too(request: DataRequest, other: Contact, by: Actor) -> None:
    said: dict[str, Any] = {"kind": request.kind, "received_at": request.received_at, "checked_by": request.checked_by}
    taken = take(tenant=request.tenant, contact=other, by=by, **said)
    _erase(taken, other, by)
    audit(tenant=request.tenant, by=by, verb="data_request.run", subject=taken, changes={"kind": taken.kind})


def _run_for_stranger(request: DataRequest, by: Actor) -> None:
    """An objection holds for number and address; an erasure looks by them through files and raw logs.

    What goes there would go within 30 days anyway, so nobody's identity is checked; a name alone finds nothing.
    """
    if not request.named:
        raise NotNow(_("The contact is gone; there is nothing left to do."))
    if request.kind == Kind.OBJECTION:
        if request.is_by_name_only:
            raise NotNow(_("A name blocks nothing. Add number or address, or refuse: you cannot tell who it is."))
        _declare_objection(request, by, **request.reached_by)
    if request.kind == Kind.ERASURE and request.reached_by:
        _start(request, by, carried_out_at=None)
    else:
        _carried_out(request, by)


def _export(request: DataRequest, contact: Contact, by: Actor) -> None:
    _start(request, by, carried_out_at=None)


def _erase(request: DataRequest, contact: Contact, by: Actor) -> None:
    at = timezone.now()
    source = _source(by)
    declarations.erased(
        tenant=request.tenant, contact=contact, dedupe=f"erased:{contact.subject_id}", source=source, at=at, by=by
    )
    _start(request, by, carried_out_at=at)


def _restrict(request: DataRequest, contact: Contact, by: Actor) -> None:
    if contact.restricted_at is None:
        cause = f"request:{request.uid}:{uuid4()}"
        declarations.restrict(tenant=request.tenant, contact=contact, dedupe=cause, source=_source(by), by=by)
    _carried_out(request, by)


def _object(request: DataRequest, contact: Contact, by: Actor) -> None:
    _declare_objection(request, by, contact=contact)
    _carried_out(request, by)


def _declare_objection(request: DataRequest, by: Actor, **who: Any) -> None:
    declarations.object_(
        tenant=request.tenant,
        dedupe=f"request:{request.uid}",
        source=_source(by),
        authority=Authority.AGENT,
        occurred_at=request.received_at,
        by=by,
        **who,
    )


def _rectify(request: DataRequest, contact: Contact, by: Actor) -> None:
    raise NotNow(_("Correct the data of the contact; the request is carried out with that."))


CARRY_OUT: dict[str, Callable[[DataRequest, Contact, Actor], None]] = {
    Kind.ACCESS: _export,
    Kind.PORTABILITY: _export,
    Kind.ERASURE: _erase,
    Kind.RESTRICTION: _restrict,
    Kind.OBJECTION: _object,
    Kind.RECTIFICATION: _rectify,
}


@transaction.atomic
def correct(*, request: DataRequest, data: ContactData, by: Actor) -> DataRequest:
    """Correct the contact's data (Art. 16 GDPR); the audit trail names the fields. Raises NotNow and ValidationError.

    Another number ends the consent that was given for the old one.
    """
    request = _held(request)
    _refuse_over(request)
    if request.kind != Kind.RECTIFICATION or request.contact is None:
        raise NotNow(_("This request does not ask for a correction."))
    if not request.checked_by:
        raise NotNow(_("First say how you know that it is this person: data must not go to, or be lost by, another."))
    people.patch(contact=request.contact, data=data, by=by, is_wish=True)
    _carried_out(request, by)
    audit(tenant=request.tenant, by=by, verb="data_request.run", subject=request, changes={"kind": request.kind})
    return request


@transaction.atomic
def lift(*, request: DataRequest, by: Actor) -> DataRequest:
    """End the restriction that this request asked for. The person has to be told before (Art. 18(3)). Raises NotNow."""
    request = _held(request)
    contact = request.contact
    if request.kind != Kind.RESTRICTION or contact is None or contact.restricted_at is None:
        raise NotNow(_("Nothing is restricted."))
    cause = f"request:{request.uid}:{uuid4()}"
    declarations.unrestrict(tenant=request.tenant, contact=contact, dedupe=cause, source=_source(by), by=by)
    return request


@transaction.atomic
def extend(*, request: DataRequest, because: str, by: Actor) -> DataRequest:
    """Give the answer two more months, once; the person has to be told why within the first (Art. 12(3))."""
    request = _held(request)
    _refuse_over(request)
    if request.extended_because:
        raise NotNow(_("The deadline was extended already; the law allows that once."))
    if request.is_overdue:
        raise NotNow(_("The month is over; the deadline can no longer be extended."))
    if not because.strip():
        raise ValidationError({"because": _("Say why: many or complex requests.")})
    due_date = periods.due(request.received_at, request.tenant, is_extended=True)
    _save(request, extended_because=because.strip()[:500], due_date=due_date)
    audit(tenant=request.tenant, by=by, verb="data_request.extended", subject=request)
    return request


@transaction.atomic
def close(*, request: DataRequest, answer: str, by: Actor, is_refused: bool = False) -> DataRequest:
    """Note what the person was answered, which ends the request. Raises NotNow before it is carried out.

    A refusal needs its reason in the answer, with the right to complain (Art. 12(4)).
    """
    request = _held(request)
    _refuse_over(request)
    if is_refused and not answer.strip():
        raise ValidationError({"answer": _("A refusal names its reason, and where the person can complain.")})
    if not is_refused and request.state != State.CARRIED_OUT:
        raise NotNow(_("First carry out what was asked, or refuse it with the reason."))
    if request.state == State.WORKING:
        raise NotNow(_("This is being carried out just now."))
    state, now = State.REFUSED if is_refused else State.DONE, timezone.now()
    _save(request, state=state, answer=answer.strip(), done_at=now, done_by=_user(by))
    if request.named_encrypted:
        # From now on only somebody who gives the number finds it, and after its time nobody.
        _save(request, named_encrypted="", kept_until=periods.proof_ends(now))
    audit(tenant=request.tenant, by=by, verb=f"data_request.{state}", subject=request)
    return request


@transaction.atomic
def drop_block(*, request: DataRequest, by: Actor) -> None:
    """After an erasure: have the keyed hashes of the person deleted too, at their explicit wish (consent-gdpr § 8).

    What somebody else is known by as well, such as a family's e-mail address, stays on the list for them. The record of
    erasures follows in a worker, which has its folder. Raises NotNow for what is no finished erasure.
    """
    request = _held(request)
    if not request.has_droppable_block:
        raise NotNow(_("There is no entry on the suppression list that belongs to this request."))
    keys = [bytes.fromhex(key) for _kind, key in request.digests]
    others = Identity.objects.filter(tenant=request.tenant, digest__in=keys, valid_to=None)
    shared = {bytes(key) for key in others.values_list("digest", flat=True)}
    own = [key for key in keys if key not in shared]
    Suppression.objects.filter(tenant=request.tenant, digest__in=own).delete()
    # The hashes stand on every request of the person.
    DataRequest.objects.filter(tenant=request.tenant, subject_id=request.subject_id).update(digests=[])
    _save(request, digests=[], is_dropping_hashes=True)
    audit(tenant=request.tenant, by=by, verb="data_request.block_dropped", subject=request)
    waking.wake(tasks.forget_hashes, tenant_id=request.tenant_id, request_id=request.pk)


def file_taken(*, request: DataRequest, by: Actor) -> None:
    """Write down who took an export: it holds in clear what proves each declaration, also those that ended."""
    audit(tenant=request.tenant, by=by, verb="data_request.file_taken", subject=request)


def _held(request: DataRequest) -> DataRequest:
    rows = DataRequest.objects.select_for_update(of=("self",)).select_related("tenant", "contact")
    held = rows.get(tenant=request.tenant_id, pk=request.pk)
    if held.reached_by and (contact := person(held.tenant, **held.reached_by).contact):
        # Since they asked they have become one.
        strangers.say_who(held, contact, {})
        held.save()
    return held


def _refuse_over(request: DataRequest) -> None:
    if request.is_over:
        raise NotNow(_("This request was answered already."))


def _start(request: DataRequest, by: Actor, carried_out_at: datetime | None) -> None:
    _save(
        request,
        state=State.WORKING,
        error="",
        leased_until=None,
        done_by=_user(by),
        carried_out_at=carried_out_at,
    )
    waking.wake(tasks.carry_out, tenant_id=request.tenant_id, request_id=request.pk)


def _carried_out(request: DataRequest, by: Actor) -> None:
    _save(request, state=State.CARRIED_OUT, carried_out_at=timezone.now(), done_by=_user(by))


def _save(request: DataRequest, **fields: object) -> None:
    for name, value in fields.items():
        setattr(request, name, value)
    request.save(update_fields=[*fields])


def _source(by: Actor) -> Source:
    return Source.API if isinstance(by, ApiKey) else Source.AGENT


def _user(by: Actor) -> User | None:
    return by if isinstance(by, User) else None
