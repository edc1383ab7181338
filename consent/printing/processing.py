"""The contract of Art. 28 GDPR and the record of processing activities on paper."""

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from reportlab.platypus import Flowable

from consent import agreements, records
from consent.models import Agreement
from consent.printing.paper import LEAD, TITLE, head, lines, pdf, styled, text
from consent.proving.sections import Line
from consent.queries import controller_of
from tenants.models import Tenant
from tenants.templatetags.formats import day, moment

BODY = styled(9, spaceAfter=6)


def agreement(accepted: Agreement) -> bytes:
    """The contract as it was accepted, with who accepted it and when."""
    with translation.override(accepted.language):
        parts = agreements.sections(accepted.text)
        story: list[Flowable] = [text(parts[0].title, TITLE)]
        story += [text(paragraph, BODY) for paragraph in parts[0].paragraphs]
        for part in parts[1:]:
            story += [*head(part.title), *(text(paragraph, BODY) for paragraph in part.paragraphs)]
        story += [*head(_("Acceptance")), lines(_acceptance(accepted))]
        return pdf(story, title=parts[0].title, author="Zusage", foot=f"SHA-256 {accepted.sha256}")


def record(tenant: Tenant) -> bytes:
    """The record of processing activities of today."""
    title, company = _("Record of processing activities"), controller_of(tenant).legal_name or tenant.name
    story: list[Flowable] = [text(title, TITLE), text(_("Art. 30 (1) GDPR, as of %s") % day(timezone.now()), LEAD)]
    story += [lines(records.responsible(tenant))]
    if recipients := records.recipients(tenant):
        story += [*head(_("Further recipients: processors of the company")), lines(recipients)]
    for activity in records.activities(tenant):
        story += [*head(activity.title), lines(activity.lines)]
    story += head(_("Technical and organisational measures"))
    story += [text(paragraph, BODY) for paragraph in records.measures()]
    return pdf(story, title=title, author=company, foot=company)


def _acceptance(accepted: Agreement) -> list[Line]:
    return [
        Line(
            _("Accepted by"),
            ", ".join(filter(None, (accepted.signer, accepted.position)))
            or _("entered by the operator, who named nobody"),
        ),
        Line(_("Accepted at"), moment(accepted.accepted_at)),
        Line(_("Version"), accepted.version),
    ]
