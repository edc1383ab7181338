"""The calls Zusage makes to Meta's Cloud API, one method each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from whatsapp.client.answers import Accepted, read_answer
from whatsapp.client.connection import Connection
from whatsapp.payloads import messages

Json = dict[str, Any]

NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,throughput,health_status,name_status,status,"
    "code_verification_status,platform_type,whatsapp_business_manager_messaging_limit"
)
ACCOUNT_FIELDS = "id,name,currency,timezone_id,country,health_status,marketing_messages_onboarding_status"
TEMPLATE_FIELDS = (
    "id,name,language,status,category,sub_category,previous_category,parameter_format,components,"
    "quality_score,rejected_reason,message_send_ttl_seconds,cta_url_link_tracking_opted_out"
)
PROFILE_FIELDS = "about,address,description,email,websites,vertical,profile_picture_url"
DOWNLOAD_LIMIT = 100 * 1024 * 1024


class Client(Connection):
    """Everything but bulk sending: one message at a time, templates, media, numbers, accounts.

    `Client(base_url, version, token, http=None, app_secret="")`; `app_secret` adds the `appsecret_proof`.
    All calls wait at most 30 seconds for Meta and raise `Refused`, `NotSent` or `UnknownOutcome` (see
    `whatsapp.errors`); a call that sends may be repeated only after `NotSent` or a `Refused` whose rule says
    so.
    Ids are Meta's strings; answers are Meta's JSON objects. Nothing is logged.
    """

    def send(self, phone_number_id: str, body: Mapping[str, Any]) -> Accepted:
        """Send one message built by `whatsapp.payloads`. Source: Meta "Send messages"."""
        return self._send(f"{phone_number_id}/messages", body)

    def send_marketing(self, phone_number_id: str, body: Mapping[str, Any]) -> Accepted:
        """Send an approved marketing template over the Marketing Messages API."""
        return self._send(f"{phone_number_id}/marketing_messages", body)

    def _send(self, path: str, body: Mapping[str, Any]) -> Accepted:
        response = self.exchange("POST", path, json=dict(body))
        return read_answer(response.status_code, response.content, response.headers)

    def mark_read(self, phone_number_id: str, wamid: str, *, typing: bool = False) -> None:
        """Mark an inbound message and those before it as read, optionally showing "typing …"."""
        self.post(f"{phone_number_id}/messages", messages.mark_read(wamid, typing=typing))

    def templates(self, account_id: str, *, limit: int = 100, **filters: str) -> Iterator[Json]:
        """Every template of an account, page after page; filters such as `name`, `language`, `status`."""
        return self._pages(f"{account_id}/message_templates", TEMPLATE_FIELDS, limit, filters)

    def template(self, template_id: str) -> Json:
        """One template version."""
        return self.get(template_id, fields=TEMPLATE_FIELDS)

    def create_template(self, account_id: str, definition: Mapping[str, Any]) -> Json:
        """Submit a template for review; answers `{id, status, category}`, the category may differ."""
        return self.post(f"{account_id}/message_templates", definition)

    def edit_template(self, template_id: str, changes: Mapping[str, Any]) -> None:
        """Replace components, category or time to live of an approved, rejected or paused template."""
        self.post(template_id, changes)

    def delete_template(self, account_id: str, name: str, *, template_id: str | None = None) -> None:
        """Delete one language version, or all of the name if no id is given."""
        self.delete(f"{account_id}/message_templates", name=name, hsm_id=template_id)

    def unpause_template(self, template_id: str) -> None:
        """Let a template that pacing paused be sent again."""
        self.post(f"{template_id}/unpause")

    def upload_media(self, phone_number_id: str, file: BinaryIO | bytes, mime_type: str, filename: str) -> str:
        """Upload a file for sending; the id returned is valid for 30 days and for this number only."""
        answer = self.call(
            "POST",
            f"{phone_number_id}/media",
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": (filename, file, mime_type)},
        )
        return str(answer.get("id", ""))

    def media(self, media_id: str, phone_number_id: str | None = None) -> Json:
        """`{url, mime_type, sha256, file_size, id}`; the url is valid for five minutes."""
        return self.get(media_id, phone_number_id=phone_number_id)

    def download_media(self, url: str, *, limit: int = DOWNLOAD_LIMIT) -> bytes:
        """The bytes behind the url of `media`, at most `limit` of them."""
        return self.download(url, limit=limit)

    def delete_media(self, media_id: str) -> None:
        """Delete an uploaded file."""
        self.delete(media_id)

    def upload_sample(self, app_id: str, content: bytes, mime_type: str, filename: str) -> str:
        """Upload a sample for a template's media header; the handle returned is no media id.

        Source: Meta "Resumable Upload API".
        """
        session = self.call(
            "POST",
            f"{app_id}/uploads",
            params={"file_name": filename, "file_length": len(content), "file_type": mime_type},
        )
        answer = self.call("POST", str(session.get("id", "")), headers={"file_offset": "0"}, content=content)
        return str(answer.get("h", ""))

    def number(self, phone_number_id: str) -> Json:
        """Quality, throughput, health, display name and messaging limit of a number."""
        return self.get(phone_number_id, fields=NUMBER_FIELDS)

    def numbers(self, account_id: str) -> Iterator[Json]:
        """Every number of an account."""
        return self._pages(f"{account_id}/phone_numbers", NUMBER_FIELDS, 100, {})

    def register_number(self, phone_number_id: str, pin: str, *, region: str | None = None) -> None:
        """Register a number with the Cloud API; `region` such as DE keeps data at rest there."""
        body = {"messaging_product": "whatsapp", "pin": pin}
        self.post(f"{phone_number_id}/register", body | ({"data_localization_region": region} if region else {}))

    def account(self, account_id: str) -> Json:
        """Name, currency, time zone, country and health of an account."""
        return self.get(account_id, fields=ACCOUNT_FIELDS)

    def health(self, node_id: str) -> Json:
        """The `health_status` of a number, account or template: `can_send_message` and `entities`."""
        status = self.get(node_id, fields="health_status").get("health_status")
        return status if isinstance(status, dict) else {}

    def subscribe(self, account_id: str, *, callback_url: str | None = None, verify_token: str | None = None) -> None:
        """Have webhooks of an account sent to our app, optionally messages to an address of their own."""
        override = {"override_callback_uri": callback_url, "verify_token": verify_token}
        self.post(f"{account_id}/subscribed_apps", override if callback_url else None)

    def subscriptions(self, account_id: str) -> Sequence[Json]:
        """The apps that get an account's webhooks."""
        return _data(self.get(f"{account_id}/subscribed_apps"))

    def unsubscribe(self, account_id: str) -> None:
        """Stop an account's webhooks to our app."""
        self.delete(f"{account_id}/subscribed_apps")

    def block(self, phone_number_id: str, user: str) -> None:
        """Block a person who wrote in the last 24 hours; `user` is a phone number or BSUID."""
        self.post(f"{phone_number_id}/block_users", _block_body(user))

    def unblock(self, phone_number_id: str, user: str) -> None:
        """Lift a block."""
        self.delete(f"{phone_number_id}/block_users", _block_body(user))

    def qr_codes(self, phone_number_id: str) -> Sequence[Json]:
        """The number's QR codes with prefilled text, short link and code."""
        return _data(self.get(f"{phone_number_id}/message_qrdls"))

    def qr_code(self, phone_number_id: str, code: str) -> Json:
        """One QR code."""
        found = _data(self.get(f"{phone_number_id}/message_qrdls/{code}"))
        return found[0] if found else {}

    def create_qr_code(self, phone_number_id: str, text: str, *, image: str = "SVG") -> Json:
        """A QR code that opens a chat with this text (at most 140 characters); image SVG or PNG."""
        body = {"prefilled_message": text, "generate_qr_image": image}
        return self.post(f"{phone_number_id}/message_qrdls", body)

    def edit_qr_code(self, phone_number_id: str, code: str, text: str) -> Json:
        """Change the prefilled text of a QR code that may be printed already."""
        return self.post(f"{phone_number_id}/message_qrdls", {"code": code, "prefilled_message": text})

    def delete_qr_code(self, phone_number_id: str, code: str) -> None:
        """Delete a QR code; its prints lead nowhere from then on."""
        self.delete(f"{phone_number_id}/message_qrdls/{code}")

    def profile(self, phone_number_id: str) -> Json:
        """The business profile that people see."""
        found = _data(self.get(f"{phone_number_id}/whatsapp_business_profile", fields=PROFILE_FIELDS))
        return found[0] if found else {}

    def edit_profile(self, phone_number_id: str, changes: Mapping[str, Any]) -> None:
        """Change parts of the business profile."""
        body = {"messaging_product": "whatsapp", **changes}
        self.post(f"{phone_number_id}/whatsapp_business_profile", body)

    def _pages(self, path: str, fields: str, limit: int, filters: Mapping[str, str]) -> Iterator[Json]:
        after: str | None = None
        while True:
            page = self.get(path, fields=fields, limit=limit, after=after, **filters)
            yield from _data(page)
            paging = page.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not after or not paging.get("next"):
                return


def _data(answer: Json) -> list[Json]:
    items = answer.get("data")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _block_body(user: str) -> Json:
    key = "user_id" if "." in user else "user"
    return {"messaging_product": "whatsapp", "block_users": [{key: user}]}
