"""A sandbox that is stopped and started again knows what was registered, as Meta would."""

import asyncio
from io import StringIO
from pathlib import Path
from time import sleep

import pytest
from django.core.management import CommandError, call_command

from tests.setup.services import eventually
from tests.whatsapp.emulator.cast import code_of, definition
from whatsapp.client import Client
from whatsapp.emulator import Emulator, Profile, running
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


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    state = tmp_path / "new" / "folder" / "emulator.json"
    with running(state=state) as meta:
        meta.add_number(NUMBER, WABA)

    with running(state=state) as meta, client(meta.base_url) as known:
        assert [number["id"] for number in known.numbers(WABA)] == [NUMBER]


def test_a_place_where_nothing_can_be_written_is_named_at_the_start(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatsapp.management.commands.emulator.serve", lambda *_, **__: None)
    state.write_text("")

    with pytest.raises(CommandError, match=r"--state: .*emulator\.json"):
        call_command("emulator", state=state / "below" / "emulator.json", stdout=StringIO())


def test_a_full_disk_is_reported_once_and_writing_goes_on_when_there_is_room(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("whatsapp.emulator.keeping.EVERY_S", 0.01)
    full, reports = state.with_name("emulator.json.new"), []
    with running(state=state) as meta:
        full.symlink_to("/dev/full")
        meta.add_number(NUMBER, WABA)
        assert eventually(lambda: reports.extend(capsys.readouterr().err.splitlines()) or reports)
        # It goes on trying.
        sleep(0.2)
        full.unlink()
        assert eventually(lambda: f'"{NUMBER}"' in state.read_text())

    reports += capsys.readouterr().err.splitlines()
    assert len(reports) == 1
    assert str(state) in reports[0]


def test_with_a_full_disk_it_still_stops_in_order(state: Path) -> None:
    emulator = Emulator(state=state)
    told = []

    async def stop() -> dict[str, str]:
        emulator.world.account(WABA)
        state.with_name("emulator.json.new").symlink_to("/dev/full")
        return {}

    async def receive() -> dict[str, str]:
        return await stop() if told else {}

    async def send(message: dict[str, str]) -> None:
        told.append(message["type"])

    asyncio.run(emulator({"type": "lifespan"}, receive, send))

    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_killed_while_a_deleted_file_is_removed_it_still_knows_the_file(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(state=state) as meta, client(meta.base_url) as known:
        meta.add_number(NUMBER, WABA)
        file_id = known.upload_media(NUMBER, PNG, "image/png", "bild.png")
        meta.emulator.keeper.write()
        known.delete_media(file_id)
        with monkeypatch.context() as patched:
            patched.setattr("whatsapp.emulator.keeping._replace", killed)
            with pytest.raises(KeyboardInterrupt):
                meta.emulator.keeper.write()

        with running(state=state) as other, client(other.base_url) as again:
            assert again.download_media(again.media(file_id)["url"]) == PNG


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_file_without_its_content_has_to_be_uploaded_again(state: Path) -> None:
    with running(state=state) as meta, client(meta.base_url) as known:
        file_id = known.upload_media(NUMBER, PNG, "image/png", "bild.png")

    state.with_name("emulator.json.files").joinpath(file_id).unlink()

    with running(state=state) as meta, client(meta.base_url) as known:
        assert code_of(lambda: known.media(file_id)) == 100
        assert [number["id"] for number in known.numbers(DEFAULT_ACCOUNT)] == [NUMBER]


def test_a_number_on_the_command_line_takes_nothing_from_what_was_kept(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(state=state) as meta, client(meta.base_url) as known:
        meta.add_number(NUMBER, WABA, display="+49 30 23125000")
        known.create_qr_code(NUMBER, "Ja, anmelden")
        known.block(NUMBER, "4915112345678")

    served = []
    monkeypatch.setattr(
        "whatsapp.management.commands.emulator.serve", lambda emulator, **_: served.append(emulator.world.numbers)
    )
    call_command("emulator", state=state, number=[f"{NUMBER}:{WABA}", "2002:1002"], stdout=StringIO())

    (numbers,) = served
    assert (numbers[NUMBER].display, numbers[NUMBER].blocked) == ("+49 30 23125000", {"4915112345678"})
    assert [code["prefilled_message"] for code in numbers[NUMBER].qr_codes.values()] == ["Ja, anmelden"]
    assert numbers["2002"].account_id == "1002"
