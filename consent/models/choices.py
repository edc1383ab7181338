"""The words of the ledger: channels, purposes, states, ways and authorities (consent-gdpr § 4)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    WHATSAPP = "whatsapp", "WhatsApp"
    EMAIL = "email", _("E-mail")
    SMS = "sms", "SMS"
    ALL = "all", _("All channels")


class Purpose(models.TextChoices):
    MARKETING = "marketing", _("Marketing")
    TRANSACTIONAL = "transactional", _("Orders and appointments")
    TRACKING = "tracking", _("Measuring clicks and reads")
    PROFILING = "profiling", _("Profiling")
    SPECIAL_CATEGORY = "special_category", _("Special categories of data")
    SURVEY = "survey", _("Surveys")
    ALL = "all", _("All purposes")


class State(models.TextChoices):
    """What a ledger row says; consent-gdpr § 4."""

    REQUESTED = "requested", _("requested")
    GRANTED = "granted", _("granted")
    RENEWED = "renewed", _("renewed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")
    OBJECTED = "objected", _("objected")
    EXPIRED = "expired", _("expired")
    INVALIDATED = "invalidated", _("invalidated")
    META_STOPPED = "meta_stopped", _("stopped in WhatsApp")
    META_RESUMED = "meta_resumed", _("resumed in WhatsApp")
    SUPPRESSED = "suppressed", _("suppressed")
    SUPPRESSION_LIFTED = "suppression_lifted", _("suppression lifted")
    MERGED = "merged", _("merged")
    MOVED = "moved", _("number changed")
    RESTRICTED = "restricted", _("restricted")
    UNRESTRICTED = "unrestricted", _("unrestricted")
    ERASED = "erased", _("erased")


class Source(models.TextChoices):
    """By which way a declaration came in."""

    SIGNUP_PAGE = "signup_page", _("Sign-up page")
    WA_KEYWORD = "wa_keyword", _("WhatsApp keyword")
    WA_BUTTON = "wa_button", _("WhatsApp button")
    QR = "qr", _("QR code")
    FLOW = "flow", _("WhatsApp Flow")
    IMPORT = "import", _("Import")
    API = "api", "API"
    AGENT = "agent", _("Agent")
    PREFERENCE_LINK = "preference_link", _("Preference page")
    META_WEBHOOK = "meta_webhook", _("WhatsApp settings")
    META_ERROR = "meta_error", _("Error 131050")
    SYSTEM = "system", _("System")


class Way(models.TextChoices):
    """How the person said it; any way counts (CG-21)."""

    PHONE = "phone", _("On the phone")
    IN_PERSON = "in_person", _("In person, in the shop")
    EMAIL = "email", _("By e-mail")
    LETTER = "letter", _("By letter")
    CHAT = "chat", _("In a chat, as a voice message or picture")
    OTHER = "other", _("In another way")


class BlockReason(models.TextChoices):
    """Why a number or an address is blocked that may belong to no contact (CG-21)."""

    WISH = "wish", _("They want no advertising")
    STRANGER = "stranger", _("It belongs to somebody else than we thought")
    DEMAND = "demand", _("A lawyer, a court or an authority demands it")
    OTHER = "other", _("Another reason")


class Authority(models.IntegerChoices):
    """Who says it; only the person on the channel can lift a restriction. consent-gdpr §§ 4–5."""

    IMPORT = 0, _("Import")
    AGENT = 1, _("Agent or API")
    META = 2, "Meta"
    PERSON = 3, _("The person on the channel")
