"""Pages that must stand when other things fall: the error page, and a clone without vendored assets."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tenants.actions import NewTenant
from tenants.templatetags import page


def test_the_error_page_needs_neither_database_nor_session() -> None:
    shown = render_to_string("500.html")

    assert "Etwas ist schiefgegangen" in shown
    assert "app.css" in shown


def test_icons_are_drawn_from_their_shapes_only() -> None:
    shown = page.icon("home")

    assert shown.startswith("<svg")
    assert "M0 0h24v24H0z" not in shown


def test_an_icon_that_was_never_fetched_leaves_an_empty_frame() -> None:
    assert "<path" not in page.icon("no-such-icon")


def test_pages_do_without_assets_that_could_not_be_fetched(
    client: Client, bakery_made: NewTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    page._vendored.cache_clear()
    monkeypatch.setattr(page.finders, "find", lambda path: None)
    client.force_login(bakery_made.owner)

    shown = client.get("/bakery/").content.decode()

    page._vendored.cache_clear()
    assert "tabler" not in shown
    assert "app.css" in shown
