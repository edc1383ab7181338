"""Meta's wire: client, payloads, events, errors, signature, emulator; accounts, numbers, templates."""
