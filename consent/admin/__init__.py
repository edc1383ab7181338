"""Staff's view of consent, in Django admin."""

from consent.admin import consents, contracts

__all__ = ["consents", "contracts"]
