import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp import events
from whatsapp.errors import ErrorClass

FIXTURES = Path(__file__).parent.parent / "fixtures" / "whatsapp"
ACCOUNT, NUMBER = "102290129340398", "106540352242922"
PHONE, BSUID = "493023125400", "DE.13491208655302741918"


def told(name: str) -> list[events.Event]:
    """The events of a fixture."""
    return events.parse((FIXTURES / f"{name}.json").read_bytes())


def only(name: str) -> Any:
    """The one event of a fixture."""
    (event,) = told(name)
    return event


def with_message(**fields: Any) -> bytes:
    """A text message with other fields; None removes one."""
    document = orjson.loads((FIXTURES / "inbound__text.json").read_bytes())
    message = document["entry"][0]["changes"][0]["value"]["messages"][0]
    message.update(fields)
    for key in [key for key, value in fields.items() if value is None]:
        del message[key]
    return orjson.dumps(document)


def test_a_delivery_is_told_with_everything_needed_to_settle_it() -> None:
    status = only("status__delivered")

    assert isinstance(status, events.Status)
    assert (status.account_id, status.phone_number_id) == (ACCOUNT, NUMBER)
    assert (status.status, status.callback) == ("delivered", "a:01J9Z8")
    assert status.at == datetime(2025, 11, 21, 10, 13, 25, tzinfo=UTC)
    assert (status.recipient_phone, status.recipient_bsuid) == (PHONE, BSUID)
    assert status.pricing == events.Pricing("regular", "marketing", "PMP")
    assert status.error is None
    assert status.raw["id"] == status.wamid


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        (131049, ErrorClass.RETRY_LATER),
        (131050, ErrorClass.RECIPIENT),
        (130472, ErrorClass.RECIPIENT),
        (131026, ErrorClass.RECIPIENT),
    ],
)
def test_a_failure_carries_its_code_and_rule(code: int, error_class: ErrorClass) -> None:
    status = only(f"status__failed_{code}")

    assert (status.status, status.error.code) == ("failed", code)
    assert status.error.details
    assert status.error.rule.error_class is error_class


def test_a_failure_without_errors_still_has_an_error() -> None:
    document = orjson.loads((FIXTURES / "status__failed_131026.json").read_bytes())
    del document["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"]

    (status,) = events.parse(orjson.dumps(document))

    assert isinstance(status, events.Status)
    assert status.error == events.EventError(None, "", "")


def test_milliseconds_and_seconds_mean_the_same_moment() -> None:
    assert only("status__milliseconds").at == datetime(2025, 11, 21, 10, 13, 25, 123000, tzinfo=UTC)


def test_a_bsuid_in_a_phone_field_is_recognised() -> None:
    status, message = only("status__delivered_bsuid_in_phone_field"), only("inbound__bsuid_in_phone_field")

    assert (status.recipient_phone, status.recipient_bsuid) == ("", BSUID)
    assert (message.from_phone, message.from_bsuid) == ("", BSUID)


def test_an_unknown_status_is_kept_and_ignored() -> None:
    event = only("status__deleted_legacy")

    assert isinstance(event, events.Unknown)
    assert (event.field, event.kind) == ("statuses", "deleted")


def test_a_text_says_who_wrote_what_and_when() -> None:
    message = only("inbound__text")

    assert isinstance(message, events.Inbound)
    assert (message.from_phone, message.from_bsuid) == (PHONE, BSUID)
    assert (message.profile_name, message.username) == ("Ada", "ada.l")
    assert (message.type, message.text) == ("text", "Hallo, habt ihr heute geöffnet? 👍")
    assert message.at == datetime(2025, 11, 21, 10, 13, 20, tzinfo=UTC)


def test_somebody_known_by_bsuid_only_is_still_somebody() -> None:
    message = only("inbound__bsuid_only")

    assert (message.from_phone, message.from_bsuid, message.parent_bsuid) == ("", BSUID, "DE.ENT.99")
    assert message.profile_name == "Ada"


@pytest.mark.parametrize(
    ("name", "payload", "title"),
    [
        ("button", "STOP:42", "Abmelden"),
        ("button_without_context", "Ja, anmelden", "Ja, anmelden"),
        ("interactive_button", "yes", "Ja"),
        ("interactive_list", "store:7", "Berlin Mitte"),
    ],
)
def test_a_tap_carries_its_payload_and_title(name: str, payload: str, title: str) -> None:
    message = only(f"inbound__{name}")

    assert (message.payload, message.button_title) == (payload, title)


def test_a_tap_names_the_message_it_answers() -> None:
    assert only("inbound__button").context_wamid.startswith("wamid.")
    assert only("inbound__button_without_context").context_wamid == ""


def test_a_form_is_read_as_an_object_and_an_odd_one_kept_as_text() -> None:
    assert only("inbound__interactive_flow").form == {"flow_token": "t1", "rating": "9"}
    assert only("inbound__interactive_flow_odd").form is None
    assert only("inbound__interactive_flow_odd").payload == "[1, 2]"


def test_a_file_is_named_by_its_id() -> None:
    image, voice, document = only("inbound__image"), only("inbound__audio_voice"), only("inbound__document")

    assert (image.media.id, image.text) == ("2754859441498128", "Passt das so?")
    assert voice.media.is_voice
    assert document.media.filename == "Rechnung.pdf"


def test_a_reaction_an_edit_and_a_removal_name_their_message() -> None:
    assert only("inbound__reaction").text == "❤️"
    assert only("inbound__reaction_removed").text == ""
    assert (only("inbound__edit").text, only("inbound__edit").context_wamid) == (
        "Ich meinte morgen",
        "wamid.OLD",
    )
    assert only("inbound__revoke").context_wamid == "wamid.OLD"


def test_an_advertisement_that_led_here_is_kept() -> None:
    assert only("inbound__text_reply_from_ad").referral["source_type"] == "ad"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("order", "order"), ("location", "location"), ("contacts", "contacts"), ("future_type", "hologram")],
)
def test_every_kind_of_message_opens_the_window_even_unknown_ones(name: str, kind: str) -> None:
    message = only(f"inbound__{name}")

    assert isinstance(message, events.Inbound)
    assert (message.type, message.from_phone) == (kind, PHONE)


def test_a_message_whatsapp_cannot_show_says_why() -> None:
    assert only("inbound__unsupported").error.code == 131051


@pytest.mark.parametrize("value", ["stop", "resume", "signup"])
def test_a_preference_names_the_person_by_both_keys(value: str) -> None:
    preference = only(f"user_preferences__{value}")

    assert isinstance(preference, events.Preference)
    assert (preference.value, preference.phone, preference.bsuid) == (value, PHONE, BSUID)
    assert preference.phone_number_id == NUMBER
    assert preference.at == datetime(2025, 11, 21, 10, 15, tzinfo=UTC)


def test_a_new_phone_number_and_a_new_bsuid_are_the_same_kind_of_news() -> None:
    phone, bsuid = only("system__number_changed"), only("system__user_id_changed")

    assert (phone.old_phone, phone.new_phone) == (PHONE, "493023125401")
    assert (bsuid.old_bsuid, bsuid.new_bsuid) == (BSUID, "DE.99887766554433221100")


def test_a_replaced_bsuid_names_its_parents_too() -> None:
    change = only("user_id_update__changed")

    assert (change.old_bsuid, change.new_bsuid) == (BSUID, "DE.99887766554433221100")
    assert (change.old_parent_bsuid, change.new_parent_bsuid) == ("DE.ENT.1", "DE.ENT.2")


@pytest.mark.parametrize(
    ("name", "kind", "fields"),
    [
        ("message_template_status_update__approved", events.TemplateStatus, {"event": "APPROVED"}),
        ("message_template_status_update__rejected", events.TemplateStatus, {"reason": "INVALID_FORMAT"}),
        ("message_template_status_update__paused", events.TemplateStatus, {"info_title": "FIRST_PAUSE"}),
        ("message_template_quality_update__yellow", events.TemplateQuality, {"current": "YELLOW"}),
        ("message_template_quality_update__wrong_field", events.TemplateQuality, {"current": "YELLOW"}),
        (
            "template_category_update__notice",
            events.TemplateCategory,
            {"new": "MARKETING", "is_notice": True},
        ),
        ("template_category_update__done", events.TemplateCategory, {"new": "MARKETING", "is_notice": False}),
        ("message_template_components_update__changed", events.TemplateComponents, {"header": "Titel"}),
    ],
)
def test_news_of_a_template_name_it(name: str, kind: type, fields: dict[str, Any]) -> None:
    event = only(name)

    assert type(event) is kind
    assert (event.template_id, event.name, event.language) == ("1689556908129832", "spring_sale", "en_US")
    assert {key: getattr(event, key) for key in fields} == fields


@pytest.mark.parametrize(
    ("name", "kind", "fields"),
    [
        ("phone_number_quality_update__throughput", events.NumberQuality, {"limit": "TIER_UNLIMITED"}),
        ("phone_number_name_update__approved", events.NumberName, {"decision": "APPROVED"}),
        ("business_capability_update__tier", events.Capability, {"daily_limit": 10_000}),
        ("business_capability_update__number", events.Capability, {"daily_limit": 2_000}),
        ("account_update__disabled", events.AccountUpdate, {"event": "DISABLED_UPDATE", "waba_id": ACCOUNT}),
        ("account_update__partner_removed", events.AccountUpdate, {"waba_id": ACCOUNT}),
        ("account_review_update__approved", events.AccountReview, {"decision": "APPROVED"}),
        ("account_alerts__limit", events.AccountAlert, {"entity_id": NUMBER, "status": "ACTIVE"}),
        ("smb_message_echoes__text", events.Echo, {"to_phone": PHONE, "text": "Wir rufen zurück."}),
        ("history__chunk", events.History, {"phase": 1, "chunk_order": 2, "progress": 55}),
        ("errors__value", events.AccountError, {"phone_number_id": NUMBER}),
        ("unknown__field", events.Unknown, {"field": "holograms"}),
        ("unknown__object", events.Unknown, {"field": "object:page"}),
    ],
)
def test_other_news_become_their_kind(name: str, kind: type, fields: dict[str, Any]) -> None:
    event = only(name)

    assert type(event) is kind
    assert {key: getattr(event, key) for key in fields} == fields


def test_one_broken_item_does_not_cost_its_neighbours() -> None:
    kinds = [type(event).__name__ for event in told("mixed__batch")]

    assert kinds == [
        *("Status", "Broken", "Broken", "Status", "Inbound", "Broken", "Broken"),
        *("AccountError", "Broken", "TemplateStatus"),
    ]


def test_a_broken_item_is_kept_with_a_reason_that_quotes_nothing() -> None:
    broken = [event for event in told("mixed__batch") if isinstance(event, events.Broken)]

    assert [event.reason for event in broken] == ["no id", "no object", "no id", "no object", "no value"]
    assert broken[0].raw == {"status": "read", "timestamp": "1763720005"}


@pytest.mark.parametrize("timestamp", [None, "soon", "", "-5", 1e30, [], True])
def test_a_stop_is_not_lost_over_its_timestamp(timestamp: Any) -> None:
    (message,) = events.parse(with_message(timestamp=timestamp, text={"body": "STOPP"}))

    assert isinstance(message, events.Inbound)
    assert message.text == "STOPP"
    assert message.at.tzinfo is UTC


def test_texts_hold_nothing_that_postgresql_refuses() -> None:
    nul = with_message(text={"body": "MARK"}).replace(b"MARK", b"a\\u0000b")
    half_emoji = with_message(text={"body": "MARK"}).replace(b"MARK", b"a\\ud83db")

    texts = [event.text for body in (nul, half_emoji) for event in events.parse(body)]  # type: ignore[union-attr]

    assert texts == ["ab", "a?b"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"entry":' * 500 + b"1" + b"}" * 500,
        b'{"object":"whatsapp_business_account","entry":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_a_body_nobody_can_read_says_so(body: bytes) -> None:
    with pytest.raises(events.NotJSON):
        events.parse(body)


def test_brackets_in_a_text_are_not_nesting() -> None:
    (message,) = events.parse(with_message(text={"body": "[{" * 500}))

    assert isinstance(message, events.Inbound)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_no_field_of_a_fixture_can_crash_the_parser(path: Path) -> None:
    document = orjson.loads(path.read_bytes())
    for spot in spots_of(document):
        for odd in (None, [], {}, "", -1, True, {"id": []}):
            body = orjson.dumps(replaced(document, spot, odd))
            assert isinstance(events.parse(body), list) or spot == []


def spots_of(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value below the top of a document."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [spot for key in keys for spot in [(*way, key), *spots_of(value[key], (*way, key))]]


def replaced(document: Any, spot: tuple[Any, ...], odd: Any) -> Any:
    """A copy with another value at one spot."""
    changed = copy.deepcopy(document)
    place = changed
    for key in spot[:-1]:
        place = place[key]
    place[spot[-1]] = odd
    return changed


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200)
@given(ANYTHING, st.sampled_from(["messages", "statuses", "user_preferences", "errors", "history", "contacts"]))
def test_any_json_in_any_place_is_parsed_without_a_crash(value: Any, key: str) -> None:
    body = {"entry": [{"id": "1", "changes": [{"field": "messages", "value": {key: value}}, value]}, value]}

    for event in events.parse(orjson.dumps(body)):
        assert type(event).__module__.startswith("whatsapp.events")
