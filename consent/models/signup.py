"""How people sign up: forms with their places and voucher codes, and requests that wait for a confirmation."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _

from consent.models.wordings import Wording, WordingVersion
from tenants.fields import TenantForeignKey, owner


class SignupForm(models.Model):
    """A page on which people ask to be written to, and the keyword that does the same in WhatsApp (CG-13)."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        CLOSED = "closed", _("closed")

    class Language(models.TextChoices):
        DE = "de", _("German")
        EN = "en", _("English")

    class Question(models.TextChoices):
        POSTCODE = "postcode", _("Postcode")
        BIRTHDAY = "birthday", _("Birthday")
        EMAIL = "email", _("E-mail address")
        CHOICE = "choice", _("A choice of answers")

    tenant = owner("signup_forms")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    # The last part of the page's address; free to be printed, so it stays.
    slug = models.SlugField(_("address"), max_length=50)
    name = models.CharField(_("name"), max_length=100)
    state = models.CharField(max_length=6, choices=State.choices, default=State.DRAFT)
    # The business number in which people confirm, E.164.
    number = models.CharField(_("WhatsApp number"), max_length=16)
    wording = TenantForeignKey(Wording, on_delete=models.PROTECT, related_name="signup_forms")
    # A second box that nobody has to tick: measuring, profiling.
    extra_wording = TenantForeignKey(
        Wording, null=True, blank=True, on_delete=models.PROTECT, related_name="extra_in_signup_forms"
    )
    headline = models.CharField(_("headline"), max_length=120)
    intro = models.TextField(_("introduction"), max_length=600, blank=True)
    # What people get for their yes, with its conditions (CG-05).
    benefit = models.CharField(_("benefit"), max_length=120, blank=True)
    benefit_terms = models.TextField(_("conditions of the benefit"), max_length=600, blank=True)
    # A raffle, a coffee at the counter; every other benefit is promised only while there are codes for it.
    without_code = models.BooleanField(_("the benefit needs no voucher code"), default=False, db_default=False)
    question = models.CharField(_("question"), max_length=10, choices=Question.choices, blank=True)
    question_label = models.CharField(_("wording of the question"), max_length=120, blank=True)
    # Of a choice: the attribute that takes the answer, and what can be chosen.
    question_attribute = models.CharField(_("attribute"), max_length=40, blank=True)
    question_answers = ArrayField(models.CharField(max_length=60), default=list, db_default=[], blank=True)
    # Of the form's own texts, which stay as they are while its consent text comes and goes in more languages.
    language = models.CharField(_("language"), max_length=5, choices=Language.choices, default="de", db_default="de")
    # The same texts in other languages, {"en": {"headline": …}}; consent.showing knows which and in which the rest is.
    translations = models.JSONField(default=dict, db_default={}, blank=True)
    # Whether people may join the company's topics here; what they are says contacts.models.ContactList.
    offers_topics = models.BooleanField(_("offer your topics"), default=False, db_default=False)
    keyword = models.CharField(_("keyword"), max_length=20, blank=True)
    # By page and keyword together; of each place beside it.
    requests = models.IntegerField(default=0, db_default=0, editable=False)
    confirmed = models.IntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="signup_form_uid"),
            models.UniqueConstraint(fields=["tenant", "slug"], name="signup_form_slug"),
            models.UniqueConstraint(
                fields=["tenant", "keyword"], name="one_form_per_keyword", condition=~models.Q(keyword="")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SignupPlace(models.Model):
    """Where a form is put up: a poster in the shop, a flyer, a profile; has a QR code and counts of its own."""

    tenant = owner("signup_places")
    form = TenantForeignKey(SignupForm, on_delete=models.CASCADE, related_name="places")
    # In the printed address, so short and never reused.
    code = models.CharField(max_length=12)
    name = models.CharField(_("name"), max_length=60)
    scans = models.IntegerField(default=0, db_default=0)
    requests = models.IntegerField(default=0, db_default=0)
    confirmed = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    # Out of the list; its codes go on working, because nobody knows where they were printed.
    archived_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="signup_place_code"),
            models.UniqueConstraint(fields=["tenant", "form", "name"], name="signup_place_name"),
        ]

    def __str__(self) -> str:
        return self.name


class SignupRequest(models.Model):
    """Somebody ticked the box and has not confirmed in WhatsApp yet; gone after fourteen days (CG-14).

    `sealed` holds what would name a person (address, browser, answers), encrypted; it moves into the ledger's evidence
    with the confirmation. Topics that were chosen lie in `aside`, encrypted too, which never does; so does the token,
    of which else the hash alone is known, because a page that is sent twice leads to one request.
    """

    tenant = owner("signup_requests")
    form = TenantForeignKey(SignupForm, on_delete=models.CASCADE, related_name="sign_ups")
    place = TenantForeignKey(SignupPlace, null=True, on_delete=models.CASCADE, related_name="sign_ups")
    version = TenantForeignKey(WordingVersion, on_delete=models.PROTECT, related_name="+")
    extra_version = TenantForeignKey(WordingVersion, null=True, on_delete=models.PROTECT, related_name="+")
    token_digest = models.CharField(max_length=64)
    language = models.CharField(max_length=5)
    sealed = models.TextField()
    # A column of its own, because workers of the release before make everything in `sealed` part of the proof.
    aside = models.TextField(default="", db_default="")
    # A keyed hash of what was sent, by whom, for which address or from which page: a double click is one. Null later.
    visit = models.BinaryField(null=True)
    requested_at = models.DateTimeField(default=now)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "token_digest"], name="signup_token_once"),
            models.UniqueConstraint(fields=["tenant", "visit"], name="one_sign_up_per_visit"),
        ]
        indexes = [models.Index(fields=["requested_at"], name="signup_request_by_time")]

    def __str__(self) -> str:
        return f"sign-up {self.pk}"


class AddressRequest(models.Model):
    """An e-mail address from a sign-up page, and the mail that asks for a yes to it (CG-11, CG-12).

    `sealed` holds the address as typed and what proves the request, encrypted; the confirmation moves it into the
    ledger's evidence. Goes with its sign-up.
    """

    tenant = owner("address_requests")
    signup = TenantForeignKey(SignupRequest, on_delete=models.CASCADE, related_name="addresses")
    # Whose address it is: known once the sign-up was confirmed in WhatsApp, or the address itself by the mail.
    contact = TenantForeignKey("contacts.Contact", null=True, on_delete=models.CASCADE, related_name="address_requests")
    # A keyed hash of the address, so that nobody's mailbox is flooded.
    mailbox = models.BinaryField()
    # Of the mail; until it goes out, of the request.
    day = models.DateField(default=localdate)
    sealed = models.TextField()
    # Made with the row, so that a mail that is sent again after an error is known to be the same one.
    message_id = models.CharField(max_length=200)
    requested_at = models.DateTimeField(default=now)
    # Set before the mail goes out, and taken back only where it is certain that the mail server took nothing: neither a
    # worker that dies nor a connection that breaks leaves a second mail.
    sent_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(default=now)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "signup"], name="one_address_per_sign_up"),
            # However many sign up for one mailbox, it gets one mail a day until somebody confirms there, also when
            # mails have waited for days.
            models.UniqueConstraint(
                fields=["tenant", "mailbox"], name="one_waiting_mail_per_mailbox", condition=models.Q(sent_at=None)
            ),
            models.UniqueConstraint(
                fields=["tenant", "mailbox", "day"],
                name="one_open_address_request_a_day",
                condition=models.Q(confirmed_at=None),
            ),
            models.CheckConstraint(
                name="confirmed_address_was_written_to",
                condition=models.Q(confirmed_at=None) | models.Q(sealed="", sent_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="address_request_owed", condition=models.Q(sent_at=None))
        ]

    def __str__(self) -> str:
        return f"address of sign-up {self.signup_id}"


class SignupCode(models.Model):
    """A voucher code of a form's pool; given to one person after the confirmation, and to nobody twice (M-63).

    Without a contact it is free; without a code it is owed: promised to this person when none was left.
    """

    tenant = owner("signup_codes")
    form = TenantForeignKey(SignupForm, on_delete=models.CASCADE, related_name="codes")
    code = models.CharField(max_length=40, null=True)
    contact = TenantForeignKey("contacts.Contact", null=True, on_delete=models.CASCADE, related_name="signup_codes")
    issued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "form", "code"], name="signup_code_once"),
            models.UniqueConstraint(fields=["tenant", "form", "contact"], name="one_signup_code_per_person"),
            models.CheckConstraint(
                name="signup_code_is_there_or_owed",
                condition=models.Q(code__isnull=False) | models.Q(contact__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["form", "id"], name="signup_code_free", condition=models.Q(contact=None))]

    def __str__(self) -> str:
        return f"code {self.pk}"
