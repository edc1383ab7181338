"""`manage.py compile_messages`: turn the translations into the form Django reads, without GNU gettext."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Compile locale/*/LC_MESSAGES/django.po with Babel."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for folder in settings.LOCALE_PATHS:
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/django.po")):
                compile_catalogue(source)


def compile_catalogue(source: Path) -> Path:
    """Write the .mo file beside a .po file and return its path.

    Raises CommandError when a translation lacks the placeholders of its original: it would fail when shown.
    """
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    for message, errors in catalogue.check():
        raise CommandError(f"{source}, line {message.lineno}: {errors[0]} (message {message.id!r}).")
    target, fresh = source.with_suffix(".mo"), source.with_suffix(".mo.new")
    with fresh.open("wb") as compiled:
        write_mo(compiled, catalogue)
    # At once, since running processes may be reading it.
    fresh.rename(target)
    return target
