"""Receipts of consent (consent-gdpr § 11): signed JSON, from which page and paper are made, and their verification."""

from consent.receipts.issuing import receipt
from consent.receipts.reading import Sheet, read
from consent.receipts.signing import SCHEMA
from consent.receipts.verifying import Check, Verdict, verify

__all__ = ["SCHEMA", "Check", "Sheet", "Verdict", "read", "receipt", "verify"]
