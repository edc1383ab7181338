"""What people ask about their data (Art. 12-22 GDPR), and what was deleted because its time was over."""

import uuid
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts import phones
from contacts.models import Contact
from tenants.encryption import decrypt, encrypt
from tenants.fields import TenantForeignKey, owner


def where_exports_lie(request: "DataRequest", filename: str) -> str:
    """A folder of the company's own and a name that nobody can guess."""
    return f"exports/{request.tenant.uid}/{uuid.uuid4().hex}.zip"


class DataRequest(models.Model):
    """A person's request about their data: what was asked, until when, how it was answered and by whom (CG-40).

    Outlives the person's data: after an erasure it knows them by `subject_id`, as the ledger does, and by keyed hashes,
    so that what was done is still found by somebody who names the number.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", _("Access (Art. 15)")
        RECTIFICATION = "rectification", _("Rectification (Art. 16)")
        ERASURE = "erasure", _("Erasure (Art. 17)")
        RESTRICTION = "restriction", _("Restriction (Art. 18)")
        PORTABILITY = "portability", _("Data portability (Art. 20)")
        OBJECTION = "objection", _("Objection (Art. 21)")

    class Check(models.TextChoices):
        """How we know that it is them; a message from the same WhatsApp account is good proof (CG-40)."""

        WHATSAPP = "whatsapp", _("Wrote from the WhatsApp account on file")
        EMAIL = "email", _("Answered from the e-mail address on file")
        ACCOUNT = "account", _("Logged in to the customer account")
        IN_PERSON = "in_person", _("Known in person")
        QUESTIONS = "questions", _("Knew order number and other details")
        DOCUMENT = "document", _("Showed a document")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        # A worker is at it.
        WORKING = "working", _("In progress")
        CARRIED_OUT = "carried_out", _("To be answered")
        DONE = "done", _("Answered")
        REFUSED = "refused", _("Refused")

    tenant = owner("data_requests")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=13, choices=Kind.choices)
    state = models.CharField(max_length=11, choices=State.choices, default=State.OPEN)
    contact = TenantForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="data_requests")
    subject_id = models.UUIDField()
    is_of_stranger = models.BooleanField(default=False, db_default=False, editable=False)
    # What somebody who is no contact named themselves by; emptied with the answer.
    named_encrypted = models.TextField(blank=True, default="", db_default="", editable=False)
    # [["phone", "<hex>"], …]: set by an erasure and for somebody who is no contact, by each word of a name, too;
    # emptied with their time.
    digests = models.JSONField(default=list, blank=True)
    # How much an erasure has found of somebody who is no contact, by kind (consent.rights.strangers).
    found = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    # The last day for the answer: one month, with a reason two more (Art. 12(3)).
    due_date = models.DateField()
    # Of which last day the owners have been told that it is near, and that it has passed (consent.announcing).
    told_near = models.DateField(null=True, editable=False)
    told_late = models.DateField(null=True, editable=False)
    extended_because = models.CharField(_("reason"), max_length=500, blank=True, default="")
    checked_by = models.CharField(_("identity"), max_length=10, choices=Check.choices, blank=True, default="")
    # Free texts may name the person; an erasure empties them.
    note = models.TextField(_("note"), max_length=2000, blank=True, default="")
    answer = models.TextField(_("answer"), max_length=4000, blank=True, default="")
    created_by = models.ForeignKey("tenants.User", null=True, on_delete=models.SET_NULL, related_name="+")
    done_by = models.ForeignKey("tenants.User", null=True, on_delete=models.SET_NULL, related_name="+")
    carried_out_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    # The export, until its seven days are over.
    file = models.FileField(upload_to=where_exports_lie, max_length=200, blank=True, default="")
    file_until = models.DateTimeField(null=True)
    # Until when a worker has it; an expired lease lets another one go on.
    leased_until = models.DateTimeField(null=True)
    # Why the last attempt failed, in a sentence.
    error = models.CharField(max_length=300, blank=True, default="")
    # The person wished for no hash to stay, and a worker has to take it out of the record of erasures, too.
    is_dropping_hashes = models.BooleanField(default=False, db_default=False)
    # After an erasure: until when proofs and hashes are kept.
    kept_until = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "uid"], name="data_request_uid")]
        indexes = [
            models.Index(
                fields=["tenant", "due_date"], name="data_request_open", condition=~Q(state__in=["done", "refused"])
            ),
            models.Index(fields=["tenant", "contact"], name="data_request_by_contact"),
            models.Index(fields=["state"], name="data_request_at_work", condition=Q(state="working")),
            models.Index(fields=["tenant"], name="data_request_dropping_hashes", condition=Q(is_dropping_hashes=True)),
            models.Index(fields=["file_until"], name="data_request_file", condition=Q(file_until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def named(self) -> dict[str, Any]:
        """Name, number and address of somebody who is no contact; empty for contacts, and once it is over."""
        if not self.named_encrypted:
            return {}
        given: dict[str, Any] = orjson.loads(decrypt(self.named_encrypted, binding=self._binding))
        return given

    @named.setter
    def named(self, given: dict[str, Any]) -> None:
        self.named_encrypted = encrypt(orjson.dumps(given).decode(), binding=self._binding) if given else ""

    @property
    def named_as(self) -> str:
        """The same in one line, to be read by people."""
        named = self.named
        if "phone" in named:
            named["phone"] = phones.shown(named["phone"]).replace(" ", "\N{NO-BREAK SPACE}")
        return " · ".join(named[kind] for kind in ("name", "phone", "email") if kind in named)

    @property
    def reached_by(self) -> dict[str, Any]:
        """Number and address alone, by which people are found and blocked."""
        return {kind: value for kind, value in self.named.items() if kind != "name"}

    @property
    def is_by_name_only(self) -> bool:
        """Whether a name is all that they gave: it may be another's, too, so nobody is found or blocked by it."""
        return bool(self.digests) and all(kind == "name" for kind, _key in self.digests)

    @property
    def _binding(self) -> str:
        return f"DataRequest.named:{self.uid}"

    @property
    def has_droppable_block(self) -> bool:
        """Whether it is a finished erasure, whose hashes on the suppression list can go too at an explicit wish."""
        is_erased = self.kind == self.Kind.ERASURE and self.state == self.State.DONE and not self.is_of_stranger
        return is_erased and bool(self.digests)

    @property
    def is_over(self) -> bool:
        """Whether the person has been answered, one way or the other."""
        return self.state in (self.State.DONE, self.State.REFUSED)

    @property
    def is_overdue(self) -> bool:
        """Whether the last day has passed without an answer, where the company is."""
        today = timezone.localdate(timezone=ZoneInfo(self.tenant.timezone))
        return not self.is_over and self.due_date < today

    @property
    def makes_a_file(self) -> bool:
        """Whether carrying it out builds an export."""
        return self.kind in (self.Kind.ACCESS, self.Kind.PORTABILITY)

    @property
    def audit_name(self) -> str:
        """The audit trail outlives an erasure, so it knows requests by uid only."""
        return str(self.uid)


class Disposal(models.Model):
    """What was deleted or made anonymous because its time was over: what, how many, when (consent-gdpr § 10, CG-55)."""

    class What(models.TextChoices):
        MESSAGES = "messages", _("Messages past their time, made anonymous")
        CLICKS = "clicks", _("Clicks past their time, made anonymous")
        INBOUND = "inbound", _("Received messages past their time")
        CONSENTS = "consents", _("Consents that nobody used any more, expired")
        LAPSED = "lapsed", _("Requests to sign up that nobody confirmed within 7 days, expired")
        SIGN_UPS = "sign_ups", _("Requests to sign up, after 14 days")
        PROOFS = "proofs", _("Proofs of consents that ended, after the third calendar year")
        EXPORTS = "exports", _("Exports older than 7 days")
        IMPORTS = "imports", _("Uploaded import files, after 30 days")
        LINES = "lines", _("Rejected and noted lines of imports, after 30 days")

    tenant = owner("disposals")
    what = models.CharField(max_length=10, choices=What.choices)
    count = models.IntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="disposal_newest_first")]

    def __str__(self) -> str:
        return f"{self.count} {self.what}"
