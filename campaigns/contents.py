"""Compares what a variant says with what its template has, part by part, so that Meta has nothing to refuse."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Variant
from consent import keywords
from consent.actions import preferences
from consent.linting import words
from messaging import actions as outbox
from messaging import links, rendering
from messaging.rendering import TemplateText, Variables
from whatsapp.models import Media, Template
from whatsapp.payloads import InvalidPayload, parts, promotion

# What messaging.rendering fills, and what needs no value. Anything else would go out incomplete, and Meta's refusal
# would pause a campaign whose audience is frozen already.
COMPONENTS = ("HEADER", "BODY", "FOOTER", "BUTTONS")
HEADERS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT")
FILLED_BUTTONS = ("URL", "QUICK_REPLY", "COPY_CODE")
PLAIN_BUTTONS = ("PHONE_NUMBER", "SPM", "REQUEST_CONTACT_INFO", "VOICE_CALL")
PARTS = {
    "CAROUSEL": gettext_lazy("a carousel"),
    "LIMITED_TIME_OFFER": gettext_lazy("a limited-time offer"),
    "LOCATION": gettext_lazy("a location in its header"),
    "PRODUCT": gettext_lazy("a product in its header"),
    "GIF": gettext_lazy("a GIF in its header"),
    "FLOW": gettext_lazy("a button that opens a Flow"),
    "CATALOG": gettext_lazy("a button that opens the catalogue"),
    "MPM": gettext_lazy("a button that shows several products"),
    "OTP": gettext_lazy("a button for a one-time code"),
}
HEADER_NEEDS = {
    "text": gettext_lazy("The header needs a text."),
    "image": gettext_lazy("The header needs an image."),
    "video": gettext_lazy("The header needs a video."),
    "document": gettext_lazy("The header needs a document."),
}
# Meta's limit for the value of a text header.
HEADER_LIMIT = 60


def text_of(template: Template) -> TemplateText:
    """What rendering needs to know of a template."""
    return TemplateText(
        template.name, template.language, template.components, template.parameter_format.upper() == "NAMED"
    )


def says_how_to_opt_out(template: Template) -> bool:
    """Whether body, footer or a button names a word that opts out when somebody sends it (CG-23)."""
    text = text_of(template)
    shown = [text.body, _part_text(text, "FOOTER"), *(str(button.get("text", "")) for button in text.buttons)]
    return any(keywords.names_way_out(one) for one in shown)


def names_sender(template: Template, variables: Variables, names: Iterable[str]) -> bool:
    """Whether what everybody reads names the sender by one of these names (CG-23, § 6 DDG)."""
    text = text_of(template)
    shown = [_part_text(text, "HEADER"), text.body, _part_text(text, "FOOTER"), *_fixed_texts(variables)]
    return any(words.has_name(one, name) for one in shown for name in names if name.strip())


def advertising(template: Template, variables: Variables) -> list[str]:
    """By which parts and words a utility template advertises (CG-31); empty where it does not, or may."""
    if template.category != Template.Category.UTILITY:
        return []
    values = _values(variables)
    given = [str(value.get(key) or "") for value in values for key in ("name", "from", "text", "fallback")]
    return list(dict.fromkeys([*promotion.in_parts(template.components), *promotion.in_texts(given)]))


def attributes(variables: Variables) -> list[str]:
    """The contacts' attributes that fill variables."""
    sources = [str(value.get("from", "")) for value in _values(variables)]
    return [source.removeprefix("attribute:") for source in sources if source.startswith("attribute:")]


def _values(variables: Variables) -> list[Variables]:
    """Everything that fills a variable: of the body, of a text header, of a code."""
    single = [variables.get("header") or {}, *(variables.get("buttons") or [])]
    return [*(variables.get("body") or []), *(part["value"] for part in single if part.get("value"))]


def _fixed_texts(variables: Variables) -> list[str]:
    return [_fixed(value) for value in _values(variables) if _is_fixed(value)]


def _part_text(text: TemplateText, kind: str) -> str:
    return str((text.part(kind) or {}).get("text", ""))


def names_right_to_object(variant: Variant) -> bool:
    """Whether everybody reads in the message of a variant with a template that they may object (CG-24).

    An address names nothing, whatever words it is made of.
    """
    return any(words.names_objection(one) for one in _read_by_all(variant, "text"))


def tells_origin(variant: Variant, notice: str) -> bool:
    """Whether everybody reads there whence their data come, or where that stands (CG-61).

    It stands on the person's own page, and in the company's privacy `notice`.
    """
    address = notice.rstrip("/")
    return rendering.leads_to_own_page(variant.variables) or any(
        (address and address in one) or words.says_in_any(one, words.ORIGIN)
        for one in _read_by_all(variant, "text", "url")
    )


def _read_by_all(variant: Variant, *names: str) -> list[str]:
    """What the message says in these places, "text" or "url", that is the same for everybody."""
    assert variant.template
    text = text_of(variant.template)
    pieces = [*text.components, *text.buttons, *(variant.variables.get("buttons") or [])]
    said = [str(piece.get(name, "")) for piece in pieces for name in names]
    return [*said, *_fixed_texts(variant.variables)]


def free_variable(template: Template) -> str:
    """What one more variable of the body would be called."""
    text = text_of(template)
    return rendering.OWN_PAGE if text.is_named else str(len(rendering.variables_in(text.body)) + 1)


def obstacles(template: Template) -> list[str]:
    """Why no values make this template sendable from here: the parts that cannot be filled; the remedy is another."""
    text = text_of(template)
    kinds = [_kind(part) for part in template.components if _kind(part) not in COMPONENTS]
    if (header := text.part("HEADER")) and _format(header) not in HEADERS:
        kinds.append(_format(header))
    kinds += [_kind(button) for button in text.buttons if _kind(button) not in (*FILLED_BUTTONS, *PLAIN_BUTTONS)]
    sentence = _("The template has %(part)s, which cannot be filled here. Choose a template without it.")
    other = _("a part of the kind %(kind)s")
    return [sentence % {"part": PARTS.get(kind) or other % {"kind": kind}} for kind in dict.fromkeys(kinds)]


def problems(template: Template, variables: Variables) -> list[str]:
    """Everything that Meta would refuse in a template with these values, each with what mends it."""
    return obstacles(template) or [
        *_body_problems(template, variables.get("body") or []),
        *_header_problems(template, variables.get("header") or {}),
        *_button_problems(template, variables.get("buttons") or []),
    ]


def _body_problems(template: Template, values: list[Variables]) -> list[str]:
    text = text_of(template).body
    given = {str(value.get("name", n)): value for n, value in enumerate(values, start=1)}
    wanted = rendering.variables_in(text)
    empty = [name for name in wanted if name not in given or (_is_fixed(given[name]) and not _fixed(given[name]))]
    found = [_("The variable {{%(name)s}} has no value.") % {"name": name} for name in empty]
    found += [_("The template has no variable {{%(name)s}}.") % {"name": name} for name in given if name not in wanted]
    found += [
        _("The variable {{%(name)s}} needs a fallback for people without a value.") % {"name": name}
        for name in wanted
        if name not in empty and not _fixed(given[name])
    ]
    return found + _length_problems(text, given)


def _length_problems(text: str, given: Mapping[str, Variables]) -> list[str]:
    entered = {name: _fixed(value) for name, value in given.items()}
    sent = {name: links.as_sent(entered[name]) if _is_fixed(value) else entered[name] for name, value in given.items()}
    try:
        rendering.check_length(text, sent)
    except rendering.TooLong:
        told = _("The message is longer than %(limit)s characters. Shorten its texts and fallbacks.")
        if sent != entered:
            told += " " + _("Each address in its texts counts %(address)s, for it is sent as a tracked link.")
        return [told % {"limit": rendering.BODY_LIMIT, "address": len(links.as_sent("https://shop.example"))}]
    return []


def _header_problems(template: Template, chosen: Variables) -> list[str]:
    header = text_of(template).part("HEADER")
    if header is None:
        return [_("The template has no header. Remove what is given for it.")] if chosen else []
    kind = _format(header).lower()
    names = rendering.variables_in(str(header.get("text", ""))) if kind == "text" else []
    if kind == "text" and not names:
        return [_("The header is a fixed text. Remove what is given for it.")] if chosen else []
    if chosen and chosen.get("kind") != kind:
        return [str(HEADER_NEEDS[kind])]
    found = _header_text_problem(names, chosen) if names else _header_file_problem(template, kind, chosen)
    return [found] if found else []


def _header_text_problem(names: list[str], chosen: Variables) -> str:
    value = chosen.get("value")
    if not value or (_is_fixed(value) and not _fixed(value)):
        return _("The header's variable has no value.")
    if str(value.get("name", "1")) not in names:
        return _("The header's variable is called {{%(name)s}}.") % {"name": names[0]}
    if not _fixed(value):
        return _("The header's variable needs a fallback for people without a value.")
    if len(_fixed(value)) > HEADER_LIMIT:
        return _("The text for the header may have at most %(limit)s characters.") % {"limit": HEADER_LIMIT}
    return ""


def _header_file_problem(template: Template, kind: str, chosen: Variables) -> str:
    if not (chosen.get("link") or chosen.get("media")):
        return str(HEADER_NEEDS[kind])
    if not chosen.get("media"):
        return ""
    if chosen.get("link"):
        return _("The header takes an address or an uploaded file, not both.")
    return _upload_problem(template, kind, str(chosen["media"]))


def _upload_problem(template: Template, kind: str, uid: str) -> str:
    file = Media.objects.filter(tenant=template.tenant_id, uid=uid).select_related("number").first()
    if file is None or file.number.account_id != template.account_id:
        return _("The header's file is not uploaded for the template's WhatsApp account. Choose another one.")
    if file.kind != kind:
        return str(HEADER_NEEDS[kind])
    match file.state:
        case Media.State.UPLOADING:
            return _("The header's file is still on its way to Meta. Try again in a moment.")
        case Media.State.FAILED:
            return _("Meta refused the header's file: %(reason)s") % {"reason": file.error}
        case Media.State.EXPIRED:
            return _("Meta has forgotten the header's file after 30 days. Upload it again.")
    return ""


def _button_problems(template: Template, values: list[Variables]) -> list[str]:
    buttons = text_of(template).buttons
    given = {int(value["index"]): value for value in values}
    unknown = _("The template has no button with the index %(index)s. The first one has the index 0.")
    found = [unknown % {"index": index} for index in given if not 0 <= index < len(buttons)]
    if len(given) < len(values):
        found.append(_("Something is given twice for the same button. Remove one of them."))
    for index, button in enumerate(buttons):
        wanted = _value_kind(button)
        if problem := _button_problem(wanted, given.get(index), is_tracked=outbox.is_tracked_button(template, index)):
            found.append(problem % {"label": button.get("text") or wanted, "kind": wanted})
    return found


def _button_problem(wanted: str, given: Variables | None, *, is_tracked: bool) -> str:
    # A tap on a quick reply without a payload of ours answers with the button's own text.
    if given is None and wanted in ("", "quick_reply"):
        return ""
    if given is not None and not wanted:
        return _("The button “%(label)s” takes no value. Remove what is given for it.")
    if given is not None and given.get("kind") != wanted:
        return _("The button “%(label)s” takes a value of the kind “%(kind)s”.")
    if wanted == "url":
        return _address_problem(str((given or {}).get("url", "")), is_tracked=is_tracked)
    if wanted == "quick_reply":
        return _payload_problem(str((given or {}).get("payload", "")))
    return _code_problem((given or {}).get("value") or {})


def _address_problem(address: str, *, is_tracked: bool) -> str:
    if not address.strip():
        return _("The button “%(label)s” needs a destination.")
    # Behind our own link any address may stand, so it must be a complete one; else Meta completes it.
    if is_tracked and not address.startswith(("https://", "http://")):
        return _("The destination of the button “%(label)s” must begin with https://.")
    return ""


def _payload_problem(payload: str) -> str:
    if not payload.strip():
        return _("The button “%(label)s” needs a payload.")
    if len(payload) > parts.QUICK_REPLY_LIMIT:
        return _("The payload of the button “%(label)s” may have at most 128 characters.")
    return ""


def _code_problem(value: Variables) -> str:
    code = _fixed(value)
    if not code and _is_fixed(value):
        return _("The button “%(label)s” needs a code.")
    if not code:
        return _("The code of the button “%(label)s” needs a fallback for people without a value.")
    try:
        parts.copy_code_button(0, code)
    except InvalidPayload:
        return _("The code of the button “%(label)s” must consist of at most 15 letters and digits.")
    return ""


def _value_kind(button: Mapping[str, Any]) -> str:
    """The kind of value that this button takes; "" if it always does the same."""
    if _kind(button) == "URL" and "{{" not in str(button.get("url", "")):
        return ""
    return _kind(button).lower() if _kind(button) in FILLED_BUTTONS else ""


def _is_fixed(value: Variables) -> bool:
    return str(value.get("from", "text")) == "text"


def _fixed(value: Variables) -> str:
    """What everybody reads, or who has no value of their own: the fixed text or the fallback, as Meta gets it.

    Nobody lacks a page of their own; all of their addresses are of the same length.
    """
    if value.get("from") == rendering.OWN_PAGE:
        return preferences.example()
    return parts.clean(str(value.get("text" if _is_fixed(value) else "fallback") or ""))


def _kind(part: Mapping[str, Any]) -> str:
    return str(part.get("type", "")).upper()


def _format(header: Mapping[str, Any]) -> str:
    return str(header.get("format") or "TEXT").upper()
