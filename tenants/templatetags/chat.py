"""Shows message texts as WhatsApp would: *bold*, _italic_, ~struck~ and ```code```."""

import re
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
# A mark opens after a non-word character and closes before one, with no blank inside its ends, as in WhatsApp.
MARKED = re.compile(
    r"(?<![\w*_~])(?:```(?P<code>.+?)```|(?P<mark>[*_~])(?P<text>\S(?:[^\n]*?\S)?)(?P=mark))(?!\w)", re.S
)
TAGS = {"*": "strong", "_": "em", "~": "s"}


@register.filter
def chat(text: str) -> SafeString:
    """A message text as safe HTML: everything is escaped, then marks become tags and line ends become breaks."""
    return format_html_join("", "{}", ((part,) for part in _parts(str(text or ""))))


@register.filter
def body_text(template: Any) -> str:
    """The body of a message template as Meta stores it, variables and marks included."""
    return next((str(c.get("text", "")) for c in template.components if c.get("type") == "BODY"), "")


@register.filter
def in_braces(name: str) -> str:
    """A variable as templates write it: 1 → {{1}}."""
    return "{{" + name + "}}"


def _parts(text: str) -> list[SafeString]:
    parts, end = [], 0
    for found in MARKED.finditer(text):
        parts += [_plain(text[end : found.start()]), _tagged(found)]
        end = found.end()
    return [*parts, _plain(text[end:])]


def _tagged(found: re.Match[str]) -> SafeString:
    if code := found["code"]:
        return format_html("<code>{}</code>", _plain(code))
    tag = TAGS[found["mark"]]
    return format_html(f"<{tag}>{{}}</{tag}>", chat(found["text"]))


def _plain(text: str) -> SafeString:
    return format_html_join(SafeString("<br>"), "{}", ((conditional_escape(line),) for line in text.split("\n")))
