from collections.abc import Callable, Iterator
from io import BytesIO

import httpx
import pytest

from whatsapp.client import Accepted, Client, Usage, read_answer, read_usage
from whatsapp.emulator import Running, running
from whatsapp.errors import NotSent, Refused, UnknownOutcome
from whatsapp.payloads import Recipient, messages, templates

ACCOUNT, NUMBER = "102290129340398", "106540352242922"
HELLO = templates.template(Recipient(phone="+4930231254001"), "hello", "de", callback="a:1")
TEMPLATE = {
    "name": "spring_sale",
    "category": "MARKETING",
    "language": "de",
    "components": [{"type": "BODY", "text": "Der Frühling ist da."}],
}


@pytest.fixture(scope="module")
def meta() -> Iterator[Running]:
    with running() as emulator:
        emulator.add_number(NUMBER, ACCOUNT, display="+49 30 901820", name="Bäckerei Sonne")
        yield emulator


@pytest.fixture
def client(meta: Running) -> Iterator[Client]:
    meta.reset()
    with Client(meta.base_url, "v25.0", "token") as client:
        yield client


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    """A client whose Meta is a function."""
    return Client("https://graph.test", "v25.0", "token", httpx.Client(transport=httpx.MockTransport(answer)))


def test_a_sent_message_is_accepted_with_its_id(client: Client, meta: Running) -> None:
    accepted = client.send(NUMBER, HELLO)

    (entry,) = meta.ledger.with_callback("a:1")
    assert accepted == Accepted(entry.wamid, "4930231254001", "", "accepted")
    assert not accepted.is_held


def test_the_marketing_way_takes_the_same_body(client: Client, meta: Running) -> None:
    client.send_marketing(NUMBER, templates.for_marketing(HELLO))

    assert [entry.category for entry in meta.ledger] == ["marketing_lite"]


def test_a_refusal_carries_code_details_and_rule(client: Client) -> None:
    with pytest.raises(Refused) as refusal:
        client.send(NUMBER, {"messaging_product": "whatsapp", "type": "text", "to": "+4930231254001"})

    assert (refusal.value.code, refusal.value.http_status) == (131008, 400)
    assert refusal.value.details
    assert refusal.value.fbtrace_id
    assert refusal.value.rule.code == 131008


def test_a_message_is_marked_read(client: Client, meta: Running) -> None:
    wamid = meta.say(NUMBER, "4930231254001", "Hallo")

    client.mark_read(NUMBER, wamid, typing=True)

    assert len(meta.ledger) == 0


def test_a_template_lives_from_creation_to_deletion(client: Client, meta: Running) -> None:
    created = client.create_template(ACCOUNT, TEMPLATE)
    assert created["status"] == "PENDING"
    assert meta.settle()

    assert client.template(created["id"])["status"] == "APPROVED"
    client.edit_template(created["id"], {"components": [{"type": "BODY", "text": "Der Sommer ist da."}]})
    assert meta.settle()
    assert client.template(created["id"])["components"][0]["text"] == "Der Sommer ist da."
    client.delete_template(ACCOUNT, "spring_sale", template_id=created["id"])
    assert list(client.templates(ACCOUNT)) == []


def test_every_page_of_templates_is_read(client: Client, meta: Running) -> None:
    for number in range(7):
        meta.add_template("9001", TEMPLATE | {"name": f"offer_{number}"})

    names = [template["name"] for template in client.templates("9001", limit=3)]

    assert names == [f"offer_{number}" for number in range(7)]
    assert [item["name"] for item in client.templates("9001", name="offer_4")] == ["offer_4"]


def test_a_paused_template_can_be_unpaused(client: Client, meta: Running) -> None:
    template_id = meta.add_template("9002", TEMPLATE, status="PAUSED")

    client.unpause_template(template_id)

    assert client.template(template_id)["status"] == "APPROVED"


def test_a_faulty_template_is_refused_with_a_subcode_for_the_tenant(client: Client) -> None:
    faulty = TEMPLATE | {"components": [{"type": "BODY", "text": "{{1}} ist da, liebe Leute von nebenan."}]}

    with pytest.raises(Refused) as refusal:
        client.create_template(ACCOUNT, faulty)

    assert (refusal.value.code, refusal.value.subcode) == (100, 2388299)
    assert refusal.value.rule.code == 2388299
    assert refusal.value.user_msg


def test_a_file_comes_back_as_it_was_uploaded(client: Client) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40

    media_id = client.upload_media(NUMBER, BytesIO(content), "image/png", "offer.png")

    described = client.media(media_id, NUMBER)
    assert described["mime_type"] == "image/png"
    assert client.download_media(described["url"]) == content
    client.delete_media(media_id)
    with pytest.raises(Refused):
        client.media(media_id)


def test_a_file_beyond_the_limit_is_not_read_to_its_end(client: Client) -> None:
    media_id = client.upload_media(NUMBER, b"%PDF" + b"x" * 4996, "application/pdf", "a.pdf")

    with pytest.raises(Refused) as refusal:
        client.download_media(client.media(media_id)["url"], limit=4999)

    assert refusal.value.code == 131052


def test_the_token_is_never_shown_to_a_strange_host(client: Client) -> None:
    for url in (
        "https://evil.test/a",
        "http://lookaside.fbsbx.com/a",
        "https://fbsbx.com.evil.test/a",
        "file:///a",
    ):
        with pytest.raises(NotSent):
            client.download_media(url)


def test_a_sample_for_a_header_becomes_a_handle(client: Client) -> None:
    assert client.upload_sample("67084829067", b"x" * 10, "image/png", "offer.png").startswith("4::")


def test_a_number_and_its_account_describe_themselves(client: Client) -> None:
    number, account = client.number(NUMBER), client.account(ACCOUNT)

    assert (number["verified_name"], number["quality_rating"]) == ("Bäckerei Sonne", "GREEN")
    assert [item["id"] for item in client.numbers(ACCOUNT)] == [NUMBER]
    assert account["currency"] == "EUR"
    assert client.health(NUMBER)["can_send_message"] == "AVAILABLE"


def test_an_unknown_object_is_refused(client: Client) -> None:
    with pytest.raises(Refused) as refusal:
        client.number("4711")

    assert (refusal.value.code, refusal.value.subcode) == (100, 33)


def test_webhooks_are_subscribed_listed_and_ended(client: Client) -> None:
    client.subscribe(ACCOUNT, callback_url="https://example.com/webhooks/", verify_token="v")
    assert client.subscriptions(ACCOUNT)[0]["override_callback_uri"] == "https://example.com/webhooks/"

    client.unsubscribe(ACCOUNT)

    assert client.subscriptions(ACCOUNT) == []
    client.subscribe(ACCOUNT)
    assert "override_callback_uri" not in client.subscriptions(ACCOUNT)[0]


def test_a_blocked_person_gets_nothing_until_unblocked(client: Client) -> None:
    client.block(NUMBER, "+4930231254001")
    with pytest.raises(Refused) as refusal:
        client.send(NUMBER, HELLO)
    assert refusal.value.code == 130403

    client.unblock(NUMBER, "+4930231254001")

    assert client.send(NUMBER, HELLO).wamid


def test_a_qr_code_keeps_its_code_when_its_text_changes(client: Client) -> None:
    code = client.create_qr_code(NUMBER, "Ja, anmelden")["code"]

    client.edit_qr_code(NUMBER, code, "Ja, ich will")

    assert client.qr_code(NUMBER, code)["prefilled_message"] == "Ja, ich will"
    assert [item["code"] for item in client.qr_codes(NUMBER)] == [code]
    client.delete_qr_code(NUMBER, code)
    assert client.qr_codes(NUMBER) == []


def test_the_business_profile_can_be_changed(client: Client) -> None:
    client.edit_profile(NUMBER, {"about": "Brot seit 1924"})

    assert client.profile(NUMBER)["about"] == "Brot seit 1924"


def test_a_number_is_registered_with_a_pin_of_six_digits(client: Client) -> None:
    client.register_number(NUMBER, "123456")

    with pytest.raises(Refused) as refusal:
        client.register_number(NUMBER, "1234")
    assert refusal.value.code == 133005


def test_where_messages_are_kept_is_chosen_before_a_number_is_registered(client: Client) -> None:
    with pytest.raises(Refused):
        client.register_number(NUMBER, "123456", region="DE")

    client.post(f"{NUMBER}/deregister")
    client.register_number(NUMBER, "123456", region="DE")
    assert client.number(NUMBER)["status"] == "CONNECTED"


def test_a_closed_door_means_surely_not_sent() -> None:
    with Client("http://127.0.0.1:9", "v25.0", "token") as client, pytest.raises(NotSent):
        client.send(NUMBER, HELLO)


def test_a_connection_lost_after_the_request_means_unknown(client: Client, meta: Running) -> None:
    body = templates.template(Recipient(phone="+493023125303"), "hello", "de", callback="lost")

    with pytest.raises(UnknownOutcome):
        client.send(NUMBER, body)

    assert len(meta.ledger.with_callback("lost")) == 1


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b""),
        (500, b"<html>"),
        (502, b'{"error": "bad gateway"}'),
        (200, b""),
        (200, b"[]"),
        (200, b'{"messages": []}'),
        (200, b'{"messages": [{"id": 5}]}'),
        (200, b'{"messages": "x", "contacts": "y"}'),
        (404, b"not found"),
        (302, b""),
        (500, b'{"error": {"message": "no code"}}'),
        (200, b'{"messages": [{"id": "wamid.1"'),
    ],
)
def test_an_answer_nobody_can_read_is_an_unknown_outcome(status: int, content: bytes) -> None:
    with pytest.raises(UnknownOutcome):
        read_answer(status, content)


def test_a_gateway_that_wants_fewer_requests_has_passed_none_on() -> None:
    with pytest.raises(NotSent):
        read_answer(429, b"<html>Too many requests</html>")


@pytest.mark.parametrize("status", [200, 400, 429, 500, 503])
def test_a_code_is_a_refusal_whatever_the_http_status(status: int) -> None:
    with pytest.raises(Refused) as refusal:
        read_answer(status, b'{"error": {"code": "131000", "message": "(#131000) x", "error_data": "why"}}')

    assert (refusal.value.code, refusal.value.details) == (131000, "why")


def test_an_answer_to_a_bsuid_has_a_user_id_and_no_wa_id() -> None:
    content = b'{"contacts": [{"input": "DE.1", "user_id": "DE.1"}], "messages": [{"id": "wamid.1"}]}'

    assert read_answer(200, content) == Accepted("wamid.1", "", "DE.1", "")


def test_a_held_message_says_so() -> None:
    content = b'{"messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]}'

    assert read_answer(200, content).is_held


def test_usage_is_the_worst_of_all_headers() -> None:
    headers = httpx.Headers(
        {
            "X-Business-Use-Case-Usage": (
                '{"1": [{"type": "whatsapp", "call_count": 12, "total_cputime": 98, "total_time": 4,'
                ' "estimated_time_to_regain_access": 7}]}'
            ),
            "X-App-Usage": '{"call_count": 5, "total_cputime": 1, "total_time": 2}',
        }
    )

    assert read_usage(headers) == Usage(98, 420)


@pytest.mark.parametrize("value", ["", "x", "[]", '{"1": 5}', '{"1": [5]}'])
def test_odd_usage_headers_are_no_usage_and_no_crash(value: str) -> None:
    usage = read_usage({"x-business-use-case-usage": value})

    assert usage in (None, Usage(0, 0))


def test_a_refusal_knows_how_long_meta_wants_us_to_wait() -> None:
    headers = {"x-business-use-case-usage": '{"1": [{"call_count": 100, "estimated_time_to_regain_access": 9}]}'}

    with pytest.raises(Refused) as refusal:
        read_answer(400, b'{"error": {"code": 80007}}', headers)

    assert refusal.value.retry_after_s == 540


def test_the_proof_of_our_secret_goes_with_every_call() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"success": True})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with Client("https://graph.test/", "/v25.0", "token", http, app_secret="s") as client:
        client.mark_read(NUMBER, "wamid.1")

    assert str(seen[0].url).startswith(f"https://graph.test/v25.0/{NUMBER}/messages?appsecret_proof=")
    assert seen[0].headers["authorization"] == "Bearer token"


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (httpx.ConnectError, NotSent),
        (httpx.ConnectTimeout, NotSent),
        (httpx.PoolTimeout, NotSent),
        (httpx.ReadTimeout, UnknownOutcome),
        (httpx.WriteTimeout, UnknownOutcome),
        (httpx.ReadError, UnknownOutcome),
        (httpx.RemoteProtocolError, UnknownOutcome),
    ],
)
def test_nothing_of_httpx_reaches_the_caller(failure: type[httpx.RequestError], outcome: type[Exception]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("https://graph.test/?access_token=secret", request=request)

    with pytest.raises(outcome) as error:
        answering(answer).send(NUMBER, HELLO)

    assert "secret" not in repr(error.value)
    assert error.value.__cause__ is None


def test_a_client_shows_neither_token_nor_accepts_a_broken_one(client: Client) -> None:
    assert "token" not in repr(client)
    with pytest.raises(ValueError, match="token"):
        Client("https://graph.test", "v25.0", "tok\nen")


def test_free_text_is_sent_as_it_is(client: Client, meta: Running) -> None:
    client.send(NUMBER, messages.text(Recipient(phone="+4930231254001"), "Grüße 👍", callback="t:1"))

    assert meta.ledger.with_callback("t:1")[0].category == "service"
