"""Texts to start from, as drafts: advertising, measuring clicks, and profiles, each a wording of its own (CG-04).

They are what the company's customers read, so they speak German and English whatever the dashboard speaks, and say du
or Sie as the company does. With the company's name known they leave no duty open.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.linting import LANGUAGES, Pair
from consent.models import Channel, Controller, Purpose

WHATSAPP = Channel.WHATSAPP.value
# Stands where a name is missing; the linter asks for it.
UNKNOWN = {"de": "[Firmenname]", "en": "[company name]"}
NOTICE = {
    "du": "Wie wir mit deinen Daten umgehen: {url}",
    "sie": "Wie wir mit Ihren Daten umgehen: {url}",
    "en": "How we handle your data: {url}",
}
WAY_OUT = {
    "du": "Du kannst das jederzeit widerrufen, am einfachsten mit der Antwort STOPP.",
    "sie": "Sie können das jederzeit widerrufen, am einfachsten mit der Antwort STOPP.",
    "en": "You can withdraw this at any time, most easily by replying STOP.",
}
AGE = {
    "du": "Ich bin mindestens 16 Jahre alt.",
    "sie": "Ich bin mindestens 16 Jahre alt.",
    "en": "I am at least 16 years old.",
}


@dataclass(frozen=True)
class Starter:
    """One text to start from: what it is called, what it is a yes to, and what the person says, by language."""

    key: str
    label: str | Promise
    name: str | Promise
    covers: tuple[Pair, ...]
    says: Mapping[str, str]

    def texts(self, company: Controller) -> dict[str, str]:
        """The whole text in each language, for this company."""
        spoken = {"de": company.address_form, "en": "en"}
        return {language: self._text(company, language, spoken[language]) for language in LANGUAGES}

    def _text(self, company: Controller, language: str, spoken: str) -> str:
        says = self.says[language].format(company=company.legal_name or UNKNOWN[language])
        sentences = [says, AGE[spoken], WAY_OUT[spoken]]
        if company.privacy_url:
            sentences.append(NOTICE[spoken].format(url=company.privacy_url))
        return " ".join(sentences)


STARTERS = {
    starter.key: starter
    for starter in (
        Starter(
            "marketing",
            _("Offers by WhatsApp"),
            _("WhatsApp newsletter"),
            ((WHATSAPP, Purpose.MARKETING.value),),
            {
                "de": "Ja, ich möchte von {company} per WhatsApp Angebote und Neuigkeiten bekommen, etwa viermal im"
                " Monat.",
                "en": "Yes, I would like to get offers and news from {company} by WhatsApp, about four times a month.",
            },
        ),
        Starter(
            "tracking",
            _("Measuring clicks"),
            _("Measuring clicks in WhatsApp"),
            ((WHATSAPP, Purpose.TRACKING.value),),
            {
                "de": "Ja, {company} darf messen, welche Links in WhatsApp-Nachrichten ich öffne, um Nachrichten zu"
                " verbessern. Nachrichten bekomme ich auch ohne diese Zustimmung.",
                "en": "Yes, {company} may measure which links in WhatsApp messages I open, in order to improve"
                " messages. I get messages without this consent, too.",
            },
        ),
        Starter(
            "profiling",
            _("Personal offers"),
            _("Personal offers by WhatsApp"),
            ((WHATSAPP, Purpose.PROFILING.value),),
            {
                "de": "Ja, {company} darf aus meinen Bestellungen und Klicks ein Profil meiner Interessen bilden, um"
                " mir passendere Angebote per WhatsApp zu schicken. Nachrichten bekomme ich auch ohne diese"
                " Zustimmung.",
                "en": "Yes, {company} may form a profile of my interests from my orders and clicks, in order to send"
                " me more fitting offers by WhatsApp. I get messages without this consent, too.",
            },
        ),
    )
}
