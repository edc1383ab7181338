"""Writes everything that is held of a person into a ZIP: data.json for machines, index.html to read (CG-41).

Rows go straight from the database into the file, so memory stays flat however much there is.
"""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from django.core.files import File
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _

from consent import agreements
from consent.models import Controller, DataRequest
from consent.queries import controller_of
from consent.rights import periods, walking
from contacts.models import Contact
from contacts.personal import Section
from tenants.models import Tenant
from tenants.scope import tenant_scope, undo_on_rollback
from tenants.templatetags.formats import day, moment

IN_MEMORY = 2 * 1024 * 1024
LANGUAGES = ("de", "en")
# Where they stand in the page's template.
SECTIONS = "<!-- sections -->"


def export(tenant: Tenant, request: DataRequest) -> None:
    """Build the request's file and keep it for seven days; in a snapshot of one transaction."""
    assert request.contact_id
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as packed, tenant_scope(tenant):
        contact = Contact.objects.select_related("tenant").get(tenant=tenant, pk=request.contact_id)
        pack(contact, packed)
        packed.seek(0)
        request.file.save("export.zip", File(packed), save=False)
        undo_on_rollback(partial(request.file.storage.delete, str(request.file.name)))
        request.file_until = timezone.now() + periods.EXPORTS
        request.carried_out_at, request.state = timezone.now(), DataRequest.State.CARRIED_OUT
        request.leased_until, request.error = None, ""
        fields = ["file", "file_until", "carried_out_at", "state", "leased_until", "error"]
        request.save(update_fields=fields)


def pack(contact: Contact, target: Any) -> None:
    """Write the ZIP in the person's language, German if we do not have theirs."""
    language = contact.language[:2] if contact.language[:2] in LANGUAGES else LANGUAGES[0]
    with override(language), timezone.override(contact.tenant.timezone), ZipFile(target, "w", ZIP_DEFLATED) as packed:
        with packed.open("data.json", "w", force_zip64=True) as file:
            for piece in as_json(contact):
                file.write(piece)
        with packed.open("index.html", "w", force_zip64=True) as file:
            _write(file, as_html(contact))


def _write(file: BinaryIO | Any, pieces: Iterator[str]) -> None:
    for piece in pieces:
        file.write(piece.encode())


def _sections(contact: Contact) -> Iterator[Section]:
    yield from walking.told(contact)
    yield Section("recipients", _("Who receives the data"), {"name": _("Who"), "why": _("What for")}, _recipients())
    labels = {"data": _("What"), "kept": _("How long")}
    yield Section("retention", _("How long it is kept"), labels, _retention(controller_of(contact.tenant)))


def _recipients() -> list[dict[str, str]]:
    return [
        {
            "name": "WhatsApp Ireland Limited, Merrion Road, Dublin 4, D04 X2K5, Irland",
            "why": _("Transmits messages: phone number, WhatsApp user id and what the messages say."),
        },
        {
            "name": "WhatsApp LLC, Meta Platforms, Inc., USA",
            "why": _("Work for WhatsApp Ireland, under the EU-US Data Privacy Framework."),
        },
        {
            "name": _("The operator of this software"),
            "why": _("Stores and processes the data on behalf of the company (Art. 28 GDPR)."),
        },
        *({"name": f"{one.name}, {one.address}", "why": one.purpose} for one in agreements.subprocessors()),
    ]


def _retention(controller: Controller) -> list[dict[str, str]]:
    return [
        {"data": _("Master data, tags, lists, orders"), "kept": _("until you ask for their erasure")},
        {"data": _("Messages in both directions, clicks"), "kept": _months(controller.message_months)},
        {
            "data": _("Proof of consent"),
            "kept": _("while it is used, then to the end of the third calendar year"),
        },
        {"data": _("Consent that is not used"), "kept": _months(controller.silence_months)},
        {
            "data": _("That you want no messages, as a keyed hash of number and address"),
            "kept": _("until you say yes again yourself"),
        },
        {"data": _("Raw reports of WhatsApp"), "kept": _("30 days")},
        {"data": _("Uploaded files"), "kept": _("30 days")},
        {"data": _("This export"), "kept": _("7 days")},
    ]


def _months(count: int) -> str:
    return ngettext("%(count)d month", "%(count)d months", count) % {"count": count}


def as_json(contact: Contact) -> Iterator[bytes]:
    """One JSON object: what this is, and under each section's name its rows, with the same names in every language."""
    yield b'{"about":' + orjson.dumps(_about(contact))
    for section in _sections(contact):
        yield b',"' + section.name.encode() + b'":['
        for place, row in enumerate(section.rows):
            yield (b"," if place else b"") + orjson.dumps(dict(row), default=_plain)
        yield b"]"
    yield b"}"


def _about(contact: Contact) -> dict[str, Any]:
    controller = Controller.objects.filter(tenant=contact.tenant_id).first()
    return {
        "format": "zusage.personal-data.1",
        "created_at": timezone.now(),
        "language": get_language(),
        "controller": (controller and controller.legal_name) or contact.tenant.name,
        "privacy_notice": controller.privacy_url if controller else "",
        "contact": controller.email if controller else "",
        "data_protection_officer": f"{controller.officer} {controller.officer_email}".strip() if controller else "",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value))


def as_html(contact: Contact) -> Iterator[str]:
    """One page without anything from elsewhere, section by section."""
    head, foot = render_to_string("consent/export.html", {"about": _about(contact)}).split(SECTIONS)
    yield head
    for section in _sections(contact):
        yield from _section(section)
    yield foot


def _section(section: Section) -> Iterator[str]:
    yield format_html('<section id="{}"><h2>{}</h2>', section.name, section.title)
    rows = iter(section.rows)
    first = next(rows, None)
    if first is None:
        yield format_html("<p>{}</p>", _("Nothing is stored."))
    elif section.name == "person":
        yield format_html("<dl>{}</dl>", _terms(section.labels, first))
    else:
        heads = format_html_join("", '<th scope="col">{}</th>', ((label,) for label in section.labels.values()))
        yield format_html("<div><table><thead><tr>{}</tr></thead><tbody>", heads)
        yield _row(section.labels, first)
        for row in rows:
            yield _row(section.labels, row)
        yield "</tbody></table></div>"
    yield "</section>"


def _terms(labels: Mapping[str, str], row: Mapping[str, Any]) -> SafeString:
    shown = ((label, _shown(row.get(name))) for name, label in labels.items())
    return format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", shown)


def _row(labels: Mapping[str, str], row: Mapping[str, Any]) -> SafeString:
    cells = ((label, _shown(row.get(name))) for name, label in labels.items())
    return format_html("<tr>{}</tr>", format_html_join("", '<td data-label="{}">{}</td>', cells))


def _shown(value: Any) -> SafeString | str:
    if value in (None, "", {}, []):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Mapping):
        pairs = ((key, _shown(below)) for key, below in value.items())
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", pairs))
    if isinstance(value, list):
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((_shown(one),) for one in value)))
    return escape(str(value))
