"""Segments: a rule tree over people, consent, events and messages, compiled to one SQL query."""
