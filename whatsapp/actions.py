"""What can be done with a tenant's WhatsApp side: connect a number, files, templates, mend a pause; read prices."""

import csv
import hashlib
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import connection, transaction
from django.template.defaultfilters import filesizeformat
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import Tenant
from tenants.scope import undo_on_rollback
from whatsapp import markets, profiles, samples, tasks
from whatsapp.models import Account, Media, Number, Rate, Template
from whatsapp.payloads import Problem, files, lint, promotion

STATUS = Template.Status
EDITABLE = (STATUS.DRAFT, STATUS.REJECTED)
RATE_COLUMNS = ("currency", "market", "category", "valid_from", "price", "source")


@transaction.atomic
def connect_number(
    *,
    tenant: Tenant,
    waba_id: str,
    phone_number_id: str,
    display_number: str,
    token: str,
    app_secret: str = "",
    verify_token: str = "",
    portfolio_id: str = "",
    throughput: int = 70,
    by: Actor,
) -> Number:
    """Store an account with its encrypted token and one of its numbers; connecting again updates both.

    `app_secret` and `verify_token` belong to the tenant's own Meta app; empty ones mean the shared app of the
    environment. `throughput` is messages a second, below Meta's limit for the number (80 by default, in and out).
    Raises ValidationError for a throughput below one, IntegrityError for a number of another tenant.
    """
    if throughput < 1:
        raise ValidationError({"throughput": _("At least one message a second.")})
    account, _created = Account.objects.get_or_create(
        tenant=tenant, waba_id=waba_id, defaults={"portfolio_id": portfolio_id or waba_id}
    )
    account.token, account.app_secret, account.verify_token = token, app_secret, verify_token
    account.portfolio_id = portfolio_id or account.portfolio_id
    account.paused_at = account.pause_code = None
    account.save()
    number, _created = Number.objects.update_or_create(
        tenant=tenant,
        phone_number_id=phone_number_id,
        defaults={"account": account, "display_number": display_number, "throughput": throughput},
    )
    audit(tenant=tenant, by=by, verb="number.connected", subject=number)
    return number


@transaction.atomic
def resume_account(*, account: Account, by: Actor) -> None:
    """Send again after somebody mended what Meta complained about (token, payment, policy)."""
    Account.objects.filter(pk=account.pk).update(paused_at=None, pause_code=None)
    audit(tenant=account.tenant, by=by, verb="account.resumed", subject=account)


@transaction.atomic
def resume_number(*, number: Number, by: Actor) -> None:
    """Send again on a paused number before its pause ends."""
    Number.objects.filter(pk=number.pk).update(paused_until=None, pause_code=None)
    audit(tenant=number.tenant, by=by, verb="number.resumed", subject=number)


@transaction.atomic
def add_to_profile(*, number: Number, address: str, by: Actor) -> None:
    """Have an address added to a number's business profile at Meta (in a worker), beside what stands there.

    Raises ValidationError where it has no room for it, or was not read yet.
    """
    number = Number.objects.select_for_update(of=("self",)).get(tenant=number.tenant_id, pk=number.pk)
    if number.profile is None:
        raise ValidationError({"profile": _("Meta has not told us this profile yet. Try again within the hour.")})
    if profiles.addition(number.profile, address) is None:
        raise ValidationError(
            {
                "profile": _(
                    "Both websites of the profile are taken, and its description has no room for the address. Change"
                    " one of them in Meta's WhatsApp Manager."
                )
            }
        )
    number.profile_link, number.profile_error = address, None
    number.save(update_fields=["profile_link", "profile_error"])
    audit(tenant=number.tenant, by=by, verb="number.profile_linked", subject=number)
    waking.wake(tasks.write_profile, tenant_id=number.tenant_id, number_id=number.pk)


@transaction.atomic
def save_template(
    *,
    tenant: Tenant,
    account: Account,
    name: str,
    language: str,
    category: str,
    components: list[dict[str, Any]],
    parameter_format: str = "POSITIONAL",
    template: Template | None = None,
    by: Actor,
) -> Template:
    """Create a draft, or change a draft or rejected one; raises ValidationError for any other state or a taken name."""
    if template is not None and template.status not in EDITABLE:
        raise ValidationError({"status": _("Only drafts and rejected templates can be changed. Make a new version.")})
    is_renamed = template is not None and (template.name, template.language) != (name, language)
    if template is not None and template.meta_id and is_renamed:
        raise ValidationError({"name": _("Meta knows this template by its name and language. Make a new one instead.")})
    namesake = Template.objects.filter(tenant=tenant, account=account, name=name, language=language).first()
    if namesake is not None and namesake != template:
        raise ValidationError({"name": _("There is a template of this name in this language already.")})
    row = template or Template(tenant=tenant, account=account)
    row.name, row.language, row.category = name, language, category
    row.components, row.parameter_format, row.status = components, parameter_format.upper(), STATUS.DRAFT
    row.updated_at = now()
    row.full_clean(exclude=["account", "tenant"])
    row.save()
    audit(tenant=tenant, by=by, verb="template.saved", subject=row)
    return row


def problems_of(template: Template) -> list[Problem]:
    """What Meta would reject about a template, found before sending it there."""
    return lint(
        {
            "name": template.name,
            "language": template.language,
            "category": template.category,
            "parameter_format": template.parameter_format.lower(),
            "components": template.components,
        }
    )


def warnings_of(template: Template) -> list[Problem]:
    """What is better changed before Meta sees it: advertising in a utility template, which no campaign can send."""
    found = promotion.in_parts(template.components) if template.category == Template.Category.UTILITY else []
    if not found:
        return []
    named = ", ".join(found)
    return [
        Problem(
            "category",
            f"Eine Utility-Vorlage darf nicht werben, diese tut es ({named}). Nehmen Sie die Werbung heraus oder wählen"
            " Sie die Kategorie Marketing; dafür braucht es die Einwilligung in Werbung.",
            f"A utility template must not advertise, this one does ({named}). Take it out, or choose the category"
            " marketing, which needs people's consent to advertising.",
        )
    ]


def told(problem: Problem) -> str:
    """A problem's sentence in the active language."""
    return problem.message_de if (get_language() or "de").startswith("de") else problem.message_en


@transaction.atomic
def submit_template(*, template: Template, by: Actor) -> None:
    """Send a draft to Meta for review (in a worker); raises ValidationError with everything Meta would reject."""
    if template.status not in EDITABLE:
        raise ValidationError({"status": _("This template was submitted already.")})
    problems: dict[str, list[str]] = {}
    for problem in problems_of(template):
        problems.setdefault(problem.field, []).append(told(problem))
    if text := _problem_of_samples(template):
        problems.setdefault("header.example", []).append(text)
    if problems:
        raise ValidationError(problems)
    moved = Template.objects.filter(pk=template.pk, status__in=EDITABLE).update(
        status=STATUS.PENDING, submit_due_at=now(), updated_at=now()
    )
    if not moved:
        raise ValidationError({"status": _("This template was submitted already.")})
    audit(tenant=template.tenant, by=by, verb="template.submitted", subject=template)
    waking.wake(tasks.submit_template, tenant_id=template.tenant_id, template_id=template.pk)


def _problem_of_samples(template: Template) -> str:
    known = samples.of(template)
    if set(known) != samples.uids_in(template.components):
        return _("There is no uploaded file with this uid.")
    if any(media.mime_type not in files.SAMPLES for media in known.values()):
        return _("A sample must be a JPEG, PNG, MP4 or PDF file.")
    if not all(media.is_kept for media in known.values()):
        return str(samples.GONE)
    return ""


@transaction.atomic
def add_media(*, tenant: Tenant, number: Number, file: File, filename: str, mime_type: str, by: Actor) -> Media:
    """Keep a file and bring it to Meta for this number (in a worker); the same file again is brought there once.

    Under another type it is another file. One that Meta refused or forgot is brought there again, one that is no
    longer here is kept again. Raises ValidationError for what Meta would not take.
    """
    mime_type = files.plain_type(mime_type)
    _check_file(file, mime_type)
    file.seek(0)
    digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
    _wait_for_equal(tenant, digest)
    same = {"tenant": tenant, "number": number, "sha256": digest, "mime_type": mime_type}
    media = Media.objects.select_for_update(of=("self",)).filter(**same).first() or Media(**same)
    is_kept = media.is_kept
    is_needed = media.state != Media.State.READY and media.upload_due_at is None
    media.filename = filename[-200:]
    if not is_kept:
        media.error = ""
        media.file.save(filename, file, save=False)
        undo_on_rollback(partial(media.file.storage.delete, str(media.file.name)))
    if is_needed:
        media.meta_id, media.error, media.created_at = "", "", now()
        media.upload_due_at, media.upload_tries = now(), 0
    media.save()
    if is_needed or not is_kept:
        audit(tenant=tenant, by=by, verb="media.added", subject=media)
    if is_needed:
        waking.wake(tasks.upload_media, tenant_id=tenant.pk, media_id=media.pk)
    return media


def _wait_for_equal(tenant: Tenant, digest: str) -> None:
    """Let whoever adds the same file at the same time commit first, so that it is found."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"media:{digest}", tenant.pk])


def _check_file(file: File, mime_type: str) -> None:
    # Whoever compared it with an earlier upload has read it to its end.
    file.seek(0)
    head = file.read(files.HEAD)
    rule = files.rule_for(mime_type, head)
    if rule is None:
        text = _(
            "WhatsApp takes no files of the type %(type)s: send images as JPEG or PNG, videos as MP4 or 3GP, audio as"
            " AAC, AMR, MP3, M4A or OGG, documents as PDF, text or Office files, stickers as WebP."
        )
        raise ValidationError({"file": text % {"type": mime_type or "?"}})
    if not file.size:
        raise ValidationError({"file": _("The file is empty.")})
    if file.size > rule.most:
        text = _("The file has %(size)s; WhatsApp takes at most %(most)s of this kind. Upload a smaller one.")
        raise ValidationError({"file": text % {"size": filesizeformat(file.size), "most": filesizeformat(rule.most)}})
    if not files.looks_like(mime_type, head):
        text = _("The file is not what its type %(type)s says. Save it in this format and upload it again.")
        raise ValidationError({"file": text % {"type": mime_type}})


def sync_templates(*, account: Account) -> None:
    """Fetch an account's templates from Meta, in a worker."""
    waking.wake(tasks.sync_account, tenant_id=account.tenant_id, account_id=account.pk)


@transaction.atomic
def delete_template(*, template: Template, by: Actor) -> None:
    """Remove a template, at Meta too (in a worker); raises ProtectedError while a campaign uses it."""
    audit(tenant=template.tenant, by=by, verb="template.deleted", subject=template)
    if template.meta_id and template.status != STATUS.DELETED:
        # If nobody hears it, the next sync shows the template again.
        waking.wake(
            tasks.delete_template,
            tenant_id=template.tenant_id,
            account_id=template.account_id,
            name=template.name,
            meta_id=template.meta_id,
        )
    template.delete()


@transaction.atomic
def import_rates(lines: Iterable[str]) -> int:
    """Add the prices of a CSV file (currency,market,category,valid_from,price,source), replacing those it names again.

    An empty price says that it changed on that day to one nobody told us. Returns how many rows there were. Raises
    ValidationError naming line and remedy, and then nothing was stored.
    """
    reader = csv.DictReader(lines)
    missing = {"currency", "market", "category", "valid_from", "price"} - set(reader.fieldnames or ())
    if missing:
        raise ValidationError(
            _("The first line must name the columns %(names)s.") % {"names": ", ".join(sorted(missing))}
        )
    rates = [_rate(row, line) for line, row in enumerate(reader, start=2)]
    Rate.objects.bulk_create(
        {(r.currency, r.market, r.category, r.valid_from): r for r in rates}.values(),
        update_conflicts=True,
        unique_fields=["currency", "market", "category", "valid_from"],
        update_fields=["price", "source"],
    )
    return len(rates)


def _rate(row: dict[str, str | None], line: int) -> Rate:
    values = {name: (value or "").strip() for name, value in row.items() if name in RATE_COLUMNS}
    rate = Rate(**{**values, "price": values["price"] or None})
    try:
        rate.clean_fields()
        if not markets.is_market(rate.market):
            raise ValidationError({"market": _("Unknown market “%(market)s”.") % {"market": rate.market}})
    except ValidationError as error:
        told = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
        raise ValidationError(_("Line %(line)s: %(problems)s") % {"line": line, "problems": told}) from None
    return rate
