"""Proofs, receipts, contracts and records on paper: PDF with embedded fonts, made without any program of the system."""

from consent.printing.codes import KINDS, code
from consent.printing.posters import TooMuchText, poster
from consent.printing.processing import agreement, record
from consent.printing.proofs import proof
from consent.printing.receipts import receipt

__all__ = ["KINDS", "TooMuchText", "agreement", "code", "poster", "proof", "receipt", "record"]
