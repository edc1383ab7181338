"""Voucher codes of sign-up forms: filling and emptying the pool, and giving each person theirs, once (M-63)."""

from collections.abc import Sequence
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent.models import SignupCode, SignupForm
from contacts.models import Contact
from tenants.actions import Actor, audit

TAKE = """
UPDATE consent_signupcode SET contact_id = %(contact)s, issued_at = now() WHERE tenant_id = %(tenant)s AND id = (
    SELECT id FROM consent_signupcode WHERE tenant_id = %(tenant)s AND form_id = %(form)s AND contact_id IS NULL
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    AND NOT EXISTS (SELECT FROM consent_signupcode
        WHERE tenant_id = %(tenant)s AND form_id = %(form)s AND contact_id = %(contact)s)
"""
# MATERIALIZED: looked up again for each row, a limited and locking select would each time find the next ones.
FREE = """
WITH free AS MATERIALIZED (
    SELECT id FROM consent_signupcode WHERE tenant_id = %(tenant)s AND form_id = %(form)s AND contact_id IS NULL
    ORDER BY id LIMIT %(most)s FOR UPDATE)
DELETE FROM consent_signupcode c USING free WHERE c.tenant_id = %(tenant)s AND c.id = free.id RETURNING c.code
"""
PAY = """
UPDATE consent_signupcode c SET code = given.code, issued_at = %s
FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::text[]) AS code) AS given
WHERE c.tenant_id = %s AND c.id = given.id
"""


class Issued(NamedTuple):
    """What somebody gets for signing up: a code, "" for none; `is_owed` when one was promised and none is left."""

    code: str
    is_owed: bool


@transaction.atomic
def issue(*, form: SignupForm, contact: Contact, is_promised: bool) -> Issued:
    """Give this person a code of the form, one for each form and person however often they sign up.

    `is_promised` when the benefit was held out to them: then they are owed a code if none is left.
    """
    _take(form, contact)
    # Nobody adds codes meanwhile, who would not see that one is owed, or has the benefit given without any.
    if _own(form, contact) is None and is_promised and not _locked(form).without_code:
        _take(form, contact)
        SignupCode.objects.get_or_create(tenant=form.tenant, form=form, contact=contact)
    own = _own(form, contact)
    return Issued(own.code or "", own.code is None) if own else Issued("", False)


@transaction.atomic
def add(*, form: SignupForm, codes: Sequence[str], by: Actor) -> int:
    """Put codes into a form's pool, those it has already left out; returns how many are new.

    Who is owed one gets theirs first. Raises ValidationError.
    """
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    if any(len(code) > 40 for code in wanted):
        raise ValidationError({"codes": _("A voucher code has at most 40 characters.")})
    _locked(form)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO consent_signupcode (tenant_id, form_id, code) SELECT %s, %s, unnest(%s::text[])"
            " ON CONFLICT (tenant_id, form_id, code) DO NOTHING",
            [form.tenant_id, form.pk, wanted],
        )
        added = int(cursor.rowcount)
    _pay(form)
    audit(tenant=form.tenant, by=by, verb="signup_codes.added", subject=form, changes={"count": added})
    return added


@transaction.atomic
def remove(*, form: SignupForm, codes: Sequence[str] | None = None, by: Actor) -> int:
    """Take codes that nobody has out of the pool, all of them without `codes`; returns how many.

    A code that somebody has stays theirs (CG-05).
    """
    # One after the other with `add`: both lock many codes.
    _locked(form)
    free = SignupCode.objects.filter(tenant=form.tenant_id, form=form, contact=None)
    removed, _by_model = (free if codes is None else free.filter(code__in=codes)).delete()
    audit(tenant=form.tenant, by=by, verb="signup_codes.removed", subject=form, changes={"count": removed})
    return removed


def _take(form: SignupForm, contact: Contact) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"tenant": form.tenant_id, "form": form.pk, "contact": contact.pk})


def _own(form: SignupForm, contact: Contact) -> SignupCode | None:
    return SignupCode.objects.filter(tenant=form.tenant_id, form=form, contact=contact).first()


def forgive(form: SignupForm) -> int:
    """Owe nobody a code any more, because the benefit is given without; in the transaction that has the form's lock.

    Returns how many were owed one. Codes that people have stay theirs.
    """
    owed = SignupCode.objects.filter(tenant=form.tenant_id, form=form, code=None)
    forgiven, _by_model = owed.delete()
    return forgiven


def _locked(form: SignupForm) -> SignupForm:
    """The form as it is now, under the lock for its codes; sign-ups that point to it are not kept waiting."""
    return SignupForm.objects.select_for_update(no_key=True).get(tenant=form.tenant_id, pk=form.pk)


def _pay(form: SignupForm) -> None:
    """Give free codes to those who are owed one, in the order in which they signed up."""
    owed = SignupCode.objects.filter(tenant=form.tenant_id, form=form, code=None)
    waiting = list(owed.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(FREE, {"tenant": form.tenant_id, "form": form.pk, "most": len(waiting)})
        codes = [code for (code,) in cursor.fetchall()]
        cursor.execute(PAY, [timezone.now(), waiting[: len(codes)], codes, form.tenant_id])
