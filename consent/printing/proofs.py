"""The proof of a person's consent on paper: who, every row of the ledger about them, and the check of the chain."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from reportlab.platypus import Flowable

from consent import queries, telling
from consent.models import Channel, Purpose
from consent.printing.paper import BAD_NEWS, GOOD_NEWS, LEAD, TITLE, head, lines, pdf, text
from consent.proving import Proof, Section, sections
from consent.proving.sections import Line
from tenants.templatetags import formats


def proof(found: Proof) -> bytes:
    """The PDF of a proof, in the active language and time zone."""
    company = queries.responsible_for(found.contact.tenant)
    title = _("Proof of consent")
    made = _("%(company)s · made %(time)s")
    foot = made % {"company": company.legal_name, "time": telling.exact(found.made_at)}
    return pdf(list(_story(found, title, company)), title=title, author=company.legal_name, foot=foot)


def _story(found: Proof, title: str, company: Any) -> Iterator[Flowable]:
    yield text(title, TITLE)
    place = f"{company.postcode} {company.city}".strip()
    yield text(", ".join(filter(None, (company.legal_name, company.street, place))), LEAD)
    yield _verdict(found)
    yield from head(_("Person"))
    yield lines(_person(found))
    for section in sections(found):
        yield from _section(section)
    if found.suppressions:
        yield from head(_("Suppression list"))
        yield lines(_suppressions(found))


def _verdict(found: Proof) -> Flowable:
    if not found.steps:
        return text(_("The ledger has no row about this person."), GOOD_NEWS)
    if found.is_intact:
        told = ngettext(
            "%(count)s row hashed again: unaltered and in its place in the chain.",
            "%(count)s rows hashed again: unaltered and in their places in the chain.",
            len(found.steps),
        )
        return text(told % {"count": len(found.steps)}, GOOD_NEWS)
    return text(_("The rows do not fit the chain: see the rows that are marked."), BAD_NEWS)


def _person(found: Proof) -> Iterator[Line]:
    contact = found.contact
    if contact.name:
        yield Line(_("Name"), contact.name)
    if contact.phone:
        yield Line(_("Phone number"), formats.phone(contact.phone))
    if contact.email:
        yield Line(_("E-mail"), contact.email)
    if contact.external_id:
        yield Line(_("Customer number"), contact.external_id)
    if contact.bsuid:
        yield Line(_("WhatsApp user id (BSUID)"), contact.bsuid)
    yield Line(_("Reference in the ledger"), str(contact.subject_id))


def _section(section: Section) -> Iterator[Flowable]:
    event = section.step.event
    yield from head(f"{event.seq} · {section.title}")
    for problem in section.faults:
        yield text(problem, BAD_NEWS)
    yield lines(section.lines)
    if section.evidence:
        yield from head(_("Evidence"))
        yield lines(section.evidence)


def _suppressions(found: Proof) -> Iterator[Line]:
    for entry in found.suppressions:
        about = f"{Channel(entry.channel).label} · {Purpose(entry.purpose).label}"
        told = [telling.suppression(entry.reason), telling.identity(entry.kind), about]
        if entry.said_again_at:
            told.append(_("said again %(time)s") % {"time": telling.exact(entry.said_again_at)})
        if entry.lifted_at:
            told.append(_("lifted %(time)s") % {"time": telling.exact(entry.lifted_at)})
        yield Line(telling.exact(entry.since), " · ".join(told))
