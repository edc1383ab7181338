"""Voucher codes: nothing is promised that is not there, what was promised is owed, and a code given stays (CG-05)."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from consent import personal, vouchers
from consent.actions import preferences, signup_forms
from consent.actions import vouchers as actions
from consent.models import ConsentEvent, SignupCode, SignupForm
from consent.signups import message
from contacts.models import Contact
from tenants.models import AuditEvent, Tenant
from tests.consent.factories import open_form, person, published
from tests.consent.test_signups import page, tap, tick, write

pytestmark = pytest.mark.usefixtures("as_runtime", "in_bakery")
BENEFIT = {"benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf."}


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    """A form that promises a voucher; its pool is empty yet."""
    return open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]), **BENEFIT, keyword="Brot")


def fill(form: SignupForm, *codes: str) -> int:
    return actions.add(form=form, codes=codes, by=None)


def own_page(client: Client, contact: Contact) -> str:
    answer = client.get(f"{urlsplit(preferences.url(contact)).path}?lang=de")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_promises_the_benefit_only_while_there_are_codes(client: Client, form: SignupForm) -> None:
    assert "5 € Gutschein" not in client.get(page(form)).content.decode()

    fill(form, "EINS")
    full = client.get(page(form)).content.decode()
    write(person(form.tenant), message(tick(client, form)))
    empty = client.get(page(form)).content.decode()

    assert "5 € Gutschein" in full
    assert "keine mehr" not in full
    for text in ("5 € Gutschein", "Ab 20 € Einkauf."):
        assert text not in empty
    assert "Gutscheine gibt es gerade keine mehr." in empty
    # The form goes on without it.
    assert tick(client, form)


def test_a_benefit_that_needs_no_code_is_always_promised_and_owed_to_nobody(client: Client, in_bakery: Tenant) -> None:
    raffle = open_form(
        in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]), **BENEFIT, without_code=True, slug="los"
    )

    heard = write(person(in_bakery), message(tick(client, raffle)))

    assert "5 € Gutschein" in client.get(page(raffle)).content.decode()
    assert heard
    assert (heard.code, heard.is_owed) == ("", False)
    assert vouchers.pool(raffle) == (0, 0, 0)


def test_who_was_promised_a_code_that_is_gone_is_told_and_gets_the_next_one(client: Client, form: SignupForm) -> None:
    fill(form, "EINS")
    anna, bert, clara = (person(form.tenant) for _n in range(3))
    # All three have read the promise before anybody confirms.
    tokens = [tick(client, form) for _n in range(3)]

    heard = [write(who, message(token)) for who, token in zip((anna, bert, clara), tokens, strict=True)]

    assert [(one.code, one.is_owed) for one in heard if one] == [("EINS", False), ("", True), ("", True)]
    assert vouchers.pool(form) == (0, 1, 2)
    assert "Dein Gutschein kommt noch" in own_page(client, bert)
    [section] = [section for section in personal.tell(bert) if section.name == "signup_vouchers"]
    assert len(list(section.rows)) == 1

    # Who signed up first gets theirs first.
    assert fill(form, "EINS", "ZWEI") == 1

    assert vouchers.pool(form) == (0, 2, 1)
    assert "ZWEI" in own_page(client, bert)
    assert "kommt noch" not in own_page(client, bert)
    assert "kommt noch" in own_page(client, clara)
    again = write(bert, message(tick(client, form)))
    assert again
    assert again.code == "ZWEI"
    fill(form, "DREI", "VIER")
    assert vouchers.pool(form) == (1, 3, 0)
    assert "DREI" in own_page(client, clara)


def test_who_was_promised_nothing_is_owed_nothing(client: Client, form: SignupForm) -> None:
    heard = write(person(form.tenant), message(tick(client, form)))

    assert heard
    assert (heard.code, heard.is_owed) == ("", False)
    assert vouchers.pool(form) == (0, 0, 0)
    assert not ConsentEvent.objects.exclude(incentive_id="").exists()


def test_who_comes_by_keyword_was_promised_it_by_a_poster(form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, "Brot")

    heard = tap(anna)

    assert heard
    assert (heard.outcome, heard.is_owed) == ("confirmed", True)
    assert vouchers.pool(form) == (0, 0, 1)


def test_unused_codes_can_be_taken_back_and_codes_that_people_have_stay(client: Client, form: SignupForm) -> None:
    fill(form, "EINS", "ZWEI", "DREI", "VIER")
    anna = person(form.tenant)
    write(anna, message(tick(client, form)))

    assert actions.remove(form=form, codes=["EINS", "ZWEI"], by=None) == 1
    assert vouchers.left(form, 10) == ["DREI", "VIER"]
    assert actions.remove(form=form, by=None) == 2

    assert vouchers.pool(form) == (0, 1, 0)
    assert "EINS" in own_page(client, anna)
    assert "5 € Gutschein" not in client.get(page(form)).content.decode()


def test_a_code_may_hold_blanks_and_has_at_most_forty_characters(form: SignupForm) -> None:
    assert fill(form, " SOMMER 2027 ", "") == 1
    assert vouchers.left(form, 10) == ["SOMMER 2027"]

    with pytest.raises(ValidationError) as refused:
        fill(form, "X" * 41)

    assert "codes" in refused.value.message_dict
    assert SignupCode.objects.count() == 1


def promise(shown: str) -> str:
    """What the page sends back of having held out the benefit."""
    [kept] = re.findall(r'name="promise"\s+value="([^"]+)"', shown)
    return str(kept)


def test_who_read_the_promise_is_owed_it_though_the_last_code_went_while_they_read(
    client: Client, form: SignupForm
) -> None:
    fill(form, "EINS")
    kept = promise(client.get(page(form)).content.decode())
    bert, anna = person(form.tenant), person(form.tenant)
    write(bert, message(tick(client, form)))

    # Whoever forgets the box reads the promise still.
    again = client.post(page(form), {"promise": kept})
    assert again.status_code == 422
    assert "5 € Gutschein" in again.content.decode()
    heard = write(anna, message(tick(client, form, promise=promise(again.content.decode()))))

    assert heard
    assert (heard.code, heard.is_owed) == ("", True)
    assert vouchers.pool(form) == (0, 1, 1)
    fill(form, "ZWEI")
    assert "ZWEI" in own_page(client, anna)


def test_a_promise_is_nobodys_who_made_it_up_read_it_elsewhere_or_days_ago(client: Client, form: SignupForm) -> None:
    other = open_form(form.tenant, form.wording.versions.get(), **BENEFIT, slug="andere", without_code=True)
    with time_machine.travel(timezone.now() - timedelta(days=1, minutes=1)):
        fill(form, "EINS")
        old = promise(client.get(page(form)).content.decode())
    actions.remove(form=form, by=None)
    elsewhere = promise(client.get(page(other)).content.decode())

    for kept in ("", "erfunden", elsewhere, old):
        heard = write(person(form.tenant), message(tick(client, form, promise=kept)))
        assert heard
        assert not heard.is_owed
    assert vouchers.pool(form) == (0, 0, 0)


def test_a_benefit_that_needs_no_code_any_more_is_owed_to_nobody_and_codes_given_stay(
    client: Client, form: SignupForm
) -> None:
    fill(form, "EINS")
    anna, bert, clara = (person(form.tenant) for _n in range(3))
    for who, token in zip((anna, bert), [tick(client, form) for _n in range(2)], strict=True):
        write(who, message(token))
    assert vouchers.pool(form) == (0, 1, 1)

    signup_forms.update(form=SignupForm.objects.get(), by=None, without_code=True)

    assert vouchers.pool(form) == (0, 1, 0)
    assert AuditEvent.objects.get(verb="signup_form.changed").changes == {"count": 1}
    assert "EINS" in own_page(client, anna)
    assert "kommt noch" not in own_page(client, bert)
    # Nor to whoever confirms meanwhile, with the form as it was read before.
    assert actions.issue(form=form, contact=clara, is_promised=True) == ("", False)
