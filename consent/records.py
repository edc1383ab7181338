"""Records of processing activities, generated from what is really done: a company's own (Art. 30 (1) GDPR), and the
operator's, of what it does for all of them (Art. 30 (2)). What upper apps do, they tell by `personal.activities`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from consent import agreements, telling
from consent.ledger.folding import GRANTS
from consent.models import Agreement, Channel, ConsentState, Processor, Purpose, SubProcessor, WordingVersion
from consent.proving.sections import Line
from consent.queries import controller_of
from consent.receipts import terms
from consent.rights import walking
from contacts.models import Contact, Event
from tenants.models import Tenant
from tenants.templatetags.formats import day


@dataclass(frozen=True)
class Activity:
    """One processing activity in the words of Art. 30 (1) (b)-(f) GDPR."""

    title: str
    legal_basis: str
    people: str
    data: list[str]
    recipients: list[str]
    third_country: str
    retention: str

    @property
    def lines(self) -> list[Line]:
        """What is said of it, line by line."""
        return [
            Line(_("Legal basis"), self.legal_basis),
            Line(_("People"), self.people),
            Line(_("Data"), ", ".join(self.data)),
            Line(_("Recipients"), "\n".join(self.recipients)),
            Line(_("Third countries"), self.third_country or _("none")),
            Line(_("Kept"), self.retention),
        ]


def responsible(tenant: Tenant) -> list[Line]:
    """Who is responsible and how to reach them (Art. 30 (1) (a) GDPR)."""
    controller = controller_of(tenant)
    place = ", ".join(filter(None, (controller.street, f"{controller.postcode} {controller.city}".strip())))
    officer = ", ".join(filter(None, (controller.officer, controller.officer_email)))
    return [
        Line(_("Controller"), controller.legal_name or tenant.name),
        Line(_("Address"), place or "–"),
        Line(_("Contact"), ", ".join(filter(None, (controller.email, controller.phone))) or "–"),
        Line(_("Data protection officer"), officer or _("none named")),
    ]


def recipients(tenant: Tenant) -> list[Line]:
    """Who else gets data of all that follows: the company's own processors (Art. 30 (1) (d) GDPR), line by line."""
    return [Line(one.name, _described(one)) for one in _working(tenant)]


def abroad(tenant: Tenant, channel: str = "") -> str:
    """Who of all these gets the data outside of the EEA, a line for each; "" where nobody does (Art. 30 (1) (e) GDPR).

    The operator's processors, the company's own, and Meta for what goes by WhatsApp.
    """
    own = [f"{one.country}: {one.name}" for one in _working(tenant) if one.country not in terms.EEA]
    return "\n".join([*_transfers(channel), *own])


def _transfers(channel: str = "") -> list[str]:
    named = [(f"{one['country']}: {one['recipients']}", one["safeguard"]) for one in terms.transfers(channel)]
    return [" – ".join(filter(None, each)) for each in named]


def _working(tenant: Tenant) -> list[Processor]:
    return [one for one in Processor.objects.filter(tenant=tenant).order_by("name", "pk") if not one.is_over]


def _described(one: Processor) -> str:
    contract = _("contract of %(day)s") % {"day": day(one.contract_on)} if one.contract_on else _("no contract entered")
    return f"{one.purpose} ({one.country}; {contract})"


def activities(tenant: Tenant) -> list[Activity]:
    """What the company does with personal data here: one activity for each purpose that people were asked for or have
    agreed to elsewhere, what it does with events, segments and campaigns, and what every company does that uses Zusage.
    """
    among = agreements.subprocessors()
    operator = terms.processors(among)
    # The same for most of them.
    elsewhere = cache(partial(abroad, tenant))
    return [
        *_consented(tenant, among, elsewhere),
        *_customers(tenant, operator, elsewhere),
        *walking.activities(tenant),
        *_always(tenant, among, elsewhere),
    ]


def measures() -> list[str]:
    """How all of it is kept safe (Art. 30 (1) (g) with 32 (1) GDPR), in the words of the contract with the operator."""
    own = _("What the company does itself, for its rooms, devices and staff, stands in its own papers.")
    return [*agreements.measures().paragraphs, own]


def of_processor() -> list[Line]:
    """What the operator does for every company alike (Art. 30 (2) (a)-(d) GDPR), in the words of the contract."""
    others = agreements.subprocessors()
    named = [f"{one.name}, {one.address} ({one.country}): {one.purpose}" for one in others]
    return [
        Line(_("Processor"), "\n".join((settings.OPERATOR_NAME, settings.OPERATOR_ADDRESS or "–"))),
        Line(_("Data protection officer"), settings.OPERATOR_OFFICER or _("none named")),
        Line(_("Categories of processing"), "\n".join(agreements.nature().paragraphs)),
        Line(_("Sub-processors"), "\n".join(named) or _("none")),
        Line(_("Third countries"), "\n".join(_transfers()) or _("none")),
        Line(_("Technical and organisational measures"), "\n".join(agreements.measures().paragraphs)),
    ]


def processed_for() -> QuerySet[Agreement]:
    """For whom it does that: each company's last contract, with the company as the law names it.

    Sees the companies of the caller's scope.
    """
    last = Agreement.objects.order_by("tenant", "-pk").distinct("tenant")
    return last.select_related("tenant__controller").defer("text")


def _consented(tenant: Tenant, among: Sequence[SubProcessor], elsewhere: Callable[[str], str]) -> Iterator[Activity]:
    for channel, purpose in sorted(_asked_for(tenant) | _agreed_to(tenant)):
        if channel != Channel.ALL and purpose != Purpose.ALL:
            yield _of_purpose(terms.purpose(channel, purpose, "6-1-a", among), elsewhere(channel))


def _asked_for(tenant: Tenant) -> set[tuple[str, str]]:
    versions = WordingVersion.objects.filter(tenant=tenant, published_at__isnull=False)
    return {(channel, purpose) for covers in versions.values_list("covers", flat=True) for channel, purpose in covers}


def _agreed_to(tenant: Tenant) -> set[tuple[str, str]]:
    """What people agree to now, whoever asked them: imports and the interface bring their own yeses."""
    # Looks through all of the company's states, for a page that is opened a few times a year.
    now = ConsentState.objects.filter(tenant=tenant, state__in=GRANTS)
    return set(now.order_by().values_list("channel", "purpose").distinct())


def _of_purpose(told: dict[str, Any], third_country: str) -> Activity:
    return Activity(
        title=f"{told['name']} · {told['channel_name']}",
        legal_basis=told["legal_basis_text"],
        people=_("Customers and prospects who have agreed"),
        data=told["data_types"],
        recipients=told["recipients"],
        third_country=third_country,
        retention=told["retention"],
    )


def _customers(tenant: Tenant, operator: list[str], elsewhere: Callable[[str], str]) -> Iterator[Activity]:
    if Contact.objects.filter(tenant=tenant).exists():
        yield Activity(
            title=_("Customer data"),
            legal_basis=_("The contract with the customer or their consent, Art. 6 (1) (a) and (b) GDPR"),
            people=_("Customers and prospects"),
            data=[
                str(terms.NAMES),
                _("phone number, e-mail address, customer number"),
                _("attributes, tags and lists"),
            ],
            recipients=operator,
            third_country=elsewhere(""),
            retention=_("Until the company deletes the contact, or the person asks for it."),
        )
    if Event.objects.filter(tenant=tenant).exists():
        yield Activity(
            title=_("Orders and other events of customers"),
            legal_basis=telling.legal_basis("6-1-b"),
            people=_("Customers and prospects"),
            data=[_("orders and refunds with number, value and time"), _("other events that the company reports")],
            recipients=operator,
            third_country=elsewhere(""),
            retention=_("As long as the contact, and deleted with it."),
        )


def _always(tenant: Tenant, among: Sequence[SubProcessor], elsewhere: Callable[[str], str]) -> Iterator[Activity]:
    operator = terms.processors(among)
    whatsapp = terms.purpose(Channel.WHATSAPP, "transactional", "6-1-b", among)
    messages = _("Messages: %(months)s months.") % {"months": controller_of(tenant).message_months}
    yield Activity(
        title=_("Answering messages of customers"),
        legal_basis=telling.legal_basis("6-1-b"),
        people=_("Everybody who writes to the company"),
        data=[_("phone number or WhatsApp user id"), _("messages and their delivery")],
        recipients=whatsapp["recipients"],
        third_country=elsewhere(Channel.WHATSAPP),
        retention=messages,
    )
    yield Activity(
        title=_("Proof of consents, suppression list"),
        legal_basis=_("Legal duty to prove them, Art. 6 (1) (c) with Art. 7 (1) and 21 (3) GDPR"),
        people=_("Everybody who has said yes or no"),
        data=[_("what was agreed to or refused, when and how"), _("evidence, encrypted"), _("keyed hashes")],
        recipients=operator,
        third_country=elsewhere(""),
        retention=_(
            "Proofs until the end of the third calendar year after their last use, hashes until a new consent."
        ),
    )
    yield Activity(
        title=_("Requests of data subjects"),
        legal_basis=_("Legal duty to answer them, Art. 6 (1) (c) with Art. 12-22 GDPR"),
        people=_("Everybody who asks about their data"),
        data=[_("what was asked and answered"), _("how the identity was checked")],
        recipients=operator,
        third_country=elsewhere(""),
        retention=_("Exports 7 days, the register as long as proofs are kept."),
    )
    yield Activity(
        title=_("Access of the company's own staff"),
        legal_basis=_("Contract of employment, Art. 6 (1) (b) and 88 GDPR, § 26 BDSG"),
        people=_("Employees who use Zusage"),
        data=[_("name, e-mail address, role"), _("what they did in the workspace, when")],
        recipients=operator,
        third_country=elsewhere(""),
        retention=_("As long as they have access; the audit trail as long as proofs are kept."),
    )
