"""Staff's view of consent, in Django admin."""

from consent.admin import consents, contracts, people, signing_up

__all__ = ["consents", "contracts", "people", "signing_up"]
