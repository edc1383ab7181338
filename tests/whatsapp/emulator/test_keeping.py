"""A sandbox that is stopped and started again knows what was registered, as Meta would."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.whatsapp.emulator.cast import definition
from whatsapp.client import Client
from whatsapp.emulator import Profile, running
from whatsapp.emulator.state import DEFAULT_ACCOUNT
from whatsapp.errors import Refused

WABA, NUMBER = "1001", "2001"
PNG = b"\x89PNG\r\n\x1a\n" + b"bild" * 10


def client(base_url: str) -> Client:
    return Client(base_url, "v25.0", "token")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "emulator.json"


def test_accounts_numbers_and_templates_outlive_the_process(state: Path) -> None:
    with running(state=state) as meta:
        meta.add_account(WABA, name="Bäckerei Sonne")
        meta.add_number(NUMBER, WABA, display="+49 30 23125000", name="Bäckerei Sonne", throughput_per_s=1000)
        template_id = meta.add_template(WABA, definition("fruehling"))

    with running(state=state) as meta, client(meta.base_url) as known:
        (template,) = known.templates(WABA)
        numbers = list(known.numbers(WABA))

    assert (template["id"], template["status"], template["components"]) == (
        template_id,
        "APPROVED",
        definition("fruehling")["components"],
    )
    assert [(number["id"], number["display_phone_number"]) for number in numbers] == [(NUMBER, "+49 30 23125000")]


def test_a_number_still_tells_about_its_own_account(state: Path) -> None:
    with running(state=state) as meta:
        meta.add_account(WABA, is_subscribed=True)
        meta.add_number(NUMBER, WABA)

    with running(state=state) as meta:
        meta.say(NUMBER, "4915112345678", "Hallo")
        assert meta.settle()
        ((body, _),) = meta.take_webhooks()

    assert f'"id":"{WABA}"'.encode() in body
    assert DEFAULT_ACCOUNT.encode() not in body


def test_a_new_template_never_gets_the_id_of_an_old_one(state: Path) -> None:
    with running(state=state) as meta:
        old = meta.add_template(WABA, definition("fruehling"))

    with running(state=state) as meta, client(meta.base_url) as known:
        new = meta.add_template(WABA, definition("sommer"))
        listed = {template["id"] for template in known.templates(WABA)}

    assert listed == {old, new}


def test_what_was_in_review_is_reviewed_after_the_restart(state: Path) -> None:
    with running(Profile.perfect(reviewed_after_s=3600, speed=1), state=state) as meta, client(meta.base_url) as known:
        known.create_template(WABA, definition("fruehling"))
        known.create_template(WABA, definition("sommer_pending"))

    with running(state=state) as meta, client(meta.base_url) as known:
        assert meta.settle()
        status = {template["name"]: template["status"] for template in known.templates(WABA)}

    assert status == {"fruehling": "APPROVED", "sommer_pending": "PENDING"}


def test_an_uploaded_file_can_still_be_sent_and_fetched(state: Path) -> None:
    with running(state=state) as meta, client(meta.base_url) as known:
        meta.add_number(NUMBER, WABA)
        file_id = known.upload_media(NUMBER, PNG, "image/png", "bild.png")
        gone = known.upload_media(NUMBER, PNG, "image/png", "anderes.png")
        meta.emulator.keeper.write()
        known.delete_media(gone)

    with running(state=state) as meta, client(meta.base_url) as known:
        url = known.media(file_id)["url"]
        assert known.download_media(url) == PNG
        with pytest.raises(Refused):
            known.media(gone)


def test_its_own_apps_secret_is_kept_for_our_eyes_only(state: Path) -> None:
    with running(state=state) as meta:
        meta.add_account(WABA, app_secret="geheim", is_subscribed=True)

    with running(state=state) as meta:
        account = meta.emulator.world.account(WABA)

    assert (account.app_secret, account.is_subscribed) == ("geheim", True)
    assert state.stat().st_mode & 0o777 == 0o600


def test_a_killed_sandbox_has_written_what_it_knew_a_second_before(state: Path) -> None:
    with running(state=state) as meta:
        meta.add_number(NUMBER, WABA)
        meta.emulator.keeper.write()

        with running(state=state) as other, client(other.base_url) as known:
            assert [number["id"] for number in known.numbers(WABA)] == [NUMBER]


@pytest.mark.parametrize("content", ["{", "[]", '{"serial": 1, "accounts": [{"id": "1"}], "numbers": []}'])
def test_a_file_that_is_no_state_is_named(state: Path, content: str) -> None:
    state.write_text(content)

    with pytest.raises(CommandError, match=r"emulator\.json holds no emulator's state"):
        call_command("emulator", state=state, stdout=StringIO())
