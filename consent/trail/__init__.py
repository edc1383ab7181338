"""What was done in a company, newest first: its audit trail and its consent ledger as one list (consent-gdpr § 12)."""

from consent.trail.exporting import table
from consent.trail.reading import KINDS, Asked, Page, Place, page
from consent.trail.words import Told, told

__all__ = ["KINDS", "Asked", "Page", "Place", "Told", "page", "table", "told"]
