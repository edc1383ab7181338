"""Until when people whom an import or a program brought have to know whence their data come (Art. 14 (3) (a) GDPR)."""

from datetime import date, datetime, timedelta

from django.db.migrations.recorder import MigrationRecorder
from django.db.models import QuerySet
from django.utils import timezone

from consent.models import Authority, ConsentEvent
from consent.queries import controller_of
from consent.rights import periods, walking
from contacts.models import Contact, Import, Program
from tenants.models import Tenant
from tenants.scope import tenant_scope

# Ten days before the month is over; what is long past is no news.
REMINDED, LOOKS_BACK = timedelta(days=20), timedelta(days=90)
AT_A_TIME = 2000
# Who is so new is looked at the next night: by then whatever took lower ids has committed.
SETTLED = timedelta(hours=1)
# Of a program in one night; the next goes on where this one stopped.
MOST_BATCHES = 50
# Whether it is a thousand or more changes nothing about what is to be done.
MOST_UNTOLD = 1000


def until(imported: Import) -> date | None:
    """The last day, a month after the first of them; None if it brought nobody."""
    return periods.due(imported.brought_at, imported.tenant) if imported.brought_at else None


def uninformed(tenant: Tenant) -> QuerySet[Import]:
    """Imports whose month is nearly or just over and of which nobody has said that the people know."""
    brought = Import.objects.filter(tenant=tenant, informed_at=None, brought_at__range=_due())
    return brought.select_related("tenant").order_by("brought_at", "pk")


def until_of(program: Program) -> date | None:
    """The last day for the first of a program's people who does not know yet; None while everybody does."""
    return periods.due(program.untold_since, program.tenant) if program.untold_since else None


def uninforming(tenant: Tenant) -> QuerySet[Program]:
    """Programs whose first people have to know soon or should know by now, as the last night has found."""
    waiting = Program.objects.filter(tenant=tenant, notice_at=None, untold__gt=0, untold_since__range=_due())
    return waiting.select_related("tenant", "api_key").order_by("untold_since", "pk")


def unwatched_until(tenant: Tenant) -> datetime | None:
    """Until when its programs brought people of whom nobody knows that: many in one call, which left no trace.

    None if it had no key then, or their month is long over. Whom a call brought alone, the audit trail names
    (contacts.0019).
    """
    applied = MigrationRecorder.Migration.objects.filter(app="contacts", name="0016_programs", applied__gt=_due()[0])
    since = applied.values_list("applied", flat=True).first()
    return since if since and tenant.api_keys.filter(created_at__lt=since).exists() else None


def look(tenant: Tenant) -> None:
    """Count who of the people that programs brought may not know yet whence their data come.

    Who has told the company something themselves, was written to or wrote is taken to know (CG-61 says why). Those
    before the first other one are never looked at again.
    """
    with tenant_scope(tenant):
        # Whether somebody was written to before that is forgotten.
        remembered = periods.months_ago(controller_of(tenant).message_months)
        oldest = max(remembered, timezone.now() - LOOKS_BACK)
        programs = list(Program.objects.filter(tenant=tenant, notice_at=None).order_by("pk"))
    for program in programs:
        _look_at(tenant, program, max(oldest, program.informed_at or oldest))


def _look_at(tenant: Tenant, program: Program, oldest: datetime) -> None:
    position, untold = program.known_upto, 0
    since: datetime | None = None
    found = {"known_upto": position}
    for _batch in range(MOST_BATCHES):
        with tenant_scope(tenant):
            brought = Contact.objects.filter(tenant=tenant, program=program, pk__gt=position)
            settled = brought.filter(created_at__lt=timezone.now() - SETTLED).order_by("pk")
            people = list(settled.only("subject_id", "created_at")[:AT_A_TIME])
            waiting = _untold(tenant, people, oldest)
        if people:
            position = people[-1].pk
        if not untold:
            found["known_upto"] = waiting[0].pk - 1 if waiting else position
            since = waiting[0].created_at if waiting else None
        untold += len(waiting)
        if len(people) < AT_A_TIME or untold >= MOST_UNTOLD:
            break
    with tenant_scope(tenant):
        # Unless somebody has said meanwhile that all of them know, or contacts.0019 has brought people from before.
        same = Program.objects.filter(
            tenant=tenant, pk=program.pk, notice_at=None, informed_at=program.informed_at, known_upto=program.known_upto
        )
        same.update(looked_at=timezone.now(), untold=untold, untold_since=since, **found)


def _untold(tenant: Tenant, people: list[Contact], oldest: datetime) -> list[Contact]:
    """Those since `oldest` who may not know."""
    known = walking.reached(tenant, [person.pk for person in people])
    said = ConsentEvent.objects.filter(
        tenant=tenant, subject_id__in=[person.subject_id for person in people], authority=Authority.PERSON
    )
    themselves = set(said.order_by().values_list("subject_id", flat=True).distinct())
    return [
        person
        for person in people
        if person.pk not in known and person.subject_id not in themselves and person.created_at >= oldest
    ]


def _due() -> tuple[datetime, datetime]:
    now = timezone.now()
    return now - LOOKS_BACK, now - REMINDED
