"""Which role may do what: the same permission names serve people's roles and API keys' scopes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MARKETER = "marketer", _("Marketer")
    AGENT = "agent", _("Agent")
    ANALYST = "analyst", _("Analyst")
    LEGAL = "legal", _("Legal")


READS = {"contacts:read", "segments:read", "templates:read", "campaigns:read", "reports:read"}
WRITES = {"contacts:write", "segments:write", "templates:write", "campaigns:write", "campaigns:send", "events:write"}
CONSENT = {"consent:read", "consent:write"}
# Writing and publishing what people agree to: nothing that a program or an agent needs who records consents.
WORDINGS = {"wordings:write"}
# What proves a consent, in clear: addresses, messages, forms. Each look is written down.
EVIDENCE = {"evidence:read"}
# Stands for every permission, those of later versions too.
ALL = "*"
EVERYTHING = (
    READS | WRITES | CONSENT | WORDINGS | EVIDENCE | {"inbox:read", "inbox:write", "settings:write", "audit:read"}
)

PERMISSIONS: dict[str, set[str]] = {
    Role.OWNER: EVERYTHING,
    Role.ADMIN: EVERYTHING,
    # Marketers import their customers with proof of consent; every row says who brought it.
    Role.MARKETER: READS | WRITES | CONSENT | WORDINGS | {"inbox:read"},
    Role.AGENT: {"contacts:read", "contacts:write", "inbox:read", "inbox:write"} | CONSENT,
    Role.ANALYST: READS,
    Role.LEGAL: READS | CONSENT | WORDINGS | EVIDENCE | {"audit:read"},
}


def allows(granted: set[str], permission: str) -> bool:
    """Whether a set of permissions, in which ALL stands for every one, contains this one."""
    return ALL in granted or permission in granted
