"""Pages that must stand when other things fall: the error page, and a clone without vendored assets."""

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.pages import BoundedPaginator
from tenants.scope import tenant_scope
from tenants.templatetags import page
from tests import factories


def test_the_error_page_needs_neither_database_nor_session() -> None:
    with translation.override("de"):
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


@pytest.mark.django_db
def test_pages_of_a_huge_list_end_at_a_bound_and_say_so(bakery: Tenant) -> None:
    class Short(BoundedPaginator):
        most = 4

    with tenant_scope(bakery):
        factories.contacts(bakery, 6, consent=False)
        whole, cut = BoundedPaginator(bakery.contacts.order_by("id"), 3), Short(bakery.contacts.order_by("id"), 3)

        assert (whole.count, whole.is_cut, whole.num_pages) == (6, False, 2)
        assert (cut.count, cut.is_cut, cut.num_pages) == (4, True, 2)
        assert len(cut.page(2).object_list) == 1
