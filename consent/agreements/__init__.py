"""The contract of Art. 28 GDPR between a company and the operator: its texts by version, filled in for one company.

Drafted by engineers after Art. 28 (3) GDPR; the operator has it checked by counsel before the first customer accepts.
"""

from datetime import date
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from consent.models import Agreement, Controller, SubProcessor
from consent.queries import controller_of
from tenants.models import Tenant
from tenants.templatetags.formats import day

# A published text is never edited: a new version is a new file, and companies accept it anew.
VERSION = "2026-11"
LANGUAGES = ("de", "en")
TEXTS = Path(__file__).parent / "texts"


class Section(NamedTuple):
    """A heading of the text with its paragraphs."""

    title: str
    paragraphs: list[str]


def text(tenant: Tenant, language: str) -> str:
    """The contract in force, filled in with this company and the further processors of today."""
    raw = (TEXTS / f"{VERSION}.{language}.txt").read_text(encoding="utf-8")
    with translation.override(language):
        return raw.format(
            version=VERSION,
            controller=_controller(controller_of(tenant)),
            processor="\n".join(filter(None, (settings.OPERATOR_NAME, settings.OPERATOR_ADDRESS))),
            subprocessors=_subprocessors(),
        )


def impact_assessment(tenant: Tenant, language: str) -> str:
    """A template for the assessment of Art. 35 GDPR, with what this software decides filled in."""
    raw = (TEXTS / f"dpia.{language}.txt").read_text(encoding="utf-8")
    with translation.override(language):
        return raw.format(controller=_controller(controller_of(tenant)), day=day(timezone.localdate()))


def sections(text: str) -> list[Section]:
    """A text cut at its headings, each with its paragraphs."""
    found: list[Section] = []
    for block in text.split("\n\n"):
        for line in (block if block.startswith("#") else f"\n{block}").split("\n", 1):
            if line.startswith("# "):
                found.append(Section(line.removeprefix("# "), []))
            elif line.strip() and found:
                found[-1].paragraphs.append(line.strip())
    return found


def accepted(tenant: Tenant) -> Agreement | None:
    """What the company accepted last; None before it has accepted anything, and nothing is sent till then (CG-50)."""
    return Agreement.objects.filter(tenant=tenant).order_by("-pk").first()


def is_new(agreement: Agreement | None) -> bool:
    """Whether there is a newer text than the one that was accepted."""
    return agreement is None or agreement.version != VERSION


def subprocessors(on: date | None = None) -> list[SubProcessor]:
    """The further processors of a day (today by default), and those that are announced for later."""
    on = on or timezone.localdate()
    told = SubProcessor.objects.exclude(announced_at=None).exclude(ended_on__lt=on)
    return list(told.order_by("active_from", "name"))


def _controller(controller: Controller) -> str:
    place = f"{controller.postcode} {controller.city}".strip()
    return ", ".join(filter(None, (controller.legal_name, controller.street, place))) or str(controller.tenant)


def _subprocessors() -> str:
    lines = [
        _("%(name)s, %(address)s (%(country)s): %(purpose)s; from %(day)s")
        % {"name": s.name, "address": s.address, "country": s.country, "purpose": s.purpose, "day": day(s.active_from)}
        for s in subprocessors()
    ]
    return "\n\n".join(lines) or _("None.")
