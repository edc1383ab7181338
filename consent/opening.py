"""What keeps a sign-up form from the public: texts that prove nothing, and a company that people cannot make out.

Asked when somebody opens a form and each time its page is served, because a company may lose its imprint, or change its
name, while posters with the page's address hang in its shop.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Literal, NamedTuple

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from consent import linting, showing, speaking
from consent.ledger.wordings import is_imported
from consent.linting.benefits import promises
from consent.models import Channel, Controller, SignupForm, Wording, WordingVersion
from consent.queries import all_published, controller_of, draft_of, published
from tenants.models import AuditEvent, Tenant

# What stands above the declaration, on the page as on posters.
ABOVE = ("headline", "intro")
# Under this the audit trail keeps the words of which somebody said that nobody gets it for signing up.
PROMISES_NOTHING = "promises_nothing"


class Hindrance(NamedTuple):
    """Something that is missing, in plain words; `where` says what mends it: form, text or company.

    `words` are those of the form that somebody may answer for instead.
    """

    told: str
    where: Literal["form", "wording", "extra_wording", "company"]
    words: str = ""


def hindrances(form: SignupForm) -> list[Hindrance]:
    """Everything that must be mended before the form can be opened."""
    return [*unlawful(form), *unspoken(form), *overshadowing(form)]


def unlawful(form: SignupForm) -> list[Hindrance]:
    """Why nobody may be shown the form's page: no proof, no notice, no imprint (CG-03, CG-05, CG-61)."""
    return _unlawful(form, controller_of(form.tenant), published)


def overshadowing(form: SignupForm, answered: Collection[str] = ()) -> list[Hindrance]:
    """Where a benefit is held out above the declaration: without conditions, and when no code is left, too (CG-05).

    Closes no page that is open, because it may be printed; the words are named, so that other ones are another case.
    What an open form holds out with somebody's word that nobody gets it for signing up is none, nor are words that
    somebody has `answered` for just now.
    """
    found = [(field, words) for field, words in held_out(form) if words not in answered]
    confirmed = _confirmed([form]) if found and form.state == SignupForm.State.LIVE else set()
    return _overshadowing(form, found, confirmed)


def held_out(form: SignupForm) -> list[tuple[str, str]]:
    """The words above the declaration that promise a benefit, each with the name of its field."""
    return [(field, words) for field, text in _above(form) for words in promises(text)]


def overshadowed(forms: list[SignupForm]) -> list[tuple[SignupForm, list[Hindrance]]]:
    """Which of a company's `live` forms hold out a benefit above the declaration, and where; one query at most."""
    held = [(form, found) for form in forms if (found := held_out(form))]
    confirmed = _confirmed([form for form, _found in held]) if held else set()
    shown = [(form, _overshadowing(form, found, confirmed)) for form, found in held]
    return [(form, where) for form, where in shown if where]


def _overshadowing(form: SignupForm, found: list[tuple[str, str]], confirmed: set[tuple[str, str]]) -> list[Hindrance]:
    told = _(
        "“%(words)s” in “%(field)s” promises a benefit above what people agree to, and without conditions. Take it out"
        " there and enter the benefit in its own field: it is shown below the consent, with its conditions, and only"
        " while it can be given. Or confirm that your messages are about it and nobody gets it for signing up."
    )
    return [
        Hindrance(told % {"words": words, "field": field}, "form", words)
        for field, words in found
        if (str(form.uid), words) not in confirmed
    ]


def _confirmed(forms: list[SignupForm]) -> set[tuple[str, str]]:
    """Of which words somebody has said, since these forms were last closed, that nobody gets it for signing up."""
    said = Q(verb__in=("signup_form.opened", "signup_form.changed"), changes__has_key=PROMISES_NOTHING)
    events = AuditEvent.objects.filter(
        said | Q(verb="signup_form.closed"),
        tenant=forms[0].tenant_id,
        # Its index knows times only.
        at__gte=min(form.created_at for form in forms),
        object_uid__in=[str(form.uid) for form in forms],
    )
    known: dict[str, set[str]] = {}
    for uid, verb, words in events.order_by("pk").values_list("object_uid", "verb", f"changes__{PROMISES_NOTHING}"):
        if verb == "signup_form.closed":
            known.pop(uid, None)
        else:
            known.setdefault(uid, set()).update(words)
    return {(uid, words) for uid, found in known.items() for words in found}


def _above(form: SignupForm) -> Iterator[tuple[str, str]]:
    """What stands above the declaration, in each language that it is written in, by the name of its field."""
    named = dict(settings.LANGUAGES)
    for name in ABOVE:
        yield showing.label(name), getattr(form, name)
        for language, translated in form.translations.items():
            yield f"{showing.label(name)} ({named[language]})", translated.get(name, "")


def unspoken(form: SignupForm) -> list[Hindrance]:
    """Why nobody can be shown the wording in WhatsApp: there it is asked whole or not at all, longer on the page."""
    version = published(form.wording)
    if version is None:
        return []
    lengths = [len(speaking.question(form.tenant, language, version)) for language in version.texts]
    if (longest := max(lengths, default=0) - speaking.QUESTION_LIMIT) <= 0:
        return []
    told = _("Shorten the wording by %(count)s characters: who writes the keyword is shown all of it in WhatsApp.")
    return [Hindrance(told % {"count": longest}, "wording")]


def live(tenant: Tenant) -> list[SignupForm]:
    """A company's open forms."""
    forms = SignupForm.objects.filter(tenant=tenant, state=SignupForm.State.LIVE).order_by("name", "pk")
    return list(forms.select_related("wording", "extra_wording"))


def closed(tenant: Tenant, forms: list[SignupForm]) -> list[tuple[SignupForm, list[Hindrance]]]:
    """Which of a company's `live` forms have a page that nobody is shown now, each with why; two queries."""
    if not forms:
        return []
    wordings = [key for form in forms for key in (form.wording_id, form.extra_wording_id) if key]
    versions = all_published(tenant.pk, wordings)
    company = controller_of(tenant)
    found = [(form, _unlawful(form, company, lambda wording: versions.get(wording.pk))) for form in forms]
    return [(form, why) for form, why in found if why]


def _unlawful(
    form: SignupForm, company: Controller, published: Callable[[Wording], WordingVersion | None]
) -> list[Hindrance]:
    texts = [*_of_wording(published(form.wording), company)]
    if form.extra_wording:
        texts += _of_extra_wording(published(form.extra_wording), company)
    return [*texts, *_of_company(company), *_of_benefit(form)]


def _of_wording(version: WordingVersion | None, company: Controller) -> Iterator[Hindrance]:
    if version is None:
        told = _("Publish the wording first: without it nothing proves what people agreed to.")
        yield Hindrance(told, "wording")
    elif not any(channel == Channel.WHATSAPP for channel, _purpose in version.covers):
        told = _("This wording covers nothing on WhatsApp, and only that is confirmed there.")
        yield Hindrance(told, "wording")
    else:
        yield from (Hindrance(told, "wording") for told in _open_duties(version, company))


def _of_extra_wording(version: WordingVersion | None, company: Controller) -> Iterator[Hindrance]:
    if version is None:
        yield Hindrance(_("Publish the second wording first, or leave it out."), "extra_wording")
    else:
        yield from (Hindrance(told, "extra_wording") for told in _open_duties(version, company))


def _open_duties(version: WordingVersion, company: Controller) -> Iterator[str]:
    """What an import brought proves an old yes and was never checked; other texts may fall behind the company."""
    if is_imported(version):
        told = _(
            "“%(name)s” came with an import: it proves what those people agreed to, and nobody has checked it. Choose a"
            " text that you have published here."
        )
        yield told % {"name": version.wording.name}
    elif found := linting.findings(draft_of(version, company)):
        problems = " ".join(dict.fromkeys(str(finding.problem) for finding in found))
        told = _("The text “%(name)s” leaves duties open. Publish a new version of it. %(problems)s")
        yield told % {"name": version.wording.name, "problems": problems}


def _of_company(company: Controller) -> Iterator[Hindrance]:
    if missing := company.missing:
        told = _("Enter what the law wants known to everybody who signs up: %(names)s.")
        yield Hindrance(told % {"names": ", ".join(missing)}, "company")


def _of_benefit(form: SignupForm) -> Iterator[Hindrance]:
    if form.benefit and not form.benefit_terms:
        told = _("Write the conditions of the benefit: they must be visible beside it (§ 6 DDG).")
        yield Hindrance(told, "form")
