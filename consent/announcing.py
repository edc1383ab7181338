"""Tells companies by mail what the contract of Art. 28 GDPR obliges the operator to tell: new processors, breaches."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _

from consent.models import Breach, SubProcessor
from consent.queries import controller_of
from tenants.actions import audit
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tenants.templatetags.formats import day, moment

log = logging.getLogger(__name__)


def tell_of_subprocessor(tenant_id: int, subprocessor_id: int) -> None:
    """Announce a sub-processor to one company; its audit trail keeps that. Raises when no mail can be sent now."""
    found = SubProcessor.objects.get(pk=subprocessor_id)
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        addresses = _addresses(tenant)
    text = _(
        "From %(day)s on this company will process data for us as well:\n\n%(name)s, %(address)s (%(country)s)\n"
        "What for: %(purpose)s\n\nYou may object for an important reason of data protection (clause 6 of the data"
        " processing agreement). The present list: %(url)s\n"
    ) % {
        "day": day(found.active_from),
        "name": found.name,
        "address": found.address,
        "country": found.country,
        "purpose": found.purpose,
        "url": _page(tenant),
    }
    subject = _("A new sub-processor from %(day)s") % {"day": day(found.active_from)}
    _told(tenant, addresses, subject, text, "subprocessor.announced", found)


def tell_of_breach(tenant_id: int, breach_id: int) -> None:
    """Tell one company of a breach that the operator found (Art. 33 (2) GDPR). Raises when no mail can be sent now."""
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        found = Breach.objects.get(tenant=tenant, pk=breach_id)
        addresses = _addresses(tenant)
    text = _(
        "We have to tell you of a breach that concerns data of your contacts.\n\n%(what)s\n\nData and people:"
        " %(data)s\nMeasures: %(measures)s\n\nIf it is likely to be a risk for the people concerned, your"
        " supervisory authority has to be notified by %(due)s. Everything about it: %(url)s\n"
    ) % {
        "what": found.what,
        "data": found.data,
        "measures": found.measures or "–",
        "due": moment(found.due_at),
        "url": _page(tenant),
    }
    _told(tenant, addresses, _("Personal data breach: please read"), text, "breach.told", found)


def _addresses(tenant: Tenant) -> list[str]:
    """The company's address for questions about data, and everybody who owns the workspace."""
    owners = tenant.memberships.filter(role=Role.OWNER).values_list("user__email", flat=True)
    return sorted({*owners, controller_of(tenant).email} - {""})


def _told(tenant: Tenant, addresses: list[str], subject: str, text: str, verb: str, about: Model) -> None:
    """Send the mail, outside of any transaction, and note it once it is out; nobody to write to is an error."""
    if not addresses:
        log.error("tenant %s has no address for: %s", tenant.pk, verb)
        return
    send_mail(subject, text, None, addresses)
    with tenant_scope(tenant):
        audit(tenant=tenant, by=None, verb=verb, subject=about)


def _page(tenant: Tenant) -> str:
    return settings.PUBLIC_URL + reverse("processing", kwargs={"tenant_slug": tenant.slug})
