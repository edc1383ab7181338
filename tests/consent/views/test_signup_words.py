"""What the editor of a sign-up form changes, and who answers for words above its text (CG-05, M-52)."""

import re
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client

from consent.models import SignupForm, WordingVersion
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import PERMISSIONS, Role
from tenants.scope import tenant_scope
from tests.consent.factories import published
from tests.consent.views.pages import as_role
from tests.consent.views.test_signups import URL, made, shown, values, wording

__all__ = ["wording"]


def seen(alice: Client, page: str) -> dict[str, str]:
    """What an editor that was opened now sends, unless somebody changes it."""
    editor = alice.get(f"{page}edit/").content.decode()
    hidden = re.findall(r'name="initial-(\w+)"\s+value="([^"]*)"', editor)
    shown = {name: value for name, value in hidden if value != "False"}
    return shown | {f"initial-{name}": value for name, value in hidden}


def words(answer: HttpResponse) -> list[str]:
    """What stands beside the tick that nobody gets it for signing up, and comes with it."""
    return [unescape(found) for found in re.findall(r'name="words"\s+value="([^"]*)"', answer.content.decode())]


def test_two_people_in_the_editor_overwrite_nothing_of_each_other(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, en_headline="Fresh news", benefit="5 € voucher", benefit_terms="From 20 € on.")
    one, other = seen(alice, page), seen(alice, page)

    assert alice.post(f"{page}edit/", one | {"headline": "Frischer", "benefit": ""}).status_code == 302
    assert alice.post(f"{page}edit/", other | {"en_headline": "Fresher", "offers_topics": "on"}).status_code == 302

    with tenant_scope(bakery):
        form = SignupForm.objects.get()
    assert (form.headline, form.benefit, form.benefit_terms) == ("Frischer", "", "From 20 € on.")
    assert (form.translations, form.offers_topics) == ({"en": {"headline": "Fresher"}}, True)


def test_two_people_in_the_editor_keep_each_others_translations(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, en_headline="Fresh news", en_benefit="A bun")
    one, other = seen(alice, page), seen(alice, page)

    assert alice.post(f"{page}edit/", one | {"en_headline": "Fresher", "en_benefit": ""}).status_code == 302
    assert alice.post(f"{page}edit/", other | {"en_intro": "Each morning."}).status_code == 302

    with tenant_scope(bakery):
        assert SignupForm.objects.get().translations == {"en": {"headline": "Fresher", "intro": "Each morning."}}


def test_who_changes_the_language_keeps_what_others_translated_from_it_meanwhile(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, headline="Fresh news", en_headline="Fresh news")
    one, other = seen(alice, page), seen(alice, page)
    assert alice.post(f"{page}edit/", one | {"language": "en"}).status_code == 302
    assert alice.post(f"{page}edit/", seen(alice, page) | {"de_headline": "Frisch"}).status_code == 302

    assert alice.post(f"{page}edit/", other | {"language": "en", "name": "Messe"}).status_code == 302

    with tenant_scope(bakery):
        form = SignupForm.objects.get()
    assert (form.name, form.language, form.headline) == ("Messe", "en", "Fresh news")
    assert form.translations == {"de": {"headline": "Frisch"}}


def test_what_was_refused_or_got_a_question_still_knows_what_was_changed(
    alice: Client, wording: WordingVersion
) -> None:
    page = made(alice, wording)
    sent = seen(alice, page) | {"headline": "Frischer"}

    refused = alice.post(f"{page}edit/", sent | {"keyword": "stopp"})
    taken = alice.post(f"{page}edit/", sent | {"take": "hair_type"})

    assert refused.status_code == 422
    for answer in (refused, taken):
        told = " ".join(answer.content.decode().split())
        assert 'name="initial-headline" value="Immer frisch informiert"' in told


def test_m_52_who_opens_a_form_is_asked_to_answer_for_its_words_when_nothing_else_is_missing(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, headline="Jeden Freitag 20 % Rabatt", benefit="5 € voucher")
    assert "promises_nothing" not in shown(alice.get(page))
    alice.post(f"{page}edit/", values(wording, headline="Jeden Freitag 20 % Rabatt"))
    assert 'name="promises_nothing"' in shown(alice.get(page))
    assert "cannot be opened yet" in shown(alice.post(f"{page}open/", follow=True))

    sent = {"promises_nothing": "on", "words": words(alice.get(page))}
    assert "cannot be opened yet" in shown(alice.post(f"{page}open/", {"words": sent["words"]}, follow=True))

    opened = shown(alice.post(f"{page}open/", sent, follow=True))

    assert "The form is open." in opened
    assert "promises a benefit" not in opened
    assert "Promises a benefit" not in shown(alice.get(URL))


def test_m_52_a_poster_that_promises_a_benefit_is_printed_only_once_somebody_has_answered_for_it(
    alice: Client, wording: WordingVersion
) -> None:
    page = made(alice, wording, keyword="Brot", headline="Jeden Freitag 20 % Rabatt")
    alice.post(f"{page}places/", {"name": "Kasse"})
    posters = re.findall(r'href="([^"]*poster\.pdf)"', alice.get(page).content.decode())
    assert len(posters) == 2

    for poster in posters:
        assert "The poster would promise a benefit" in shown(alice.get(poster, follow=True))
    alice.post(f"{page}open/", {"promises_nothing": "on", "words": words(alice.get(page))})

    for poster in posters:
        assert alice.get(poster).content.startswith(b"%PDF")


def test_m_52_an_open_form_with_a_benefit_above_its_text_is_marked_and_somebody_may_answer_for_it(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording)
    alice.post(f"{page}open/")
    assert "promises_nothing" not in shown(alice.get(f"{page}edit/"))
    refused = alice.post(f"{page}edit/", values(wording, headline="Jeden Freitag 20 % Rabatt"))
    assert refused.status_code == 422
    assert 'name="promises_nothing"' in refused.content.decode()
    with tenant_scope(bakery):
        SignupForm.objects.update(headline="Jeden Freitag 20 % Rabatt")
    assert "Promises a benefit above what people agree to" in shown(alice.get(URL))

    sent = seen(alice, page) | {"words": words(alice.get(f"{page}edit/"))}
    alice.post(f"{page}edit/", sent)
    assert "Promises a benefit above what people agree to" in shown(alice.get(URL))
    alice.post(f"{page}edit/", sent | {"promises_nothing": "on"})

    assert "Promises a benefit" not in shown(alice.get(URL))
    assert "promises_nothing" not in shown(alice.get(f"{page}edit/"))


def test_m_52_nobody_answers_for_words_that_a_colleague_wrote_after_the_page_was_opened(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording, headline="Jeden Freitag 20 % Rabatt")
    sent = {"promises_nothing": "on", "words": words(alice.get(page))}
    alice.post(f"{page}edit/", seen(alice, page) | {"intro": "5 € Gutschein sichern"})

    refused = shown(alice.post(f"{page}open/", sent, follow=True))

    assert "cannot be opened yet" in refused
    assert "“5 € Gutschein” in “Introduction”" in refused
    sent["words"] = words(alice.get(page))
    assert sent["words"] == ["20 % Rabatt", "5 € Gutschein"]
    assert "<strong>20 % Rabatt · 5 € Gutschein</strong>" in refused
    assert "The form is open." in shown(alice.post(f"{page}open/", sent, follow=True))
    with tenant_scope(bakery):
        assert AuditEvent.objects.get(verb="signup_form.opened").changes == {"promises_nothing": sent["words"]}


def test_m_52_nobody_answers_for_words_that_they_write_themselves_beside_the_tick(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    page = made(alice, wording)
    alice.post(f"{page}open/")
    with tenant_scope(bakery):
        SignupForm.objects.update(headline="Jeden Freitag 20 % Rabatt")
    sent = seen(alice, page) | {"words": words(alice.get(f"{page}edit/")), "promises_nothing": "on"}

    refused = alice.post(f"{page}edit/", sent | {"en_intro": "Get a voucher"})

    assert refused.status_code == 422
    assert "“a voucher” in “Introduction (English)”" in refused.content.decode()
    assert words(refused) == ["20 % Rabatt", "a voucher"]
    with tenant_scope(bakery):
        assert SignupForm.objects.get().translations == {}
    again = sent | {"en_intro": "Get a voucher", "words": words(refused)}
    assert alice.post(f"{page}edit/", again).status_code == 302
    with tenant_scope(bakery):
        assert AuditEvent.objects.get(verb="signup_form.changed").changes == {"promises_nothing": words(refused)}


def test_the_way_to_mend_it_is_shown_only_to_who_may_mend_it(
    alice: Client, bakery_made: NewTenant, bakery: Tenant, wording: WordingVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(bakery):
        careless = published(bakery, name="Kurz", covers=[["whatsapp", "marketing"]], texts={"de": "Ja, per WhatsApp."})
    page = made(alice, careless, benefit="5 € voucher")
    text, form = f'href="/bakery/wordings/{careless.wording.uid}/">Fix<', f'href="{page}edit/">Fix<'

    def offered() -> tuple[bool, bool]:
        told = shown(alice.get(page))
        assert "leaves duties open" in told
        return text in told, form in told

    assert offered() == (True, True)
    as_role(bakery_made, Role.AGENT)
    assert offered() == (False, True)
    monkeypatch.setitem(PERMISSIONS, Role.AGENT, {"consent:read"})
    assert offered() == (False, False)
