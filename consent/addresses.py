"""Which web addresses people may be sent to before they have agreed to anything."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def https_only(address: str) -> None:
    """Validates the address of a company's own page; raises ValidationError."""
    if not address.lower().startswith("https://"):
        raise ValidationError(_("Begin the address with https://, so that nobody can read along or change the page."))
