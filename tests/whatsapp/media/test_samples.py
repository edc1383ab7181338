"""Uploaded files as samples of templates with a media header."""

from pathlib import Path
from typing import Any

import pytest

from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from tests.whatsapp.media.cast import PNG, post
from whatsapp import syncing, tasks
from whatsapp.emulator import Running
from whatsapp.models import Number, Template


def template(sample: str, **fields: Any) -> dict[str, Any]:
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [sample]}}
    body = {"type": "BODY", "text": "Der Frühling ist da, und wir haben geöffnet."}
    return {"name": "bild", "language": "de", "category": "MARKETING", "components": [header, body], **fields}


def submit(alice: Caller, tenant: Tenant, definition: dict[str, Any]) -> Any:
    uid = alice.post("templates/", definition).json()["uid"]
    answer = alice.post(f"templates/{uid}/submit/")
    with tenant_scope(tenant):
        template_id = Template.objects.get(uid=uid).pk
    if answer.status_code == 202:
        tasks.submit_template(tenant_id=tenant.pk, template_id=template_id)
    return answer


def test_an_uploaded_file_becomes_the_sample_of_a_template(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]

    assert submit(alice, number.tenant, template(uid.upper())).status_code == 202

    assert meta.emulator.world.uploads == {}, "all bytes have come"
    (reviewed,) = meta.emulator.world.account(number.account.waba_id).templates.values()
    assert reviewed.components[0]["example"]["header_handle"][0].startswith("4::")
    assert meta.settle()
    syncing.sync(number.tenant_id, number.account_id)
    assert alice.get("templates/").json()["results"][0]["status"] == "APPROVED"


def test_the_cards_of_a_carousel_take_samples_too(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    button = {"type": "QUICK_REPLY", "text": "Mehr"}
    header = template(uid)["components"][0]
    card = {"components": [header, {"type": "BODY", "text": "Brot"}, {"type": "BUTTONS", "buttons": [button]}]}
    body = template(uid)["components"][1]

    answer = submit(alice, number.tenant, template(uid, components=[body, {"type": "CAROUSEL", "cards": [card, card]}]))

    assert answer.status_code == 202, answer.content
    (reviewed,) = meta.emulator.world.account(number.account.waba_id).templates.values()
    handles = {card["components"][0]["example"]["header_handle"][0] for card in reviewed.components[1]["cards"]}
    assert len(handles) == 1
    assert handles.pop().startswith("4::")


def test_a_handle_of_metas_own_is_passed_on(alice: Caller, number: Number, meta: Running) -> None:
    submit(alice, number.tenant, template("4::aW5k"))

    (reviewed,) = meta.emulator.world.account(number.account.waba_id).templates.values()
    assert reviewed.components[0]["example"]["header_handle"] == ["4::aW5k"]


def test_a_sample_must_be_a_file_of_the_tenant_and_of_a_kind_that_meta_reviews(
    bakery_made: NewTenant, shop_made: NewTenant, alice: Caller, number: Number, shop: Tenant, kept_in: Path
) -> None:
    factories.number(shop, phone_number_id="888")
    foreign = post(shop_made.api_key, PNG).json()["uid"]
    sticker = post(bakery_made.api_key, b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", "a.webp").json()["uid"]
    gone = post(bakery_made.api_key, PNG).json()["uid"]
    (kept_in / "media" / str(number.tenant_id) / f"{gone}.png").unlink()

    for name, (uid, words) in {"a": (foreign, "no uploaded"), "b": (sticker, "PNG"), "c": (gone, "no longer")}.items():
        answer = submit(alice, number.tenant, template(uid, name=name))
        assert answer.status_code == 400
        assert words in answer.json()["errors"]["header.example"][0]


@pytest.mark.parametrize("was_rejected", [False, True])
def test_a_sample_that_is_gone_by_the_time_of_submitting_makes_it_a_draft_again(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running, kept_in: Path, was_rejected: bool
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    mine = template(uid)
    if was_rejected:
        meta.add_template(number.account.waba_id, template("4::aW5k"), status="REJECTED")
        syncing.sync(number.tenant_id, number.account_id)
        (row,) = alice.get("templates/").json()["results"]
        alice.patch(f"templates/{row['uid']}/", {"components": mine["components"]})
    else:
        row = alice.post("templates/", mine).json()
    assert alice.post(f"templates/{row['uid']}/submit/").status_code == 202
    (kept_in / "media" / str(number.tenant_id) / f"{uid}.png").unlink()

    [(tenant_id, template_id)] = syncing.to_submit()
    tasks.submit_template(tenant_id=tenant_id, template_id=template_id)
    syncing.sync(number.tenant_id, number.account_id)

    told = alice.get(f"templates/{row['uid']}/").json()
    assert told["status"] == "DRAFT"
    assert told["rejected_reason"] == "Die Datei ist nicht mehr vorhanden. Bitte laden Sie sie erneut hoch."
    assert told["components"] == mine["components"]
    assert syncing.to_submit() == []
