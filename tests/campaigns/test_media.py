"""Campaigns with uploaded pictures: from the file to the phone, and renewed as long as they need it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils.timezone import now
from django.utils.translation import override
from pytest_django import Settings

from campaigns import freezing, preflight, renewing
from campaigns import tasks as campaign_tasks
from campaigns.models import Campaign, Variant
from messaging.engine import Engine
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, states
from tests.contacts.calls import Caller
from whatsapp import actions, syncing, tasks, uploading
from whatsapp.client import Client
from whatsapp.emulator import Running
from whatsapp.models import Media, Number, Template

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def kept_here(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def number(bakery: Tenant, meta: Running) -> Number:
    number = factories.number(bakery)
    meta.add_number(number.phone_number_id, number.account.waba_id)
    return number


def picture(number: Number, content: bytes = PNG) -> Media:
    """A file of the bakery that a worker has brought to Meta."""
    with tenant_scope(number.tenant):
        media = actions.add_media(
            tenant=number.tenant,
            number=number,
            file=ContentFile(content),
            filename="bild.png",
            mime_type="image/png",
            by=None,
        )
    tasks.upload_media(tenant_id=number.tenant_id, media_id=media.pk)
    with tenant_scope(number.tenant):
        media.refresh_from_db()
    assert media.state == Media.State.READY
    return media


def with_picture(media: Media) -> dict[str, Any]:
    return {**factories.VARIABLES, "header": {"kind": "image", "media": str(media.uid)}}


def spelled(media: Media, spelling: str) -> dict[str, Any]:
    return with_picture(media) | {"header": {"kind": "image", "media": spelling.format(media.uid)}}


def change(media: Media, **fields: Any) -> None:
    with tenant_scope(media.tenant):
        Media.objects.filter(pk=media.pk).update(**fields)


def campaign_with(media: Media, template: Template | None = None) -> Campaign:
    people = factories.contacts(media.tenant, 2, start=Campaign.objects.count() * 10)
    return draft(media.tenant, people, variables=with_picture(media), template=template)


@pytest.mark.django_db(transaction=True)
def test_a_picture_goes_from_the_upload_by_the_review_to_every_phone(
    number: Number, meta: Running, engine: Engine
) -> None:
    media = picture(number)
    parts = [dict(part) for part in factories.MARKETING_COMPONENTS]
    parts[0]["example"] = {"header_handle": [str(media.uid)]}
    with tenant_scope(number.tenant):
        template = actions.save_template(
            tenant=number.tenant,
            account=number.account,
            name="bild",
            language="de",
            category="MARKETING",
            components=parts,
            by=None,
        )
        actions.submit_template(template=template, by=None)
    tasks.submit_template(tenant_id=number.tenant_id, template_id=template.pk)
    assert meta.settle()
    syncing.sync(number.tenant_id, number.account_id)
    with tenant_scope(number.tenant):
        template.refresh_from_db()

    campaign = launch(campaign_with(media, template))
    freezing.freeze(number.tenant_id, campaign.pk)
    engine.run(5)

    # Meta refuses ids of files that it does not know.
    assert states(campaign) == {"ACCEPTED": 2}


@pytest.mark.django_db(transaction=True)
def test_what_is_launched_sends_the_picture_under_its_renewed_id(number: Number, meta: Running, engine: Engine) -> None:
    media = picture(number)
    factories.template(number.tenant)
    campaign = launch(campaign_with(media))
    freezing.freeze(number.tenant_id, campaign.pk)
    change(media, expires_at=now() + timedelta(days=4))

    assert renewing.due() == [media.pk]
    campaign_tasks.renew_files()
    # It waits for its turn, once.
    assert renewing.due() == []
    [(tenant_id, media_id)] = uploading.due()
    tasks.upload_media(tenant_id=tenant_id, media_id=media_id)
    assert renewing.due() == uploading.due() == []

    old_id = media.meta_id
    with Client(meta.base_url, "v25.0", "token") as client:
        client.delete_media(old_id)
    with tenant_scope(number.tenant):
        media.refresh_from_db()
    assert media.meta_id != old_id
    engine.run(5)
    assert states(campaign) == {"ACCEPTED": 2}


SPELLINGS = ["{0.hex}", "urn:uuid:{0}", "{{{0}}}"]


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_api_stores_a_files_uid_in_its_usual_spelling(number: Number, alice: Caller, spelling: str) -> None:
    media, template = picture(number), factories.template(number.tenant)
    variant = {"template": str(template.uid), "variables": spelled(media, spelling)}

    answer = alice.post("campaigns/", {"name": "x", "variants": [variant]})

    assert answer.json()["variants"][0]["variables"] == with_picture(media)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_files_uid_in_another_spelling_that_was_stored_before_finds_the_file(
    number: Number, meta: Running, engine: Engine, spelling: str
) -> None:
    media = picture(number)
    factories.template(number.tenant)
    people = factories.contacts(number.tenant, 2)
    campaign = launch(draft(number.tenant, people, variables=spelled(media, spelling)))
    freezing.freeze(number.tenant_id, campaign.pk)
    change(media, expires_at=now() + timedelta(days=4))

    assert renewing.due() == [media.pk]
    engine.run(5)
    assert states(campaign) == {"ACCEPTED": 2}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "is_due"),
    [("draft", False), ("scheduled", True), ("running", True), ("paused", True), ("finished", False)],
)
def test_only_what_is_scheduled_or_has_begun_keeps_its_files_fresh(number: Number, state: str, is_due: bool) -> None:
    media = picture(number)
    campaign = campaign_with(media)
    with tenant_scope(number.tenant):
        source = factories.outbox.open_source(
            tenant=number.tenant, kind="campaign", name="x", number=number, purpose="marketing"
        )
        Campaign.objects.filter(pk=campaign.pk).update(state=state, due_at=now(), source=source)
    assert renewing.due() == []

    change(media, expires_at=now() + timedelta(days=4))

    assert bool(renewing.due()) is is_due


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"meta_id": ""}, "on its way"),
        ({"meta_id": "", "error": "zu klein (131053)"}, "zu klein (131053)"),
        ({"expires_at": now() - timedelta(days=1)}, "30 days"),
        ({"mime_type": "video/mp4"}, "needs an image"),
        ({"number_id": None}, "template's WhatsApp account"),
    ],
)
def test_the_launch_check_says_what_is_wrong_with_the_file(number: Number, fields: dict[str, Any], words: str) -> None:
    media = picture(number)
    campaign = campaign_with(media)
    if "number_id" in fields:
        with tenant_scope(number.tenant):
            other = actions.connect_number(
                tenant=number.tenant,
                waba_id="another",
                phone_number_id="999",
                display_number="+49 30 23125999",
                token="token",
                by=None,
            )
        fields = {"number_id": other.pk}
    with tenant_scope(number.tenant):
        assert all(check.ok for check in preflight.checks(campaign))

    change(media, **fields)

    with tenant_scope(number.tenant), override("en"):
        texts = [check.text for check in preflight.checks(campaign) if not check.ok]
    assert len(texts) == 1
    assert words in texts[0]


def test_renewing_is_rung_by_the_clock(settings: Settings) -> None:
    rung = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert {campaign_tasks.renew_files.name, tasks.upload_left_behind.name} <= rung


@pytest.mark.django_db
def test_however_many_files_are_due_all_are_renewed(number: Number) -> None:
    campaign = campaign_with(picture(number))
    with tenant_scope(number.tenant):
        files = Media.objects.bulk_create(
            Media(
                tenant=number.tenant,
                number=number,
                sha256=str(n),
                mime_type="image/png",
                meta_id="1",
                expires_at=now() + timedelta(days=4),
            )
            for n in range(150)
        )
        Variant.objects.bulk_create(
            Variant(tenant=number.tenant, campaign=campaign, number=n, variables=with_picture(media))
            for n, media in enumerate(files, start=1)
        )
        Campaign.objects.update(state="scheduled", due_at=now())

    campaign_tasks.renew_files()

    with tenant_scope(number.tenant):
        assert Media.objects.filter(upload_due_at__isnull=False).count() == 150
