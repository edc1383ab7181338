"""Who may be concerned by a breach: everybody whose data was stored before it ended (Art. 33 (3) (a), 34 GDPR)."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from consent.models import Breach
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope

AT_A_TIME = 2000


def rows(tenant: Tenant, breach: Breach) -> Iterator[list[str]]:
    """A heading, then a row for each person; read in batches, so that a million people need no memory.

    Days are those of the company: by the time that the rows are read, the request's time zone is not active any more.
    """
    zone = ZoneInfo(tenant.timezone)
    yield [_("Name"), _("Phone number"), _("E-mail"), _("Customer number"), _("Known since")]
    until, after = _end(breach, zone), 0
    while people := _batch(tenant, until, after):
        for person in people:
            known = timezone.localdate(person.created_at, zone).isoformat()
            yield [person.name, person.phone or "", person.email or "", person.external_id or "", known]
        after = people[-1].pk


def _batch(tenant: Tenant, until: datetime, after: int) -> list[Contact]:
    with tenant_scope(tenant):
        known = Contact.objects.filter(tenant=tenant, created_at__lt=until, pk__gt=after)
        return list(known.order_by("pk")[:AT_A_TIME])


def _end(breach: Breach, zone: ZoneInfo) -> datetime:
    """The end of its last day; now, while it has none."""
    if breach.ended_on is None:
        return timezone.now()
    return datetime.combine(breach.ended_on + timedelta(days=1), time(), zone)
