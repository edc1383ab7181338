"""In which language a form's own texts are is entered with them in the dashboard."""

import re

from django.test import Client

from consent.models import SignupForm, WordingVersion
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.views.test_signups import made, shown, wording

__all__ = ["wording"]


def test_the_language_of_the_texts_is_chosen_and_the_fields_beside_them_are_in_the_other(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, headline="Fresh news first", language="en", de_headline="Immer frisch informiert")

    with tenant_scope(bakery):
        form = SignupForm.objects.get()
    assert (form.language, form.translations) == ("en", {"de": {"headline": "Immer frisch informiert"}})
    editor = shown(alice.get(f"{page}edit/"))
    assert re.search(r'<option value="en"\s+selected', editor)
    assert 'name="de_headline"' in editor
    assert 'name="en_headline"' not in editor
