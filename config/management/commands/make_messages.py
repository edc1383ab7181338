"""`manage.py make_messages`: collect the texts to translate, without GNU gettext."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import templatize

KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
NOT_OURS = {"tests", "benchmarks", "migrations", "node_modules", "static"}


class Command(BaseCommand):
    help = "Update locale/*/LC_MESSAGES/django.po from Python code and templates."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = collect(Path(settings.BASE_DIR))
        for folder in settings.LOCALE_PATHS:
            for locale in sorted(Path(folder).glob("*/LC_MESSAGES")):
                untranslated = update(locale / "django.po", found)
                self.stdout.write(f"{locale.parent.name}: {len(found)} messages, {untranslated} untranslated")


def collect(root: Path) -> Catalog:
    """Every text marked for translation in the Python files and templates below `root`."""
    catalogue = Catalog(project="Zusage", charset="utf-8")
    for path in _sources(root):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            # As Django does it: all but the marked texts is blanked. Brackets make indentation meaningless.
            text = f"({templatize(text, origin=str(path))}\n)"
        # Without lines, by which they would be sorted: a text moves only with its file.
        place = (path.relative_to(root).as_posix(), 0)
        for _line, message, comments, context in extract("python", BytesIO(text.encode()), KEYWORDS, ["Translators:"]):
            catalogue.add(message, locations=[place], auto_comments=comments, context=context)
    return catalogue


def update(target: Path, found: Catalog) -> int:
    """Bring a .po file in line with what was found, keeping translations; returns how many are missing."""
    language = target.parent.parent.name
    catalogue = Catalog(locale=language, project="Zusage", charset="utf-8")
    if target.exists():
        with target.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(found, no_fuzzy_matching=True, update_creation_date=False)
    with target.open("wb") as file:
        write_po(file, catalogue, width=110, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    return sum(1 for message in catalogue if message.id and not any(_texts(message.string)))


def _sources(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.suffix in {".py", ".html"} and not any(part in NOT_OURS or part.startswith(".") for part in parts):
            yield path


def _texts(translation: str | Sequence[str] | None) -> Sequence[str]:
    return [translation] if isinstance(translation, str) else translation or ()
