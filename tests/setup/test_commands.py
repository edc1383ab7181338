"""The commands of the set-up: translations without GNU gettext, assets and locks without a host."""

import gettext
import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import CommandError

from config.management.commands import compile_messages, make_messages

ROOT = Path(settings.BASE_DIR)
PYTHON = """
from django.utils.translation import gettext_lazy as _, ngettext
LABEL = _("Send now")
def count(n): return ngettext("%(n)d contact", "%(n)d contacts", n) % {"n": n}
"""
TEMPLATE = """
{% load i18n %}
  <p title="{% translate "It's on" %}">{% blocktranslate count n=n trimmed %}
      {{ n }} reply
    {% plural %}
      {{ n }} replies
  {% endblocktranslate %}</p>
{% translate "May" context "month" %}
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A German catalogue, still without a file, of a project with one module and one template."""
    (tmp_path / "shop.py").write_text(PYTHON)
    (tmp_path / "page.html").write_text(TEMPLATE)
    (tmp_path / "de" / "LC_MESSAGES").mkdir(parents=True)
    return tmp_path / "de" / "LC_MESSAGES" / "django.po"


def test_texts_of_code_and_templates_are_collected(catalogue: Path) -> None:
    found = make_messages.collect(catalogue.parents[2])

    assert {message.id for message in found if message.id} == {
        "Send now",
        ("%(n)d contact", "%(n)d contacts"),
        "It's on",
        ("%(n)s reply", "%(n)s replies"),
        "May",
    }
    assert found.get("May", context="month")


def test_a_second_collection_keeps_translations_and_drops_what_is_gone(catalogue: Path) -> None:
    make_messages.update(catalogue, make_messages.collect(catalogue.parents[2]))
    translated = catalogue.read_text().replace('msgid "Send now"\nmsgstr ""', 'msgid "Send now"\nmsgstr "Jetzt senden"')
    catalogue.write_text(translated)
    (catalogue.parents[2] / "page.html").write_text("")

    untranslated = make_messages.update(catalogue, make_messages.collect(catalogue.parents[2]))

    with catalogue.open("rb") as file:
        kept = read_po(file)
    assert {message.id: message.string for message in kept if message.id} == {
        "Send now": "Jetzt senden",
        ("%(n)d contact", "%(n)d contacts"): ("", ""),
    }
    assert untranslated == 1


def test_a_compiled_catalogue_translates(catalogue: Path) -> None:
    catalogue.write_text(_po('msgid "Send now"', 'msgstr "Jetzt senden"'))

    compiled = compile_messages.compile_catalogue(catalogue)

    with compiled.open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Send now") == "Jetzt senden"


def test_a_translation_without_its_placeholder_is_refused(catalogue: Path) -> None:
    catalogue.write_text(_po("#, python-format", 'msgid "%(n)s replies"', 'msgstr "%(m)s Antworten"'))

    with pytest.raises(CommandError, match=r"django\.po, line"):
        compile_messages.compile_catalogue(catalogue)


def test_locks_name_no_host() -> None:
    locks = [ROOT / "package-lock.json", ROOT / ".npmrc", *(ROOT / "requirements").iterdir()]

    assert [lock.name for lock in locks if re.search(r"https?:|file:|\"resolved\"", lock.read_text())] == []


def test_every_asset_comes_from_a_locked_package() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / "assets.json").read_text())["files"]

    packages = {re.match(r"(@[^/]+/)?[^/]+", source).group() for source in wanted}
    assert {f"node_modules/{package}" for package in packages} <= locked.keys()
    assert all("integrity" in entry for path, entry in locked.items() if path)


def _po(*lines: str) -> str:
    return "\n".join(['msgid ""', 'msgstr "Content-Type: text/plain; charset=utf-8\\n"', "", *lines, ""])
