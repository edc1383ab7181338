"""What a page is put together from: icons, links inside the tenant, form widgets, vendored files."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.forms import BoundField, CheckboxInput, FileInput, RadioSelect, Select
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tenants import queries
from tenants.models import Membership, User

register = template.Library()
PATH = re.compile(r'<path[^>]*? d="([^"]+)"')
# Every Tabler icon starts with an invisible square that only carries its size.
SIZE_ONLY = "M0 0h24v24H0z"


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A Tabler outline icon, decorative; empty where the vendored files are missing."""
    return format_html(
        '<svg class="icon {}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{}</svg>',
        css,
        # Only the shapes are taken from the file and written as attributes, so nothing in it has to be trusted.
        format_html_join("", '<path d="{}"></path>', ((shape,) for shape in _shapes(name))),
    )


@cache
def _shapes(name: str) -> list[str]:
    path = Path(settings.BASE_DIR) / "static" / "vendor" / "icons" / f"{name}.svg"
    if not path.exists():
        return []
    return [shape for shape in PATH.findall(path.read_text()) if shape != SIZE_ONLY]


@register.simple_tag(takes_context=True)
def tenant_url(context: Context, name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a dashboard page of the tenant at hand."""
    kwargs["tenant_slug"] = context["request"].tenant.slug
    return reverse(name, args=args or None, kwargs=kwargs)


@register.simple_tag
def vendored(name: str) -> str:
    """The address of a vendored file; empty where `manage.py assets` could not fetch it, and the page does without."""
    return _vendored(f"vendor/{name}")


@cache
def _vendored(path: str) -> str:
    try:
        # With hashed names the manifest knows, without them the finders do.
        return static(path) if finders.find(path) else ""
    except ValueError:
        return ""


@register.filter
def widget(field: BoundField, css: str = "") -> SafeString:
    """The field's input with the classes of the design; `css` adds more."""
    kind = field.field.widget
    base = "form-control"
    if isinstance(kind, CheckboxInput | RadioSelect):
        base = "form-check-input"
    elif isinstance(kind, Select):
        base = "form-select"
    elif isinstance(kind, FileInput):
        base = "form-control"
    classes = " ".join(filter(None, [base, kind.attrs.get("class"), css, "is-invalid" if field.errors else ""]))
    return field.as_widget(attrs={"class": classes})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether the label belongs behind the input."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def may(membership: Membership, permission: str) -> bool:
    """Whether this member's role allows it, for hiding what would answer 403."""
    return membership.may(permission)


@register.simple_tag(takes_context=True)
def my_tenants(context: Context) -> list[Membership]:
    """The workspaces of the person who is logged in, by name."""
    return queries.memberships_of(context["request"].user)


@register.simple_tag(takes_context=True)
def nav_link(context: Context, name: str, icon_name: str, label: str, *also: str) -> SafeString:
    """One entry of the main navigation, marked when the page lies below it, or below one of the pages `also` named."""
    request, address = context["request"], tenant_url(context, name)
    below = tuple(tenant_url(context, page) for page in (name, *also))
    # The overview is the root of all others, so it is only current on itself.
    is_current = request.path == address if name == "overview" else request.path.startswith(below)
    current = format_html(' aria-current="{}"', "page" if request.path == address else "true") if is_current else ""
    return format_html('<a href="{}"{}>{}<span>{}</span></a>', address, current, icon(icon_name), label)


@register.filter
def initials(user: User) -> str:
    """At most two letters for the round mark in the user menu."""
    words = (user.name or user.email).replace("@", " ").replace(".", " ").split()
    return "".join(word[0] for word in words[:2]).upper()
