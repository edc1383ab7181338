"""Voucher codes of sign-up forms: whether a benefit can be promised now, and how many are left, given and owed."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from consent.models import SignupCode, SignupForm
from tenants.encryption import BadToken, seal, unseal
from tenants.models import Tenant

USE = "promise"
# For so long a page that somebody has open holds the company to what it says.
PROMISE = timedelta(days=1)

# New ones take a while to come from the shop; fewer than this are gone on a good day.
LOW = 20
# Open forms that give codes, with their free ones, counted up to LOW.
LOW_FORMS = """
    SELECT f.uid, f.name, pool.free FROM consent_signupform f
    CROSS JOIN LATERAL (SELECT count(*) AS free FROM (
        SELECT FROM consent_signupcode c WHERE c.tenant_id = f.tenant_id AND c.form_id = f.id AND c.contact_id IS NULL
        LIMIT %(low)s) AS codes) AS pool
    WHERE f.tenant_id = %(tenant)s AND f.state = 'live' AND f.benefit <> '' AND NOT f.without_code
        AND pool.free < %(low)s
    ORDER BY pool.free, f.id LIMIT %(most)s
"""


class Pool(NamedTuple):
    """A form's codes: free ones, those that people have, and people who were promised one when none was left."""

    left: int
    given: int
    owed: int


class Low(NamedTuple):
    """An open form whose codes run out, or have."""

    uid: UUID
    name: str
    left: int


def is_promised(form: SignupForm) -> bool:
    """Whether the form's benefit may be held out now: nothing is promised that nobody could be given (CG-05)."""
    return bool(form.benefit) and (form.without_code or _free(form).exists())


def promise(form: SignupForm) -> str:
    """What a page that holds out the benefit sends back: the last code may go while somebody reads it."""
    return seal(USE, form.tenant_id, form.pk, int(timezone.now().timestamp()))


def was_promised(form: SignupForm, kept: str) -> bool:
    """Whether a page of this form held out the benefit to whoever sends this back."""
    try:
        tenant_id, form_id, at = unseal(USE, kept)
    except (BadToken, ValueError):
        return False
    age = timezone.now().timestamp() - at
    return (tenant_id, form_id) == (form.tenant_id, form.pk) and age < PROMISE.total_seconds()


def pool(form: SignupForm) -> Pool:
    """How the form's codes stand."""
    owed, given = Q(code=None), Q(code__isnull=False, contact__isnull=False)
    codes = SignupCode.objects.filter(tenant=form.tenant_id, form=form)
    return Pool(**codes.aggregate(left=Count("pk", Q(contact=None)), given=Count("pk", given), owed=Count("pk", owed)))


def left(form: SignupForm, most: int) -> list[str]:
    """Codes that nobody has yet, the next one first."""
    codes = _free(form).order_by("pk").values_list("code", flat=True)[:most]
    return [code for code in codes if code]


def running_low(tenant: Tenant, most: int) -> list[Low]:
    """Open forms that soon have no code for their benefit, or have none already; the emptiest first."""
    with connection.cursor() as cursor:
        cursor.execute(LOW_FORMS, {"tenant": tenant.pk, "low": LOW, "most": most})
        return [Low(*row) for row in cursor.fetchall()]


def _free(form: SignupForm) -> QuerySet[SignupCode]:
    return SignupCode.objects.filter(tenant=form.tenant_id, form=form, contact=None)
