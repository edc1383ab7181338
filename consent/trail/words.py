"""Tells rows of audit trail and ledger in words: who, what, about whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent import telling
from consent.models import Channel, ConsentEvent, DataRequest, Purpose, Source
from consent.trail import changes
from consent.trail.reading import PERSON, Row
from contacts.models import Contact, Import
from tenants.models import ApiKey, AuditEvent, Tenant, User

# What verbs of the audit trail begin with …
NOUNS: dict[str, str | Promise] = {
    "account": gettext_lazy("WhatsApp account"),
    "agreement": gettext_lazy("Data processing agreement"),
    "api_key": gettext_lazy("API key"),
    "breach": gettext_lazy("Personal data breach"),
    "campaign": gettext_lazy("Campaign"),
    "company": gettext_lazy("Company"),
    "consent": gettext_lazy("Consent"),
    "contact": gettext_lazy("Contact"),
    "contacts": gettext_lazy("Contacts"),
    "data_request": gettext_lazy("Data request"),
    "handover": gettext_lazy("File with everything"),
    "import": gettext_lazy("Import"),
    "list": gettext_lazy("List"),
    "logo": gettext_lazy("Logo"),
    "media": gettext_lazy("File"),
    "message": gettext_lazy("Message"),
    "number": gettext_lazy("WhatsApp number"),
    "processor": gettext_lazy("Processor of the company"),
    "program": gettext_lazy("Program that brings people"),
    "segment": gettext_lazy("Segment"),
    "signup_codes": gettext_lazy("Voucher codes of a sign-up form"),
    "signup_form": gettext_lazy("Sign-up form"),
    "signup_place": gettext_lazy("Place of a sign-up form"),
    "subprocessor": gettext_lazy("Sub-processor"),
    "tag": gettext_lazy("Tag"),
    "template": gettext_lazy("Template"),
    "tenant": gettext_lazy("Workspace"),
    "trail": gettext_lazy("Activity log"),
    "wording": gettext_lazy("Consent text"),
}
# … and what they end with.
DEEDS: dict[str, str | Promise] = {
    "accepted": gettext_lazy("concluded"),
    "added": gettext_lazy("added"),
    "announced": gettext_lazy("announced to the company"),
    "archived": gettext_lazy("archived"),
    "asked": gettext_lazy("asked for"),
    "audience_changed": gettext_lazy("audience changed"),
    "blocked": gettext_lazy("number or address blocked"),
    "block_dropped": gettext_lazy("entry on the suppression list deleted"),
    "cancelled": gettext_lazy("cancelled"),
    "changed": gettext_lazy("changed"),
    "checked": gettext_lazy("checked"),
    "claim_dismissed": gettext_lazy("claim over a no dismissed"),
    "claim_offered": gettext_lazy("way back offered after a claim over a no"),
    "closed": gettext_lazy("closed"),
    "connected": gettext_lazy("connected"),
    "content_changed": gettext_lazy("content changed"),
    "created": gettext_lazy("created"),
    "declared_invalid": gettext_lazy("declared invalid"),
    "deleted": gettext_lazy("deleted"),
    "discarded": gettext_lazy("draft discarded"),
    "done": gettext_lazy("done"),
    "duplicated": gettext_lazy("copied"),
    "edited": gettext_lazy("edited"),
    "ended": gettext_lazy("ended"),
    "erased": gettext_lazy("erased"),
    "evidence_read": gettext_lazy("evidence looked at"),
    "exported": gettext_lazy("exported"),
    "extended": gettext_lazy("time extended"),
    "file_taken": gettext_lazy("file taken"),
    "granted": gettext_lazy("yes recorded"),
    "held_after_restore": gettext_lazy("stopped because a backup was put back"),
    "identified": gettext_lazy("person identified"),
    "informed": gettext_lazy("people told where their data come from"),
    "issued": gettext_lazy("issued"),
    "late_told": gettext_lazy("company told that the time is over"),
    "launch_failed": gettext_lazy("could not be started"),
    "launched": gettext_lazy("started"),
    "looked_at": gettext_lazy("looked at and done"),
    "mapped": gettext_lazy("columns assigned"),
    "members_added": gettext_lazy("contacts added"),
    "members_removed": gettext_lazy("contacts removed"),
    "merged": gettext_lazy("two contacts found to be one person"),
    "moved": gettext_lazy("number changed"),
    "noted": gettext_lazy("noted"),
    "notice_dropped": gettext_lazy("no longer said that people read the privacy notice where they give their data"),
    "noticed": gettext_lazy("said that people read the privacy notice where they give their data"),
    "number_moved": gettext_lazy("number changed by WhatsApp"),
    "objected": gettext_lazy("objection recorded"),
    "opened": gettext_lazy("opened"),
    "opted_out": gettext_lazy("taken as a withdrawal"),
    "paused": gettext_lazy("paused"),
    "people_taken": gettext_lazy("list of people taken"),
    "profile_linked": gettext_lazy("address added to the business profile"),
    "published": gettext_lazy("published"),
    "receipt_issued": gettext_lazy("receipt issued"),
    "refused": gettext_lazy("refused"),
    "reminded": gettext_lazy("company reminded of the deadline"),
    "removed": gettext_lazy("removed"),
    "reopened": gettext_lazy("opened again"),
    "renamed": gettext_lazy("renamed"),
    "requested": gettext_lazy("request recorded"),
    "restored": gettext_lazy("put back"),
    "restricted": gettext_lazy("processing restricted"),
    "resumed": gettext_lazy("resumed"),
    "retired": gettext_lazy("retired"),
    "revised": gettext_lazy("new draft"),
    "revoked": gettext_lazy("revoked"),
    "run": gettext_lazy("carried out"),
    "saved": gettext_lazy("saved"),
    "scheduled": gettext_lazy("scheduled"),
    "started": gettext_lazy("uploaded"),
    "submitted": gettext_lazy("submitted to Meta"),
    "suppressed": gettext_lazy("put on the suppression list"),
    "tagged": gettext_lazy("tagged"),
    "taken": gettext_lazy("taken"),
    "test_sent": gettext_lazy("test sent"),
    "told": gettext_lazy("told to the company"),
    "unrestricted": gettext_lazy("restriction lifted"),
    "unscheduled": gettext_lazy("schedule dropped"),
    "untagged": gettext_lazy("untagged"),
    "updated": gettext_lazy("changed"),
    "withdrawn": gettext_lazy("withdrawal recorded"),
}
CONTACT = Contact._meta.label
IMPORT, REQUEST = Import._meta.label, DataRequest._meta.label


@dataclass(frozen=True)
class Link:
    """Where what a row is about can be looked at: the name of the address, and what one has to be allowed to."""

    name: str
    uid: UUID
    title: str
    needs: str


@dataclass(frozen=True)
class Told:
    """One row in words; `contact` is the person it is about while they are a contact, `seq` its row in the ledger.

    `about` names nobody; the title of `link` may, a file is called whatever somebody has called it.
    """

    row: Row
    at: datetime
    who: str
    what: str
    about: str = ""
    contact: Contact | None = None
    details: str = ""
    tone: str = ""
    seq: int | None = None
    link: Link | None = None


def told(tenant: Tenant, rows: Sequence[Row]) -> list[Told]:
    """These rows in words, in the active language; five reads for all of them, in an open scope."""
    people, names, links = _people(tenant, rows), _names(tenant, rows), _links(tenant, rows)
    return [
        _action(row, people, links) if isinstance(row, AuditEvent) else _declaration(row, people, names) for row in rows
    ]


def verb(code: str) -> str:
    """A verb of the audit trail in words: "campaign.launched" → "Campaign: started"."""
    noun, _dot, deed = code.partition(".")
    return f"{NOUNS.get(noun, noun)}: {DEEDS.get(deed, deed.replace('_', ' '))}"


def _action(row: AuditEvent, people: Mapping[UUID, Contact], links: Mapping[tuple[str, str], Link]) -> Told:
    who = _name(row.user) if row.user else row.api_key.name if row.api_key else ""
    uid = _uuid(row.object_uid) if row.object_type == CONTACT else None
    contact = people.get(uid) if uid else None
    about = "" if row.object_type == CONTACT or row.object_type == Tenant._meta.label else row.object_name
    nobody = _("somebody who is not known any more") if row.user_id or row.api_key_id else "Zusage"
    details = changes.told(row.object_type, row.changes)
    link = links.get((row.object_type, row.object_uid))
    return Told(row, row.at, who or nobody, verb(row.verb), about, contact, details, link=link)


def _declaration(row: ConsentEvent, people: Mapping[UUID, Contact], names: Mapping[tuple[str, str], str]) -> Told:
    pair = f"{Channel(row.channel).label} · {Purpose(row.purpose).label}"
    return Told(
        row,
        row.recorded_at,
        _("the person") if row.actor_type == PERSON else names.get((row.actor_type, row.actor_id), "Zusage"),
        telling.state(row.state),
        contact=people.get(row.subject_id),
        details=f"{pair} · {Source(row.source).label}",
        tone=telling.tone(row.state),
        seq=row.seq,
    )


def _links(tenant: Tenant, rows: Sequence[Row]) -> dict[tuple[str, str], Link]:
    """Pages of the imports and data requests among these rows that are still there, by type and uid."""
    named: dict[str, set[UUID]] = {IMPORT: set(), REQUEST: set()}
    for row in rows:
        if isinstance(row, AuditEvent) and row.object_type in named and (uid := _uuid(row.object_uid)):
            named[row.object_type].add(uid)
    imports = Import.objects.filter(tenant=tenant, uid__in=named[IMPORT])
    requests = DataRequest.objects.filter(tenant=tenant, uid__in=named[REQUEST])
    pages = {(IMPORT, str(one.uid)): Link("import", one.uid, one.filename, "contacts:read") for one in imports}
    return pages | {
        (REQUEST, str(one.uid)): Link("data_request", one.uid, one.get_kind_display(), "consent:read")
        for one in requests
    }


def _people(tenant: Tenant, rows: Sequence[Row]) -> dict[UUID, Contact]:
    """Who these rows are about, by subject and by uid."""
    subjects = {row.subject_id for row in rows if isinstance(row, ConsentEvent)}
    named = [row for row in rows if isinstance(row, AuditEvent) and row.object_type == CONTACT]
    uids = {uid for row in named if (uid := _uuid(row.object_uid))}
    known = Contact.objects.filter(Q(subject_id__in=subjects) | Q(uid__in=uids), tenant=tenant)
    return {key: contact for contact in known for key in (contact.subject_id, contact.uid)}


def _names(tenant: Tenant, rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """Who of the team, and which programs, wrote these rows of the ledger."""
    actors = {(row.actor_type, row.actor_id) for row in rows if isinstance(row, ConsentEvent)}
    users = User.objects.filter(pk__in=[key for kind, key in actors if kind == "user" and key.isdecimal()])
    keys = ApiKey.objects.filter(tenant=tenant, prefix__in=[key for kind, key in actors if kind == "api_key"])
    known = {("user", str(user.pk)): _name(user) for user in users}
    known |= {("api_key", key.prefix): key.name for key in keys}
    gone = _("somebody who is not known any more")
    return {actor: known.get(actor, gone) for actor in actors if actor[0] in ("user", "api_key")}


def _name(user: User) -> str:
    return user.name or user.email


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
