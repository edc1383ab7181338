"""What people see who sign up by a form, step by step, for the company's own staff: nothing is sent from here."""

import uuid
from typing import NamedTuple

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET

from consent import signups, speaking, vouchers
from consent.forms.public import SignupPageForm
from consent.models import SignupForm, WordingVersion
from consent.queries import published
from consent.views import public
from tenants.pages import TenantRequest, requires

# Looks like a token and is nobody's, and like a voucher.
TOKEN, CODE = "BEISPIEL" * 3 + "BE", "BEISPIEL"
STEPS = ("page", "confirm", "chat")


class Line(NamedTuple):
    """What is written in WhatsApp, by the person or by the company, with its button."""

    is_persons: bool
    words: str
    button: str = ""


@require_GET
@requires("consent:read")
def preview(request: TenantRequest, uid: uuid.UUID, step: str) -> HttpResponse:
    """One step of the way, open or not: the page, the way into WhatsApp, or what is written there."""
    forms = request.tenant.signup_forms.select_related("tenant", "wording", "extra_wording")
    form = get_object_or_404(forms, uid=uid)
    version = published(form.wording) or form.wording.versions.order_by("-number")[0]
    language = public.language_of(request, version)
    said = speaking.texts(form.tenant, language)
    steps = [(said[f"step_{name}"], _address(request, form, name), name == step) for name in STEPS]
    if step == "page":
        return public.form_page(request, form, version, language, SignupPageForm(form, language), steps=steps)
    if step == "confirm":
        return public.confirm_page(request, form, language, TOKEN, steps=steps)
    context = {"steps": steps, "chats": _chats(form, version, language)}
    return public.page(request, form.tenant, language, "public/chat.html", context)


def _chats(form: SignupForm, version: WordingVersion, language: str) -> list[tuple[str, list[Line]]]:
    """Both ways in WhatsApp, each with a title; by keyword only a text that fits there."""
    said, question = speaking.texts(form.tenant, language), speaking.question(form.tenant, language, version)
    has_codes = bool(form.benefit) and not form.without_code
    code = CODE if has_codes and vouchers.is_promised(form) else ""
    by_page = [Line(True, signups.message(TOKEN)), Line(False, _confirmed(form, language, code))]
    by_keyword = [
        Line(True, signups.keyword_message(form)),
        Line(False, question, said["button"]),
        Line(True, said["button"]),
        Line(False, _confirmed(form, language, code, is_owed=has_codes and not code)),
    ]
    chats = [(said["step_after_page"], by_page), (said["step_by_keyword"], by_keyword)]
    return chats if len(question) <= speaking.QUESTION_LIMIT else chats[:1]


def _confirmed(form: SignupForm, language: str, code: str, *, is_owed: bool = False) -> str:
    said, own_page = speaking.texts(form.tenant, language), f"{settings.PUBLIC_URL}/p/…/"
    page = signups.page_url(form)
    return speaking.answer(said, "confirmed", page=page, code=code, is_owed=is_owed, own_page=own_page)


def _address(request: TenantRequest, form: SignupForm, step: str) -> str:
    name = "signup_preview" if step == "page" else f"signup_preview_{step}"
    return reverse(name, kwargs={"tenant_slug": request.tenant.slug, "uid": form.uid})
