"""What needs somebody's attention: what has stopped, what is about to start, unclear messages, a duty."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q, Sum
from django.utils.formats import number_format
from django.utils.timezone import localdate, now, override
from django.utils.translation import get_language, gettext, ngettext

from analytics.models import Kpi
from campaigns import warning
from campaigns.models import Campaign
from consent import opening, vouchers
from consent.models import SignupForm
from consent.queries import controller_of
from consent.rights import informing
from contacts.models import Import, Program
from messaging import reasons
from messaging.models import Source
from tenants.models import Tenant
from tenants.templatetags.formats import day, moment
from whatsapp import profiles
from whatsapp.errors import rule_for
from whatsapp.models import Account, Number, Template
from whatsapp.pausing import DAILY_LIMIT_PAUSE

SHOWN_OF_EACH = 20
# Later the sender's own rules have settled or closed what was unclear.
LOOK_BACK = timedelta(days=30)
STOPPED_TEMPLATES = (
    Template.Status.PAUSED,
    Template.Status.DISABLED,
    Template.Status.REJECTED,
    Template.Status.FLAGGED,
)


@dataclass(frozen=True)
class Attention:
    """One thing to look at, of this `kind` (as the API lists them); `uid` is its object's.

    `level` is "danger" where sending has stopped or will not begin, else "warning"; `remedy` says what to do and may be
    empty.
    """

    kind: str
    level: str
    uid: UUID
    name: str
    text: str
    remedy: str = ""


def attention(tenant: Tenant) -> list[Attention]:
    """What needs attention now, what stops most first; eleven queries, and three or four about forms and profiles."""
    forms = opening.live(tenant)
    # Times are told in the zone of the company, also where no dashboard has chosen it.
    with override(tenant.timezone):
        return [
            *_accounts(tenant),
            *_numbers(tenant),
            *_campaigns(tenant),
            *_scheduled(tenant),
            *_templates(tenant),
            *_uncertain(tenant),
            *_closed_forms(tenant, forms),
            *_overshadowed_forms(forms),
            *_profiles(tenant),
            *_uninformed(tenant),
            *_uninforming(tenant),
            *_vouchers(tenant),
        ]


def standstill(campaign: Campaign) -> Attention | None:
    """What keeps a launched campaign waiting though nobody paused it: an error it stopped at, its account, its number.

    Reads what of source, number and account is not loaded yet, nothing else.
    """
    if campaign.state not in (Campaign.State.RUNNING, Campaign.State.PAUSED):
        return None
    if campaign.source and campaign.source.state == Source.State.PAUSED and campaign.source.pause_code is not None:
        return _campaign(campaign, campaign.source)
    number = campaign.number
    if number is None or campaign.state == Campaign.State.PAUSED:
        return None
    if number.account.paused_at:
        return _account(number.account)
    return _number(number) if number.paused_until and number.paused_until > now() else None


def _accounts(tenant: Tenant) -> list[Attention]:
    paused = Account.objects.filter(tenant=tenant, paused_at__isnull=False).order_by("id")[:SHOWN_OF_EACH]
    return [_account(each) for each in paused]


def _account(account: Account) -> Attention:
    why = _why(account.pause_code, gettext("All sending is stopped."))
    return Attention("account", "danger", account.uid, str(account), *why)


def _numbers(tenant: Tenant) -> list[Attention]:
    poor = Q(quality__in=(Number.Quality.YELLOW, Number.Quality.RED))
    numbers = Number.objects.filter(poor | Q(paused_until__gt=now()), tenant=tenant).order_by("id")[:SHOWN_OF_EACH]
    return [_number(each) for each in numbers]


def _number(number: Number) -> Attention:
    if number.paused_until and number.paused_until > now():
        why = _why(number.pause_code, gettext("Sending over this number is paused."))
        return Attention("number", "danger", number.uid, str(number), *why)
    text = gettext("Meta rates the quality of this number as %(quality)s.") % {"quality": number.get_quality_display()}
    remedy = gettext("Write less often and only to people who expect it.")
    level = "danger" if number.quality == Number.Quality.RED else "warning"
    return Attention("number", level, number.uid, str(number), text, remedy)


def _campaigns(tenant: Tenant) -> list[Attention]:
    stopped = Campaign.objects.filter(
        tenant=tenant,
        state__in=(Campaign.State.RUNNING, Campaign.State.PAUSED),
        source__state=Source.State.PAUSED,
        source__pause_code__isnull=False,
    ).select_related("source")
    return [_campaign(each, each.source) for each in stopped.order_by("-id")[:SHOWN_OF_EACH] if each.source]


def _campaign(campaign: Campaign, source: Source) -> Attention:
    why = _why(source.pause_code, gettext("This campaign was stopped."))
    return Attention("campaign", "danger", campaign.uid, campaign.name, *why)


def _scheduled(tenant: Tenant) -> list[Attention]:
    """Campaigns due within two days of which something should be looked at, as the last look found.

    First those that will not start: whatever keeps them stands first in `warned`.
    """
    campaigns = warning.soon(Campaign.objects.filter(tenant=tenant)).exclude(warned=[])
    starting = ExpressionWrapper(Q(warned__0__startswith="warning."), BooleanField())
    return [_before_start(each) for each in campaigns.order_by(starting, "due_at", "id")[:SHOWN_OF_EACH]]


def _before_start(campaign: Campaign) -> Attention:
    time = {"time": moment(campaign.due_at)}
    level, remedy = "warning", gettext("“Review and send” shows how to fix it. The campaign starts all the same.")
    starts, told = gettext("Starts %(time)s.") % time, campaign.warned
    # Of what will not start, the rest can wait.
    if refusing := [code for code in told if warning.refuses(code)]:
        level, remedy = "danger", gettext("“Review and send” shows how to fix it.")
        starts, told = gettext("Due %(time)s, but it will not start as it stands:") % time, refusing
    return Attention("scheduled", level, campaign.uid, campaign.name, " ".join([starts, *warning.texts(told)]), remedy)


def _templates(tenant: Tenant) -> list[Attention]:
    templates = Template.objects.filter(tenant=tenant, status__in=STOPPED_TEMPLATES).order_by("-updated_at", "id")
    return [
        Attention(
            "template", "warning", each.uid, str(each),
            gettext("This template is %(status)s.") % {"status": each.get_status_display()}, each.rejected_reason,
        )
        for each in templates[:SHOWN_OF_EACH]
    ]  # fmt: skip


def _uncertain(tenant: Tenant) -> list[Attention]:
    campaigns = Campaign.objects.filter(tenant=tenant, launched_at__gt=now() - LOOK_BACK).values("source")
    rows = (
        Kpi.objects.filter(tenant=tenant, source__in=campaigns)
        .values("source__campaign__uid", "source__campaign__name")
        .annotate(messages=Sum("in_uncertain"))
        .filter(messages__gt=0)
        .order_by("-messages", "-source__campaign__id")
    )
    return [
        Attention(
            "uncertain", "warning", row["source__campaign__uid"], row["source__campaign__name"],
            ngettext(
                "The outcome of %(count)s message is unclear.",
                "The outcome of %(count)s messages is unclear.",
                row["messages"],
            ) % {"count": row["messages"]},
            gettext("Nothing is sent twice: WhatsApp's confirmation settles it, or it ends as unknown."),
        )
        for row in rows[:SHOWN_OF_EACH]
    ]  # fmt: skip


def _profiles(tenant: Tenant) -> list[Attention]:
    """Numbers whose profile leads nowhere (CG-61), where the company has said where its privacy notice is."""
    known = list(Number.objects.filter(tenant=tenant, profile__isnull=False).order_by("id"))
    addresses = controller_of(tenant).addresses if known else []
    text = gettext("Its business profile in WhatsApp leads neither to your privacy notice or imprint nor to your site.")
    remedy = gettext("Add the privacy notice on the page of the numbers.")
    nowhere = [each for each in known if addresses and each.profile and not profiles.leads(each.profile, addresses)]
    return [Attention("number", "warning", each.uid, str(each), text, remedy) for each in nowhere[:SHOWN_OF_EACH]]


def _uninformed(tenant: Tenant) -> list[Attention]:
    remedy = gettext(
        "With the first message or in another way (Art. 14 GDPR); then say so on the page of the import. Whom you will"
        " not write to is better erased."
    )
    today = localdate()
    return [
        Attention("import", "warning", each.uid, each.filename, _to_know(each, today), remedy)
        for each in informing.uninformed(tenant)[:SHOWN_OF_EACH]
    ]


def _to_know(imported: Import, today: date) -> str:
    until = informing.until(imported)
    if until and until < today:
        text = gettext(
            "The deadline was %(day)s: the people whom this import brought on %(brought)s have to be told where you"
            " have their data from."
        )
    else:
        text = gettext(
            "By %(day)s the people whom this import brought on %(brought)s have to know where you have their data from."
        )
    return text % {"day": day(until), "brought": day(imported.brought_at)}


def _uninforming(tenant: Tenant) -> list[Attention]:
    remedy = gettext(
        "With the first message or in another way (Art. 14 GDPR); then say so on the page of the programs, or there"
        " once and for all that they read your privacy notice where they give their data."
    )
    today = localdate()
    return [
        Attention("program", "warning", each.uid, str(each), _of_program(each, today), remedy)
        for each in informing.uninforming(tenant)[:SHOWN_OF_EACH]
    ]


def _of_program(program: Program, today: date) -> str:
    until = informing.until_of(program)
    if until and until < today:
        text = gettext(
            "The deadline was %(day)s: people whom this program brought (at least %(people)s) have to be told where you"
            " have their data from."
        )
    else:
        text = gettext(
            "By %(day)s people whom this program brought (at least %(people)s) have to know where you have their data"
            " from."
        )
    return text % {"day": day(until), "people": number_format(program.untold)}


def _closed_forms(tenant: Tenant, forms: list[SignupForm]) -> list[Attention]:
    text = gettext("Open, but closed to visitors: something that the law wants is missing.")
    return [
        Attention("signup_form", "warning", form.uid, form.name, text, " ".join(each.told for each in why))
        for form, why in opening.closed(tenant, forms)[:SHOWN_OF_EACH]
    ]


def _overshadowed_forms(forms: list[SignupForm]) -> list[Attention]:
    text = gettext("Open, and promises a benefit above what people agree to.")
    return [
        Attention("signup_form", "warning", form.uid, form.name, text, " ".join(each.told for each in where))
        for form, where in opening.overshadowed(forms)[:SHOWN_OF_EACH]
    ]


def _vouchers(tenant: Tenant) -> list[Attention]:
    remedy = gettext("Add codes on the page of the form.")
    low = vouchers.running_low(tenant, SHOWN_OF_EACH)
    return [Attention("signup_form", "warning", each.uid, each.name, _left(each.left), remedy) for each in low]


def _left(count: int) -> str:
    if not count:
        return gettext("No voucher code is left: the form does not promise its benefit any more.")
    text = ngettext("Only %(count)s voucher code is left.", "Only %(count)s voucher codes are left.", count)
    return text % {"count": count}


def _why(code: int | None, otherwise: str) -> tuple[str, str]:
    """Meaning and remedy of a pause code, Meta's or our own; `otherwise` without one."""
    if code == DAILY_LIMIT_PAUSE:
        return reasons.label("daily_limit"), gettext("Sending goes on by itself once the limit has room again.")
    if code == reasons.OVERDUE_PAUSE:
        text = gettext("Messages were still waiting when the 24 hours of sending were over.")
        return text, gettext("Resume the campaign to send them within another 24 hours, or cancel it.")
    if code == reasons.RESTORED_PAUSE:
        text = gettext("All data come from a backup that was put back: what was sent after it is not known here.")
        return text, gettext(
            "Whoever got it after the backup would get it again. Compare with WhatsApp Manager; then resume the"
            " campaign, or cancel it."
        )
    return rule_for(code).sentences(get_language() or "") if code else (otherwise, "")
