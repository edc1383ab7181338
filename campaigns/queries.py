"""Reads that prepare a campaign: how many it reaches and why not more, whether it is ready, what it looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _

from campaigns import audience, contents
from campaigns.models import Campaign, Variant
from consent import agreements
from consent.queries import controller_of, usable_attributes, without_legal_form
from contacts.models import Contact
from messaging import reasons, rendering
from messaging.models import Message
from messaging.rendering import Person, Preview
from segments import queries as segments
from segments.models import Segment
from segments.rules import InvalidRule
from whatsapp.markets import market_name
from whatsapp.models import Number, Template
from whatsapp.queries import price_list


@dataclass(frozen=True)
class Check:
    """One thing that must be right before launch; `field` names the form section that mends it."""

    code: str
    text: str
    ok: bool
    field: str


@dataclass(frozen=True)
class MarketCost:
    """The reachable people of one market and what one message to each costs; None where no price is known."""

    market: str
    name: str
    people: int
    price: Decimal | None

    @property
    def cost(self) -> Decimal | None:
        return None if self.price is None else self.price * self.people


@dataclass(frozen=True)
class Cost:
    """Meta's list price for the reachable, in the currency of the WhatsApp account, if all of them are reached.

    `as_of` is the day of the newest price in the list.
    """

    currency: str
    as_of: date | None
    markets: list[MarketCost]

    @property
    def total(self) -> Decimal | None:
        """None if no price at all is known."""
        known = [market.cost for market in self.markets if market.cost is not None]
        return sum(known, Decimal(0)) if known or not self.markets else None

    @property
    def unpriced(self) -> int:
        """People whose market has no known price; the total leaves them out."""
        return sum(market.people for market in self.markets if market.price is None)


@dataclass(frozen=True)
class Estimate:
    """The audience before launch: `reasons` is (code, sentence, people), largest first; `seconds` to send all."""

    audience: int
    reachable: int
    reasons: list[tuple[str, str, int]]
    seconds: int
    cost: Cost


@dataclass(frozen=True)
class Missing:
    """How many reachable people have no value of their own for a variable and get the fallback."""

    name: str
    people: int


def estimate(campaign: Campaign) -> Estimate:
    """Count the audience by one statement, as freezing would find it now."""
    counted = audience.count(campaign)
    rows = [(code, reasons.label(code), people) for code, people in counted.by_reason.items() if code]
    rate = campaign.number.throughput if campaign.number else 70
    return Estimate(
        audience=counted.audience,
        reachable=counted.reachable,
        reasons=sorted(rows, key=lambda row: -row[2]),
        seconds=-(-counted.reachable // rate),
        cost=_cost(campaign, counted.by_market),
    )


def _cost(campaign: Campaign, by_market: Mapping[str, int]) -> Cost:
    """What these people cost today; without a template yet, as marketing."""
    currency = campaign.number.account.currency if campaign.number else campaign.tenant.currency
    prices = price_list(currency)
    template = campaign.variants.exclude(template=None).order_by("number").values_list("template__category").first()
    category = (template[0] if template else Template.Category.MARKETING).lower()
    markets = [
        MarketCost(market, market_name(market), people, prices.price(market, category, localdate()))
        for market, people in by_market.items()
    ]
    return Cost(currency, prices.as_of, sorted(markets, key=lambda m: (-(m.cost or 0), -m.people, m.name)))


def waiting(campaign: Campaign) -> int:
    """How many messages resuming would send; 0 unless it is paused."""
    if campaign.state != Campaign.State.PAUSED:
        return 0
    left = Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id, queue=Message.Queue.WAITING)
    return left.count()


def preflight(campaign: Campaign, known: Estimate | None = None) -> list[Check]:
    """Everything that must be right before launch, the right things too, in the order of the assistant.

    With a `known` estimate it says how many people can be reached; without, it counts only if it must.
    """
    variants = list(campaign.variants.select_related("template").order_by("number"))
    reached = _audience_check(campaign, known)
    checks = [*_agreement_checks(campaign), reached, *_special_checks(campaign)]
    checks += [*_number_checks(campaign), *_limit_checks(campaign, known)]
    # Only where people look: nothing depends on it at the launch.
    checks += _notice_checks(campaign, variants) if known and reached.ok else []
    for variant in variants:
        checks.extend(_template_checks(campaign, variant))
    return checks


def test_problems(campaign: Campaign, variant: Variant | None) -> list[Check]:
    """What keeps a variant from being sent to one contact as a test; a missing opt-out hint does not."""
    if variant is None:
        return [Check("variant", _("There is no such variant."), False, "variant")]
    checks = [*_agreement_checks(campaign), *_number_checks(campaign), *_template_checks(campaign, variant)]
    return [check for check in checks if not check.ok and check.code not in ("opt_out", "category")]


def _agreement_checks(campaign: Campaign) -> list[Check]:
    """Nothing is sent before the company has concluded the contract of Art. 28 GDPR (CG-50)."""
    if agreements.accepted(campaign.tenant):
        return []
    text = _("Conclude the data processing agreement first; it takes two minutes.")
    return [Check("agreement", text, False, "agreement")]


def _audience_check(campaign: Campaign, known: Estimate | None) -> Check:
    if not campaign.audiences.filter(is_excluded=False).exists():
        return Check("audience", _("Choose at least one list or segment."), False, "audience")
    broken = _broken_segment(campaign)
    if broken:
        return Check("segment", broken, False, "audience")
    if known is None and audience.reaches_some(campaign):
        return Check("audience", _("The audience can be reached."), True, "audience")
    counted = known or estimate(campaign)
    if counted.reachable:
        text = _("%(count)s people can be reached.") % {"count": number_format(counted.reachable)}
        return Check("audience", text, True, "audience")
    why = ", ".join(f"{label}: {people}" for _code, label, people in counted.reasons) or _("the audience is empty")
    return Check("nobody_reachable", _("Nobody can be reached (%(why)s).") % {"why": why}, False, "audience")


def _broken_segment(campaign: Campaign) -> str:
    """What is wrong with a chosen segment, e.g. a tag in its rule that was deleted; "" if nothing is."""
    for chosen in campaign.audiences.select_related("segment").filter(segment__isnull=False):
        assert chosen.segment is not None
        try:
            segments.check(campaign.tenant, chosen.segment.rule)
        except InvalidRule:
            text = _("The segment “%(name)s” names something that no longer exists. Open it and mend its rule.")
            return text % {"name": chosen.segment.name}
    return ""


def _special_checks(campaign: Campaign) -> list[Check]:
    """A warning for each excluded segment that leaves out more people than its rule says (segments.compiling)."""
    excluded = campaign.audiences.select_related("segment").filter(is_excluded=True, segment__isnull=False)
    text = _(
        "The excluded segment “%(name)s” asks for an attribute of a special category of data (Art. 9 GDPR). Whoever has"
        " not agreed to its use is excluded, too, because nobody may look at their value."
    )
    named = [row.segment for row in excluded.order_by("id") if row.segment and _asks_special(campaign, row.segment)]
    return [Check("warning.special", text % {"name": segment.name}, True, "audience") for segment in named]


def _asks_special(campaign: Campaign, segment: Segment) -> bool:
    """False for a rule that cannot be read, which has a check of its own."""
    try:
        return segments.asks_special(campaign.tenant, segment.rule)
    except InvalidRule:
        return False


def _number_checks(campaign: Campaign) -> list[Check]:
    number = campaign.number
    if number is None:
        return [Check("number", _("Connect a WhatsApp number first."), False, "number")]
    if number.account.paused_at:
        text = _("The WhatsApp account is stopped (error %(code)s). The overview says why and what to do.")
        return [Check("account_paused", text % {"code": number.account.pause_code}, False, "number")]
    if number.daily_limit == 0:
        text = _("This number has no quota: Meta allows it no conversations. Ask Meta to raise the limit.")
        return [Check("no_quota", text, False, "number")]
    if number.paused_until and number.paused_until > now():
        return [Check("number_paused", _paused_text(number), False, "number")]
    return [Check("number", _("Number %(number)s is ready.") % {"number": number.display_number}, True, "number")]


def _limit_checks(campaign: Campaign, known: Estimate | None) -> list[Check]:
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


def _notice_checks(campaign: Campaign, variants: Sequence[Variant]) -> list[Check]:
    """A warning where people of an import get their first message and are not told whence their data come.

    Art. 14 (3) (b) GDPR: with the first message at the latest.
    """
    notice = controller_of(campaign.tenant).privacy_url
    silent = [one.template for one in variants if one.template and not contents.leads_to(one, notice)]
    if not silent or not audience.has_newcomers(campaign):
        return []
    text = _(
        "Some of these people came by an import and get your first message now. It must tell them where you have their"
        " data from (Art. 14 GDPR): put the address of your privacy notice into the template “%(name)s”."
    )
    return [Check("warning.notice", text % {"name": silent[0].name}, True, "template")]


def _paused_text(number: Number) -> str:
    if number.pause_code == reasons.DAILY_LIMIT_PAUSE:
        return _("The limit of %(limit)s people per 24 hours is used up. Wait a day or choose another number.") % {
            "limit": number_format(number.daily_limit or 0)
        }
    return _("The number is paused after error %(code)s.") % {"code": number.pause_code}


def _template_checks(campaign: Campaign, variant: Variant) -> list[Check]:
    template = variant.template
    if template is None:
        return [Check("template", _("Choose a template."), False, "template")]
    if not template.is_sendable:
        text = _("The template “%(name)s” is %(status)s. Choose an approved one.")
        return [
            Check(
                "template_status",
                text % {"name": template.name, "status": template.get_status_display()},
                False,
                "template",
            )
        ]
    if campaign.number is not None and campaign.number.account_id != template.account_id:
        text = _("The template “%(name)s” belongs to another WhatsApp account than the number.")
        return [Check("template_account", text % {"name": template.name}, False, "template")]
    checks = [Check("template", _("The template is approved."), True, "template"), _category_check(campaign, template)]
    checks.extend(_content_checks(template, variant))
    if template.category == Template.Category.MARKETING:
        checks += [_opt_out_check(template), _sender_check(campaign, variant, template)]
    return checks + _advertising_checks(template, variant)


def _content_checks(template: Template, variant: Variant) -> list[Check]:
    if obstacles := contents.obstacles(template):
        return [Check("template_parts", text, False, "template") for text in obstacles]
    return [Check("variables", text, False, "variables") for text in contents.problems(template, variant.variables)]


def _category_check(campaign: Campaign, template: Template) -> Check:
    fits = (template.category == Template.Category.MARKETING) == (campaign.purpose == "marketing")
    text = (
        _("The template's category fits.") if fits else _("Marketing needs a marketing template, and only marketing.")
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


def preview(campaign: Campaign, contact: Contact | None, variant: int = 0) -> Preview | None:
    """The message as this contact will read it; None while no template is chosen."""
    row = campaign.variants.select_related("template").filter(number=variant).first()
    if row is None or row.template is None:
        return None
    return rendering.preview(contents.text_of(row.template), row.variables, person_of(contact))


def person_of(contact: Contact | None) -> Person:
    """What rendering may know of a contact (CG-08); nothing for none, so that fallbacks show."""
    if contact is None:
        return Person()
    values = {name: getattr(contact, name) for name in rendering.FIELDS if name != "birthday"}
    values["birthday"] = f"{contact.birthday:%d.%m.%Y}" if contact.birthday else None
    return Person(contact.phone, contact.bsuid, values, usable_attributes(contact))


def preview_contacts(campaign: Campaign, limit: int = 10) -> list[Contact]:
    """Some contacts of the campaign's audience, for looking at the message with real values."""
    chosen = audience.selection(campaign)
    rows = Contact.objects.raw(
        "SELECT c.* FROM contacts_contact c WHERE c.tenant_id = %s AND c.restricted_at IS NULL"
        f" AND ({chosen.included}) ORDER BY c.id LIMIT %s",
        [campaign.tenant_id, *chosen.included_params, limit],
    )
    return list(rows)


def missing_values(campaign: Campaign, variant: int = 0) -> list[Missing]:
    """For each body variable that comes from a contact: how many of the audience lack it and get the fallback."""
    row = campaign.variants.filter(number=variant).first()
    wanted = [v for v in (row.variables.get("body", []) if row else []) if v.get("from", "text") != "text"]
    if not wanted:
        return []
    chosen = audience.selection(campaign)
    counts = audience.count_missing(campaign, chosen, [str(v["from"]) for v in wanted])
    return [Missing(str(v.get("name", "")), people) for v, people in zip(wanted, counts, strict=True)]
