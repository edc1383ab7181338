"""Proofs and receipts on paper: PDF with embedded fonts, made without any program of the system."""

from consent.printing.proofs import proof
from consent.printing.receipts import receipt

__all__ = ["proof", "receipt"]
