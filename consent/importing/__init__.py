"""Runs imports: contacts by set, and with complete proof the consent that the file claims."""

from consent.importing.running import due, run

__all__ = ["due", "run"]
