"""Staff's view of consent, in Django admin."""

from consent.admin import consents, contracts, signing_up

__all__ = ["consents", "contracts", "signing_up"]
