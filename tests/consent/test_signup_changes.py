"""Several people have one form before them: nobody's change undoes another's, nor opens what was closed (M-52)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from consent.actions import signup_forms
from consent.models import SignupForm
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import known, published
from tests.consent.test_meeting import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)
LURE = "5 € Gutschein sichern"


@pytest.fixture
def form(bakery: Tenant) -> SignupForm:
    """A draft that lacks nothing."""
    with tenant_scope(bakery):
        known(bakery)
        wording = published(bakery, covers=[["whatsapp", "marketing"]]).wording
        given = {"name": "Theke", "slug": "theke", "number": "+4930231250", "headline": "Frisch"}
        return signup_forms.create(tenant=bakery, by=None, wording=wording, **given)


def read() -> SignupForm:
    return SignupForm.objects.get()


def change(**values: Any) -> Any:
    """Somebody who has read the form just now changes it."""
    form = read()
    return lambda: signup_forms.update(form=form, by=None, **values)


def test_who_saves_a_form_that_was_closed_meanwhile_opens_it_not_again(bakery: Tenant, form: SignupForm) -> None:
    with tenant_scope(bakery):
        signup_forms.open_(form=form, by=None)
        save = change(headline="Frischer")
        signup_forms.close(form=read(), by=None)

        assert save().state == "closed"

        assert (read().state, read().headline) == ("closed", "Frischer")


def test_two_changes_of_different_fields_are_both_kept(bakery: Tenant, form: SignupForm) -> None:
    with tenant_scope(bakery):
        first, second = change(headline="Frischer"), change(intro="Jeden Morgen.")
        first()
        changed = second()

        assert (changed.headline, changed.intro) == (read().headline, read().intro) == ("Frischer", "Jeden Morgen.")


def test_two_changes_of_different_translations_are_both_kept(bakery: Tenant, form: SignupForm) -> None:
    with tenant_scope(bakery):
        first = change(translated={"en": {"headline": "Fresher"}})
        second = change(translated={"en": {"headline": "", "intro": "Each morning."}})
        third = change(translated={"en": {"benefit": "A bun"}})
        first()
        assert third().translations == {"en": {"headline": "Fresher", "benefit": "A bun"}}

        # What is empty is taken out.
        assert second().translations == read().translations == {"en": {"intro": "Each morning.", "benefit": "A bun"}}


def test_m_52_a_form_that_was_opened_meanwhile_gets_no_benefit_as_if_it_were_a_draft(
    bakery: Tenant, form: SignupForm
) -> None:
    with tenant_scope(bakery):
        save = change(headline=LURE)
        signup_forms.open_(form=form, by=None)

        with pytest.raises(ValidationError, match="5 € Gutschein"):
            save()

        assert (read().state, read().headline) == ("live", "Frisch")


def test_m_52_who_opens_a_form_is_judged_by_what_was_saved_meanwhile(bakery: Tenant, form: SignupForm) -> None:
    with tenant_scope(bakery):
        stale = read()
        change(headline=LURE)()

        with pytest.raises(ValidationError, match="5 € Gutschein"):
            signup_forms.open_(form=stale, by=None)

        assert (read().state, read().headline) == ("draft", LURE)


def test_m_52_who_opens_a_form_waits_for_who_is_saving_it(bakery: Tenant, form: SignupForm) -> None:
    with tenant_scope(bakery):
        stale, save = read(), change(headline=LURE)
        save()
        others = meanwhile(bakery, lambda: signup_forms.open_(form=stale, by=None))
    others[0].join(20)

    assert isinstance(others[0].failed, ValidationError)
    with tenant_scope(bakery):
        assert read().state == "draft"
