"""The emulated management API of numbers and accounts: info, health, webhooks, QR codes, profile, blocks."""

from secrets import token_urlsafe
from typing import Any

from whatsapp.emulator import cards
from whatsapp.emulator.answers import Answer, Failure, ok, success
from whatsapp.emulator.content import need
from whatsapp.emulator.sending import load
from whatsapp.emulator.state import Account, Number, World

Json = dict[str, Any]

APP_ID = "67084829067"
MOST_QR_CODES = 2_000
MOST_WEBSITES, LONGEST_DESCRIPTION = 2, 512
_HEALTH_OF_QUALITY = {"RED": "LIMITED"}


def number_json(world: World, number: Number) -> Json:
    """What GET /{phone number id} answers, all fields."""
    rate = number.throughput_per_s or world.profile.throughput_per_s
    return {
        "id": number.id,
        "display_phone_number": number.display,
        "verified_name": number.name,
        "quality_rating": number.quality,
        "throughput": {"level": "HIGH" if rate > 80 or rate == 0 else "STANDARD"},
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "status": "CONNECTED" if number.is_registered else "PENDING",
        "platform_type": "CLOUD_API",
        "account_mode": "SANDBOX",
        "messaging_limit_tier": number.tier,
        "whatsapp_business_manager_messaging_limit": number.tier,
        "webhook_configuration": {"application": world.webhook_url, "phone_number": number.webhook_url},
        "health_status": health(world.account(number.account_id), number),
    }


def account_json(account: Account) -> Json:
    """What GET /{WABA} answers, all fields."""
    return {
        "id": account.id,
        "name": account.name,
        "currency": account.currency,
        "timezone_id": "47",
        "country": "DE",
        "message_template_namespace": "c8ae5f90_307a_ca4c_b8f6_d1e2a2573574",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "ownership_type": "SELF",
        "status": "ACTIVE",
        "marketing_messages_onboarding_status": "ONBOARDED",
        "health_status": health(account, None),
    }


def health(account: Account, number: Number | None) -> Json:
    """The `health_status` object. Source: fact sheet section 6.6."""
    entities = [("WABA", account.id, "AVAILABLE"), ("BUSINESS", account.portfolio_id, "AVAILABLE")]
    entities.append(("APP", APP_ID, "AVAILABLE"))
    if number is not None:
        state = _HEALTH_OF_QUALITY.get(number.quality, "AVAILABLE") if number.is_registered else "BLOCKED"
        entities.insert(0, ("PHONE_NUMBER", number.id, state))
    worst = next((state for _, _, state in entities if state != "AVAILABLE"), "AVAILABLE")
    return {
        "can_send_message": worst,
        "entities": [
            {"entity_type": kind, "id": node_id, "can_send_message": state} for kind, node_id, state in entities
        ],
    }


def numbers(world: World, account_id: str) -> Answer:
    """GET /{WABA}/phone_numbers."""
    found = [number_json(world, item) for item in world.numbers.values() if item.account_id == account_id]
    return ok({"data": found, "paging": {"cursors": {"before": "0", "after": str(len(found))}}})


def subscriptions(world: World, account_id: str, method: str, raw: bytes) -> Answer:
    """GET, POST and DELETE /{WABA}/subscribed_apps."""
    account = world.account(account_id)
    if method == "GET":
        app: Json = {
            "id": APP_ID,
            "name": "Emulator",
            "link": "https://www.facebook.com/games/?app_id=67084829067",
        }
        entry: Json = {"whatsapp_business_api_data": app}
        if account.webhook_url:
            entry["override_callback_uri"] = account.webhook_url
        return ok({"data": [entry] if account.is_subscribed else []})
    body = load(raw)
    account.is_subscribed = method == "POST"
    account.webhook_url = str(body.get("override_callback_uri") or "") if method == "POST" else ""
    return success()


def configure_number(number: Number, raw: bytes) -> Answer:
    """POST /{phone number id} with `webhook_configuration`."""
    override = load(raw).get("webhook_configuration")
    if isinstance(override, dict):
        number.webhook_url = str(override.get("override_callback_uri") or "")
    return success()


def register(number: Number, raw: bytes) -> Answer:
    """POST /{phone number id}/register with a six-digit pin; where it keeps data is chosen before only."""
    body = load(raw)
    pin, region = str(body.get("pin", "")), str(body.get("data_localization_region") or "")
    if len(pin) != 6 or not pin.isdecimal():
        raise Failure(133005, "The two-step verification PIN must have six digits.")
    if number.is_registered and region not in ("", number.storage_region):
        raise Failure(100, "Deregister the number before you change data_localization_region.")
    if not number.is_registered:
        number.is_registered, number.storage_region = True, region
    return success()


def deregister(number: Number) -> Answer:
    """POST /{phone number id}/deregister."""
    number.is_registered = False
    return success()


def save_qr_code(world: World, number: Number, raw: bytes) -> Answer:
    """POST /{phone number id}/message_qrdls: create, or update with `code`."""
    body = load(raw)
    text = need(body, "prefilled_message", 140)
    code = str(body.get("code") or token_urlsafe(10).replace("-", "A").replace("_", "B").upper())
    if body.get("code") and code not in number.qr_codes:
        raise Failure(100, "The QR code does not exist.", status=404)
    if not body.get("code") and len(number.qr_codes) >= MOST_QR_CODES:
        raise Failure(100, f"A number has at most {MOST_QR_CODES} QR codes.")
    kind = str(body.get("generate_qr_image") or "SVG").lower()
    if kind not in ("svg", "png"):
        raise Failure(100, "Param generate_qr_image must be one of {SVG, PNG}.")
    number.qr_codes[code] = {
        "code": code,
        "prefilled_message": text,
        "deep_link_url": f"https://wa.me/message/{code}",
        "qr_image_url": f"{world.base_url}/_qr/{code}.{kind}",
    }
    return ok(number.qr_codes[code])


def qr_image(world: World, name: str) -> Answer:
    """GET of a `qr_image_url`, without token: a card that shows the short link and encodes nothing."""
    code, _, kind = name.partition(".")
    found = next((number.qr_codes[code] for number in world.numbers.values() if code in number.qr_codes), None)
    if found is None or kind not in ("svg", "png"):
        raise Failure(100, "The QR code does not exist.", status=404)
    link = found["deep_link_url"]
    return (
        Answer(200, cards.png(link), b"image/png") if kind == "png" else Answer(200, cards.svg(link), b"image/svg+xml")
    )


def read_qr_codes(number: Number, code: str = "") -> Answer:
    """GET /{phone number id}/message_qrdls, all or one."""
    found = [item for item in number.qr_codes.values() if code in ("", item["code"])]
    if code and not found:
        raise Failure(100, "The QR code does not exist.", status=404)
    return ok({"data": found})


def delete_qr_code(number: Number, code: str) -> Answer:
    """DELETE /{phone number id}/message_qrdls/{code}."""
    if number.qr_codes.pop(code, None) is None:
        raise Failure(100, "The QR code does not exist.", status=404)
    return success()


def profile(number: Number, method: str, raw: bytes) -> Answer:
    """GET and POST /{phone number id}/whatsapp_business_profile."""
    if method == "GET":
        return ok({"data": [number.profile]})
    changes = load(raw)
    if len(changes.get("websites") or []) > MOST_WEBSITES:
        raise Failure(100, "Param websites must have at most 2 elements.")
    if len(str(changes.get("description") or "")) > LONGEST_DESCRIPTION:
        raise Failure(100, "Param description must be at most 512 characters long.")
    number.profile |= changes
    return success()


def blocks(number: Number, method: str, raw: bytes) -> Answer:
    """GET, POST and DELETE /{phone number id}/block_users."""
    if method == "GET":
        found = [{"messaging_product": "whatsapp", "wa_id": user} for user in sorted(number.blocked)]
        return ok({"data": found, "paging": {"cursors": {}}})
    users = [item for item in load(raw).get("block_users") or [] if isinstance(item, dict)]
    if not users:
        raise Failure(100, "The parameter block_users is required.")
    ids = {str(item.get("user_id") or str(item.get("user", "")).lstrip("+")) for item in users}
    number.blocked = number.blocked | ids if method == "POST" else number.blocked - ids
    key = "added_users" if method == "POST" else "removed_users"
    done = [{"input": user, "wa_id": user} for user in sorted(ids)]
    return ok({"messaging_product": "whatsapp", "block_users": {key: done}})
