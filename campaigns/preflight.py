"""What must be right before a campaign is launched: the contract, the audience, the number, the message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.timezone import now
from django.utils.translation import gettext as _

from campaigns import audience, contents, queries
from campaigns.models import Audience, Campaign, Variant
from consent import agreements, speaking
from consent.models import Purpose
from consent.queries import (
    attribute_name,
    contract_names,
    controller_of,
    serves,
    special_names,
    without_legal_form,
)
from segments import compiling
from segments import queries as segments
from segments.rules import InvalidRule, parse
from whatsapp import profiles
from whatsapp.models import Number, Template
from whatsapp.pausing import DAILY_LIMIT_PAUSE


@dataclass(frozen=True)
class Check:
    """One thing that must be right before launch; `field` names the form section that mends it."""

    code: str
    text: str
    ok: bool
    field: str


def checks(campaign: Campaign, known: queries.Estimate | None = None) -> list[Check]:
    """Everything that must be right before launch, the right things too, in the order of the assistant.

    With a `known` estimate it says how many people can be reached; without, it counts only if it must.
    """
    variants = _variants(campaign)
    reached = _audience_check(campaign, known)
    found = [*_agreement_checks(campaign), reached, *_special_checks(campaign), *_audience_limits(campaign)]
    found += _order_checks(campaign)
    found += [*_number_checks(campaign), *_profile_checks(campaign), *_limit_checks(campaign, known)]
    # Only where people look: nothing depends on it at the launch.
    found += _first_message_checks(campaign, variants, known.audience) if known and reached.ok else []
    for variant in variants:
        found.extend(_template_checks(campaign, variant))
    return found


def foreseen(campaign: Campaign) -> list[Check]:
    """The checks that a scheduled campaign would fail at its time, as things stand and whoever is in its audience."""
    # A pause of the number may be over by then.
    found = [*_agreement_checks(campaign), *_choice_checks(campaign), *_audience_limits(campaign)]
    found += _number_checks(campaign, campaign.due_at)
    for variant in _variants(campaign):
        found.extend(_template_checks(campaign, variant))
    return [check for check in found if not check.ok]


def unreached(campaign: Campaign) -> list[Check]:
    """The check that says so if nobody can be reached; counts only if it must, which may take long."""
    found = [] if _choice_checks(campaign) else [_reach_check(campaign, None)]
    return [check for check in found if not check.ok]


def warnings(campaign: Campaign) -> list[Check]:
    """What `checks` warns of as far as nobody has to be counted, for who launches without having seen an estimate."""
    return [*standing(campaign), *first_messages(campaign)]


def standing(campaign: Campaign) -> list[Check]:
    """The warnings that hold whoever is in the audience."""
    found = [*_special_checks(campaign), *_order_checks(campaign), *_profile_checks(campaign)]
    for variant in _variants(campaign):
        found.extend(_template_checks(campaign, variant))
    return [check for check in found if check.code.startswith("warning.")]


def first_messages(campaign: Campaign) -> list[Check]:
    """The warnings about people who get their first message; looks at those who came last, which may take long."""
    # One that runs already may have lost what it chose by.
    rows = campaign.audiences.select_related("segment").order_by("id")
    return [] if _broken_segment(campaign, rows) else _first_message_checks(campaign, _variants(campaign))


def _variants(campaign: Campaign) -> list[Variant]:
    return list(campaign.variants.select_related("template").order_by("number"))


def test_problems(campaign: Campaign, variant: Variant | None) -> list[Check]:
    """What keeps a variant from being sent to one contact as a test; a missing opt-out hint does not."""
    if variant is None:
        return [Check("variant", _("There is no such variant."), False, "variant")]
    found = [*_agreement_checks(campaign), *_number_checks(campaign), *_template_checks(campaign, variant)]
    return [check for check in found if not check.ok and check.code not in ("opt_out", "category")]


def _agreement_checks(campaign: Campaign) -> list[Check]:
    """Nothing is sent before the company has concluded the contract of Art. 28 GDPR (CG-50)."""
    if agreements.accepted(campaign.tenant):
        return []
    text = _("Conclude the data processing agreement first; it takes two minutes.")
    return [Check("agreement", text, False, "agreement")]


def _audience_check(campaign: Campaign, known: queries.Estimate | None) -> Check:
    unusable = _choice_checks(campaign)
    return unusable[0] if unusable else _reach_check(campaign, known)


def _choice_checks(campaign: Campaign) -> list[Check]:
    """What is wrong with the choice itself, if anything: then nobody can be counted."""
    rows = list(campaign.audiences.select_related("segment").order_by("id"))
    if all(row.is_excluded for row in rows):
        return [Check("audience", _("Choose at least one list or segment."), False, "audience")]
    broken = _broken_segment(campaign, rows)
    return [Check("segment", broken, False, "audience")] if broken else []


def _reach_check(campaign: Campaign, known: queries.Estimate | None) -> Check:
    if known is None and audience.reaches_some(campaign):
        return Check("audience", _("The audience can be reached."), True, "audience")
    counted = known or queries.estimate(campaign)
    if counted.reachable:
        text = _("%(count)s people can be reached.") % {"count": number_format(counted.reachable)}
        return Check("audience", text, True, "audience")
    why = ", ".join(f"{label}: {people}" for _code, label, people in counted.reasons) or _("the audience is empty")
    return Check("nobody_reachable", _("Nobody can be reached (%(why)s).") % {"why": why}, False, "audience")


def _broken_segment(campaign: Campaign, rows: Iterable[Audience]) -> str:
    """What is wrong with a chosen segment, e.g. a tag in its rule that was deleted; "" if nothing is."""
    for segment in filter(None, (row.segment for row in rows)):
        try:
            segments.check(campaign.tenant, segment.rule)
        except InvalidRule:
            text = _("The segment “%(name)s” names something that is gone. Correct its rule by API, or choose another.")
            return text % {"name": segment.name}
    return ""


def _special_checks(campaign: Campaign) -> list[Check]:
    """A warning for each list and segment that stands for fewer or more people than it says (segments.compiling)."""
    fewer = _("“%(name)s” tells of special categories of data (Art. 9 GDPR): only people who agreed to that count.")
    more = _(
        "The excluded “%(name)s” tells of special categories of data (Art. 9 GDPR): whoever has not agreed to that is"
        " excluded, too, because nobody may look at their data."
    )
    special = special_names(campaign.tenant_id)
    told = [
        (more if row.is_excluded else fewer) % {"name": row.list or row.segment} for row in _rows(campaign, special)
    ]
    return [Check("warning.special", text, True, "audience") for text in told]


def _audience_limits(campaign: Campaign) -> list[Check]:
    """CG-55: what was gathered for contracts chooses nobody for advertising …"""
    found = _rows(campaign, contract_names(campaign.tenant_id))
    return [check for row in found for check in _limits(campaign, "audience", row.list or row.segment, _names(row))]


def _message_limits(campaign: Campaign, variant: Variant) -> list[Check]:
    """… and stands in no message of it."""
    names = set(map(attribute_name, contents.attributes(variant.variables)))
    return _limits(campaign, "variables", variant.template, names)


def _limits(campaign: Campaign, field: str, used_in: object, names: set[str]) -> list[Check]:
    if campaign.purpose == Purpose.TRANSACTIONAL or not (found := names and names & contract_names(campaign.tenant_id)):
        return []
    text = _("“%(name)s” uses what you have gathered for contracts only (%(found)s). Advertising may not use it.")
    return [Check("purpose", text % {"name": used_in, "found": ", ".join(sorted(found))}, False, field)]


def _order_checks(campaign: Campaign) -> list[Check]:
    """CG-31: a warning where nothing says that everybody has an order or booking that the message is about."""
    if campaign.purpose != Purpose.TRANSACTIONAL:
        return []
    rows = campaign.audiences.filter(is_excluded=False).select_related("segment")
    if all(row.segment and _rests_on_events(row.segment.rule) for row in rows):
        return []
    text = _(
        "Nothing says that each of these people has an order, booking or contract that the message is about. Choose"
        " them by a segment on an event, such as an order of the last days: without a concrete one, no contract allows"
        " the message (Art. 6 (1) (b) GDPR)."
    )
    return [Check("warning.order", text, True, "audience")]


def _rests_on_events(rule: dict[str, Any]) -> bool:
    try:
        return compiling.rests_on_events(parse(rule))
    except InvalidRule:
        return False


def _rows(campaign: Campaign, marked: frozenset[str]) -> list[Audience]:
    """The lists and segments of a campaign that choose by something of these names."""
    if not marked:
        return []
    rows = campaign.audiences.select_related("list", "segment").order_by("id")
    return [row for row in rows if marked & _names(row)]


def _names(row: Audience) -> set[str]:
    """Nothing for a rule that cannot be read, which has a check of its own."""
    try:
        return audience.names(row)
    except InvalidRule:
        return set()


def _number_checks(campaign: Campaign, at: datetime | None = None) -> list[Check]:
    number = campaign.number
    if number is None:
        return [Check("number", _("Connect a WhatsApp number first."), False, "number")]
    if number.account.paused_at:
        text = _("The WhatsApp account is stopped (error %(code)s). The overview says why and what to do.")
        return [Check("account_paused", text % {"code": number.account.pause_code}, False, "number")]
    if number.daily_limit == 0:
        text = _("This number has no quota: Meta allows it no conversations. Ask Meta to raise the limit.")
        return [Check("no_quota", text, False, "number")]
    if number.paused_until and number.paused_until > (at or now()):
        return [Check("number_paused", _paused_text(number), False, "number")]
    return [Check("number", _("Number %(number)s is ready.") % {"number": number.display_number}, True, "number")]


def _profile_checks(campaign: Campaign) -> list[Check]:
    """CG-61: a warning where people who look above the chat find neither who writes nor what becomes of their data."""
    number = campaign.number
    if number is None or number.profile is None:
        return []
    addresses = controller_of(campaign.tenant).addresses
    if not addresses or profiles.leads(number.profile, addresses):
        return []
    text = _(
        "The business profile of %(number)s in WhatsApp leads neither to your privacy notice or imprint nor to your"
        " site. The page “Numbers” adds it."
    )
    return [Check("warning.profile", text % {"number": number.display_number}, True, "number")]


def _limit_checks(campaign: Campaign, known: queries.Estimate | None) -> list[Check]:
    """A warning where Meta's limit keeps a part of the audience from being reached on the day of the campaign."""
    limit = campaign.number.daily_limit if campaign.number else None
    if not limit or known is None or known.reachable <= limit:
        return []
    text = _(
        "Meta lets this number write to %(limit)s people per 24 hours. After a day the campaign pauses with up to"
        " %(left)s people left, and you decide whether it goes on."
    )
    told = {"limit": number_format(limit), "left": number_format(known.reachable - limit)}
    return [Check("warning.daily_limit", text % told, True, "audience")]


def _first_message_checks(campaign: Campaign, variants: Sequence[Variant], people: int | None = None) -> list[Check]:
    """Warnings where people who did not sign up themselves get their first message and it lacks what only it can say.

    That they may object to advertising (Art. 21 (4) GDPR, CG-24), and whence their data come (Art. 14 (3) (b), CG-61).
    Of an audience that was not counted only those who came last are looked at.
    """
    notice = controller_of(campaign.tenant).privacy_url
    chosen = [(one, one.template) for one in variants if one.template]
    silent = [template for one, template in chosen if not contents.tells_origin(one, notice)]
    unsaid = [template for one, template in chosen if not contents.names_right_to_object(one)]
    if campaign.purpose == Purpose.TRANSACTIONAL:
        unsaid = []
    if not (unsaid or silent):
        return []
    to_advertising, to_anything = (
        audience.newcomers(campaign, people) if people is not None else audience.late_newcomers(campaign)
    )
    objection = _(
        "First advertising to people of an import or the API (%(people)s): the template “%(name)s” does not name their"
        " right to object (Art. 21 (4) GDPR). Add as a sentence of its own: “%(sentence)s”"
    )
    origin = _(
        "First message to people of an import or the API (%(people)s): the template “%(name)s” does not tell where you"
        " have their data from (Art. 14 GDPR). Add “%(sentence)s” and fill the variable with the link to the person's"
        " own page, or put the address of your privacy notice into the template."
    )
    return [
        *(_unsaid(campaign, "objection", objection, one, to_advertising) for one in _once(unsaid, to_advertising)),
        *(_unsaid(campaign, "notice", origin, one, to_anything) for one in _once(silent, to_anything)),
    ]


def _once(templates: Sequence[Template], found: audience.Newcomers) -> list[Template]:
    """Each of these templates once, if it reaches anybody new: two variants may share one."""
    return list(dict.fromkeys(templates)) if found.people else []


def _unsaid(campaign: Campaign, what: str, text: str, template: Template, found: audience.Newcomers) -> Check:
    """The warning about this template, with a sentence for it to say, in its language."""
    said = speaking.texts(campaign.tenant, "de" if template.language.startswith("de") else "en")
    variable = "{{" + contents.free_variable(template) + "}}"
    sentence = said[f"first_{what}"].replace("{url}", variable)
    told = {"people": _people(found), "name": template.name, "sentence": sentence}
    return Check(f"warning.{what}", text % told, True, "template")


def _people(found: audience.Newcomers) -> str:
    count = number_format(found.people)
    if found.is_about:
        return _("about %(count)s") % {"count": count}
    return _("at least %(count)s") % {"count": count} if found.is_least else count


def _paused_text(number: Number) -> str:
    if number.pause_code == DAILY_LIMIT_PAUSE:
        return _("The limit of %(limit)s people per 24 hours is used up. Wait a day or choose another number.") % {
            "limit": number_format(number.daily_limit or 0)
        }
    text = _("The number is paused after error %(code)s. The overview says why and what to do.")
    return text % {"code": number.pause_code}


def _template_checks(campaign: Campaign, variant: Variant) -> list[Check]:
    template = variant.template
    if template is None:
        return [Check("template", _("Choose a template."), False, "template")]
    if not template.is_sendable:
        text = _("Meta’s status of the template “%(name)s” is “%(status)s”. Choose an approved one.")
        return [
            Check(
                "template_status",
                text % {"name": template.name, "status": template.get_status_display()},
                False,
                "template",
            )
        ]
    if campaign.number is not None and campaign.number.account_id != template.account_id:
        text = _("The template “%(name)s” belongs to another WhatsApp account than the number. Choose another one.")
        return [Check("template_account", text % {"name": template.name}, False, "template")]
    found = [Check("template", _("The template is approved."), True, "template"), _category_check(campaign, template)]
    found += [*_content_checks(template, variant), *_message_limits(campaign, variant)]
    if template.category == Template.Category.MARKETING:
        found += [_opt_out_check(template), _sender_check(campaign, variant, template)]
    return found + _advertising_checks(template, variant)


def _content_checks(template: Template, variant: Variant) -> list[Check]:
    if obstacles := contents.obstacles(template):
        return [Check("template_parts", text, False, "template") for text in obstacles]
    return [Check("variables", text, False, "variables") for text in contents.problems(template, variant.variables)]


def _category_check(campaign: Campaign, template: Template) -> Check:
    fits = serves(template.category, campaign.purpose)
    text = (
        _("The template's category fits.")
        if fits
        else _("Advertising and surveys need a marketing template, messages about orders or contracts a utility one.")
    )
    return Check("category", text, fits, "template")


def _opt_out_check(template: Template) -> Check:
    """CG-23: every marketing message shows the way out."""
    ok = contents.says_how_to_opt_out(template)
    text = (
        _("The message says how to opt out.")
        if ok
        else _("The template must say how to opt out, e.g. “Abmelden: STOPP” in the footer.")
    )
    return Check("opt_out", text, ok, "template")


def _sender_check(campaign: Campaign, variant: Variant, template: Template) -> Check:
    """CG-23: every marketing message says who sends it. The number's verified name above the chat does, if need be."""
    company = controller_of(campaign.tenant)
    number = campaign.number.verified_name if campaign.number else ""
    names = [company.legal_name, without_legal_form(company.legal_name), campaign.tenant.name, number]
    ok = contents.names_sender(template, variant.variables, names)
    if ok:
        return Check("sender", _("The message says who sends it."), True, "template")
    text = _(
        "The message does not say who sends it; only the chat's headline does. Better write “%(company)s” into its text"
        " or footer."
    )
    return Check("warning.sender", text % {"company": campaign.tenant.name}, True, "template")


def _advertising_checks(template: Template, variant: Variant) -> list[Check]:
    """CG-31: what goes out for an order or appointment advertises nothing."""
    found = contents.advertising(template, variant.variables)
    text = _(
        "A utility template must not advertise, and this message does (%(found)s). Take it out, or use a marketing"
        " template for people who agreed to advertising."
    )
    return [Check("advertising", text % {"found": ", ".join(found)}, False, "template")] if found else []
