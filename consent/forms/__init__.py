"""Checks what the screens of consent send."""
