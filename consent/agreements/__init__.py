"""The contract of Art. 28 GDPR between a company and the operator: its texts by version, filled in for one company.

Drafted by engineers after Art. 28 (3) GDPR; the operator has it checked by counsel before the first customer accepts.
"""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core import checks
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from consent.models import Agreement, Controller, SubProcessor
from consent.queries import controller_of
from tenants.models import Tenant
from tenants.templatetags.formats import day

# A published text is never edited: a new version is a new file, and companies accept it anew.
VERSION = "2026-11"
LANGUAGES = ("de", "en")
TEXTS = Path(__file__).parent / "texts"

NO_OPERATOR = gettext_lazy(
    "The contract cannot be concluded yet: whoever runs this installation has not entered their address"
    " (OPERATOR_ADDRESS), and a contract names both parties. Please tell them."
)


class Section(NamedTuple):
    """A heading of the text with its paragraphs."""

    title: str
    paragraphs: list[str]


def text(tenant: Tenant, language: str) -> str:
    """The contract in force, filled in with this company and the further processors of today."""
    with translation.override(language):
        return _raw(language).format(
            version=VERSION,
            controller=_controller(controller_of(tenant)),
            processor="\n".join(filter(None, (settings.OPERATOR_NAME, settings.OPERATOR_ADDRESS))),
            subprocessors=_subprocessors(),
        )


def spoken() -> str:
    """The language of the texts for whoever is reading now."""
    return "en" if (get_language() or "").startswith("en") else "de"


def nature() -> Section:
    """What the contract in force says of the kinds of processing, of data and of people (clause 2)."""
    return sections(_raw(spoken()))[2]


def measures() -> Section:
    """What it says of the technical and organisational measures (annex 1)."""
    return sections(_raw(spoken()))[-2]


def digest(text: str) -> str:
    """The fingerprint of a text, by which a form says which one was read."""
    return hashlib.sha256(text.encode()).hexdigest()


def lacks_operator() -> bool:
    """Whether the contract's other party has no address; on a developer's machine and in the demo it needs none."""
    return settings.IS_HTTPS and not settings.DEBUG and not settings.OPERATOR_ADDRESS.strip()


def check(**_kwargs: Any) -> list[checks.CheckMessage]:
    """The same as a system check, which every command of manage.py prints."""
    told = "OPERATOR_ADDRESS is not set: the contract of Art. 28 GDPR names no address, and no company can conclude it."
    return [checks.Warning(told, id="consent.W001")] if lacks_operator() else []


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


def is_open(agreement: Agreement | None) -> bool:
    """Whether somebody of the company is asked to conclude it: nobody has, it names nobody, or the text is newer."""
    if agreement is None or is_new(agreement):
        return True
    # Until November 2026 the operator's entry named the owner's login, who had signed nothing.
    return not agreement.signer or (agreement.accepted_by_id is None and "@" in agreement.signer)


def subprocessors(on: date | None = None) -> list[SubProcessor]:
    """The further processors of a day (today by default), and those that are announced for later."""
    on = on or timezone.localdate()
    told = SubProcessor.objects.exclude(announced_at=None).exclude(ended_on__lt=on)
    return list(told.order_by("active_from", "name"))


def _raw(language: str) -> str:
    return (TEXTS / f"{VERSION}.{language}.txt").read_text(encoding="utf-8")


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
