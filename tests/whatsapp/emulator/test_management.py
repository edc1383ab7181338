"""The emulator's management API: QR codes and their pictures, templates and their limits."""

from time import monotonic

import httpx
import pytest

from tests.whatsapp.emulator.cast import ACCOUNT, NUMBER, code_of, definition, refusal_of
from whatsapp.client import Client
from whatsapp.emulator import Running


@pytest.mark.parametrize(
    ("kind", "mime_type", "begin"), [("SVG", "image/svg+xml", b"<svg "), ("PNG", "image/png", b"\x89PNG\r\n\x1a\n")]
)
def test_the_picture_of_a_qr_code_can_be_fetched_without_token(
    client: Client, kind: str, mime_type: str, begin: bytes
) -> None:
    made = client.create_qr_code(NUMBER, "Ja, anmelden", image=kind)

    picture = httpx.get(made["qr_image_url"])

    assert (picture.status_code, picture.headers["content-type"]) == (200, mime_type)
    assert picture.content.startswith(begin)
    if kind == "SVG":
        assert made["deep_link_url"] in picture.text
    client.delete_qr_code(NUMBER, made["code"])
    assert httpx.get(made["qr_image_url"]).status_code == 404


def test_a_qr_code_is_svg_or_png(client: Client) -> None:
    assert refusal_of(lambda: client.create_qr_code(NUMBER, "Ja", image="GIF")).code == 100
    assert client.qr_codes(NUMBER) == []


def test_a_number_has_at_most_2000_qr_codes(client: Client, sandbox: Running) -> None:
    codes = sandbox.emulator.world.number(NUMBER).qr_codes
    first = client.create_qr_code(NUMBER, "Ja")
    codes |= {f"C{n}": first | {"code": f"C{n}"} for n in range(1999)}

    assert "2000" in refusal_of(lambda: client.create_qr_code(NUMBER, "Ja")).details
    assert client.edit_qr_code(NUMBER, first["code"], "Doch")["prefilled_message"] == "Doch"


def test_a_number_that_is_described_anew_keeps_what_was_done_over_the_api(client: Client, sandbox: Running) -> None:
    client.create_qr_code(NUMBER, "Ja, anmelden")
    client.block(NUMBER, "4915112345678")
    client.edit_profile(NUMBER, {"about": "Frisch aus dem Ofen"})
    client.post(NUMBER, {"webhook_configuration": {"override_callback_uri": "https://own.example"}})
    client.post(f"{NUMBER}/deregister")

    sandbox.add_number(NUMBER, ACCOUNT, name="Bäckerei Sonne")

    number = client.number(NUMBER)
    assert (number["verified_name"], number["status"]) == ("Bäckerei Sonne", "PENDING")
    assert number["webhook_configuration"]["phone_number"] == "https://own.example"
    assert [code["prefilled_message"] for code in client.qr_codes(NUMBER)] == ["Ja, anmelden"]
    assert client.profile(NUMBER)["about"] == "Frisch aus dem Ofen"
    assert [user["wa_id"] for user in client.get(f"{NUMBER}/block_users")["data"]] == ["4915112345678"]

    sandbox.add_number(NUMBER, ACCOUNT, webhook_url="", is_registered=True)

    number = client.number(NUMBER)
    assert (number["status"], number["webhook_configuration"]["phone_number"]) == ("CONNECTED", "")


def test_an_account_that_is_described_anew_keeps_its_override(client: Client, sandbox: Running) -> None:
    client.subscribe(ACCOUNT, callback_url="https://own.example", verify_token="secret")

    sandbox.add_account(ACCOUNT, name="Bäckerei Sonne")

    assert [app["override_callback_uri"] for app in client.subscriptions(ACCOUNT)] == ["https://own.example"]


def test_the_name_of_a_deleted_template_is_blocked_for_30_days(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, definition("sale"))
    client.delete_template(ACCOUNT, "sale")

    assert refusal_of(lambda: client.create_template(ACCOUNT, definition("sale"))).subcode == 2388023
    assert client.create_template(ACCOUNT, definition("sale", language="en"))["id"]
    assert client.create_template("another", definition("sale"))["id"]
    # At this speed 30 days are over before the next call.
    sandbox.configure(speed=1e12)
    assert client.create_template(ACCOUNT, definition("sale"))["id"]


def test_a_name_that_was_never_approved_is_free_again_at_once(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, definition("sale"), status="REJECTED")
    client.delete_template(ACCOUNT, "sale")

    assert client.create_template(ACCOUNT, definition("sale"))["id"]


def test_the_name_of_an_approved_template_is_blocked_also_while_an_edit_is_reviewed(
    client: Client, sandbox: Running
) -> None:
    sandbox.configure(speed=1, reviewed_after_s=3600)
    template_id = sandbox.add_template(ACCOUNT, definition("sale"))
    client.edit_template(template_id, {"components": definition("sale", "Der Sommer ist da.")["components"]})
    client.delete_template(ACCOUNT, "sale")

    assert refusal_of(lambda: client.create_template(ACCOUNT, definition("sale"))).subcode == 2388023


def test_only_a_delete_deletes_templates(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, definition("sale"))

    for method in ("PUT", "PATCH", "HEAD"):
        answer = httpx.request(
            method,
            f"{sandbox.base_url}/v25.0/{ACCOUNT}/message_templates?name=sale",
            headers={"Authorization": "Bearer token"},
        )
        assert answer.status_code == 400

    assert [item["name"] for item in client.templates(ACCOUNT)] == ["sale"]


@pytest.mark.parametrize(("handle", "code"), [("4::aW5k", 0), ("aW5k", 100), ("https://shop.example/a.png", 100)])
def test_a_template_takes_the_handle_of_a_sample_and_nothing_else(client: Client, handle: str, code: int) -> None:
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}}
    body = definition("sale")["components"][0]
    button = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Mehr"}]}
    cards = {"type": "CAROUSEL", "cards": [{"components": [header, body, button]}] * 2}
    for name, parts in (("picture", [header, body]), ("cards", [body, cards])):
        made = definition(name, components=parts)
        assert code_of(lambda made=made: client.create_template(ACCOUNT, made)) == code


def test_an_edit_takes_the_handle_of_a_sample_and_nothing_else(client: Client, sandbox: Running) -> None:
    template_id = sandbox.add_template(ACCOUNT, definition("sale"))
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["invented"]}}
    changes = {"components": [header, *definition("sale")["components"]]}

    assert code_of(lambda: client.edit_template(template_id, changes)) == 100
    header["example"] = {"header_handle": [client.upload_sample("app", b"\x89PNG\r\n\x1a\n", "image/png", "a.png")]}
    client.edit_template(template_id, changes)


def test_an_approved_template_is_edited_once_a_day(client: Client, sandbox: Running) -> None:
    template_id = sandbox.add_template(ACCOUNT, definition("sale"))
    better = {"components": definition("sale", "Der Sommer ist da.")["components"]}
    client.edit_template(template_id, better)
    sandbox.judge_template(template_id, "APPROVED")

    assert "24 hours" in refusal_of(lambda: client.edit_template(template_id, better)).details
    sandbox.judge_template(template_id, "REJECTED")
    client.edit_template(template_id, better)


def test_an_approved_template_is_edited_ten_times_in_30_days(client: Client, sandbox: Running) -> None:
    template_id = sandbox.add_template(ACCOUNT, definition("sale"))
    template = sandbox.emulator.world.template(template_id)
    assert template is not None
    ten_days_ago = monotonic() - 10 * 86_400
    template.edited_at = [ten_days_ago] * 9
    better = {"components": definition("sale", "Der Sommer ist da.")["components"]}
    client.edit_template(template_id, better)

    template.edited_at = [ten_days_ago] * 10
    sandbox.judge_template(template_id, "APPROVED")

    assert "30 days" in refusal_of(lambda: client.edit_template(template_id, better)).details


def test_a_faulty_edit_uses_nothing_up(client: Client, sandbox: Running) -> None:
    template_id = sandbox.add_template(ACCOUNT, definition("sale"))
    faulty = {"components": [{"type": "BODY", "text": "{{1}} ist da, liebe Leute von nebenan."}]}

    assert refusal_of(lambda: client.edit_template(template_id, faulty)).subcode == 2388299
    client.edit_template(template_id, {"components": definition("sale", "Der Sommer ist da.")["components"]})


def test_several_templates_are_deleted_by_their_ids(client: Client, sandbox: Running) -> None:
    one, two, three = (sandbox.add_template(ACCOUNT, definition(name)) for name in ("one", "two", "three"))

    client.delete(f"{ACCOUNT}/message_templates", hsm_ids=f'["{one}",{two}]')

    assert [item["id"] for item in client.templates(ACCOUNT)] == [three]
    for wrong in ("[]", "{}", str(["1"] * 101).replace("'", '"')):
        assert refusal_of(lambda ids=wrong: client.delete(f"{ACCOUNT}/message_templates", hsm_ids=ids)).code == 100


def test_a_disabled_template_cannot_be_deleted(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, definition("sale"), status="DISABLED")

    assert refusal_of(lambda: client.delete_template(ACCOUNT, "sale")).code == 100
    assert [item["name"] for item in client.templates(ACCOUNT)] == ["sale"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"quality_score": "UNKNOWN"}, ["spring", "summer"]),
        ({"quality_score": "RED"}, []),
        ({"content": "sommer"}, ["summer"]),
        ({"name_or_content": "spring"}, ["spring"]),
        ({"name_or_content": "Sommer"}, ["summer"]),
        ({"name_or_content": "ist da", "name": "spring"}, ["spring"]),
    ],
)
def test_the_list_is_filtered_by_quality_and_words(
    client: Client, sandbox: Running, filters: dict[str, str], names: list[str]
) -> None:
    sandbox.add_template(ACCOUNT, definition("spring"))
    sandbox.add_template(ACCOUNT, definition("summer", "Der Sommer ist da."))

    assert [item["name"] for item in client.templates(ACCOUNT, **filters)] == names


def test_the_address_of_the_next_page_asks_for_the_same(client: Client, sandbox: Running) -> None:
    for n in range(5):
        sandbox.add_template(ACCOUNT, definition(f"spring_{n}"))
        sandbox.add_template(ACCOUNT, definition(f"summer_{n}", "Der Sommer ist da."))

    pages = pages_from(sandbox, f"{sandbox.base_url}/v25.0/{ACCOUNT}/message_templates?content=sommer&limit=2", "next")

    assert [names for _, names in pages] == [["summer_0", "summer_1"], ["summer_2", "summer_3"], ["summer_4"]]
    assert all("/v25.0/" in url for url, _ in pages)


def test_a_list_is_read_backwards_too(client: Client, sandbox: Running) -> None:
    for n in range(5):
        sandbox.add_template(ACCOUNT, definition(f"spring_{n}"))

    pages = pages_from(
        sandbox, f"{sandbox.base_url}/v25.0/{ACCOUNT}/message_templates?before=5&limit=2&status=APPROVED", "previous"
    )

    assert [names for _, names in pages] == [["spring_3", "spring_4"], ["spring_1", "spring_2"], ["spring_0"]]


def pages_from(sandbox: Running, url: str, way: str) -> list[tuple[str, list[str]]]:
    """The addresses of the pages that follow each other, with the names on them."""
    pages = []
    while url:
        answer = httpx.get(url, headers={"Authorization": "Bearer token"}).json()
        pages.append((url, [item["name"] for item in answer["data"]]))
        url = answer["paging"].get(way, "")
    return pages
