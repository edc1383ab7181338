"""Plants a person everywhere the product can hold one, through its own doors, and looks for what is left of them."""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import redis
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent import tasks
from consent.models import DataRequest
from contacts.models import Contact
from inbox.models import InboundMessage
from messaging import actions as outbox
from messaging import links
from messaging.models import Link, Message
from tenants import encryption
from tenants.encryption import seal
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from tests.consent.factories import agree
from tests.consent.imports import done
from tests.contacts.calls import Caller
from tests.inbox import meta
from whatsapp.models import Number

# The marker stands in every text; the phone in numbers and, encoded, in Meta's message ids.
MARKER = "Zitronella"
PHONE = "4915212345678"
OTHER = "4915298765432"
EMAIL = f"{MARKER}@example.com".lower()
CUSTOMER = f"{MARKER}-4711"
BSUID = f"DE.{MARKER}13491208655302"
PERSON = {
    "phone": f"+{PHONE}",
    "email": EMAIL,
    "external_id": CUSTOMER,
    "bsuid": BSUID,
    "first_name": MARKER,
    "last_name": "Muster",
    "attributes": {"favourite": f"{MARKER} cake"},
    "tags": ["regular"],
}
YES = {
    "state": "granted",
    "occurred_at": "2026-03-01T12:00:00Z",
    "source": "Counter form",
    "wording_text": "Ja, die Bäckerei darf mir per WhatsApp Angebote schicken. Ich bin mindestens 16 Jahre alt.",
    "proof": f"form signed by {MARKER}, +{PHONE}",
}


# As PostgreSQL shows bytes; and what may be base64, with the signs for addresses, too.
HEX = "\\x"
SEALED = re.compile(r"([\w-]+):((?:[A-Za-z0-9+/]{4}){10,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)(?![A-Za-z0-9+/=])")
CODED = re.compile(r"\\x(?:[0-9a-f]{2})+|[A-Za-z0-9+/_-]{16,}={0,2}")


def wamid(phone: str, n: int) -> str:
    """A message id as Meta makes them: base64 with the phone number inside."""
    return "wamid." + base64.b64encode(f"\x1c\x18\x0c{phone}\x15\x02{n:08d}".encode()).decode()


def plant(alice: Caller, bakery: Tenant, number: Number, deliver: Callable[..., None]) -> tuple[Contact, Contact]:
    """Anna and Berta after a year as customers; both stand in the same files and webhooks."""
    anna = _created(alice, bakery, PERSON)
    berta = _created(alice, bakery, {"phone": f"+{OTHER}", "first_name": "Berta"})
    for person, proof in ((anna, YES["proof"]), (berta, "form signed by Berta")):
        assert alice.post(f"contacts/{person.uid}/consents/", YES | {"proof": proof}).status_code == 201
        with tenant_scope(bakery):
            agree(bakery, person, pairs=[("whatsapp", "tracking")])
    order = {"id": f"order-{MARKER}", "name": "order_placed", "order_id": f"B-{MARKER}", "value": "49.90"}
    row = {**order, "currency": "EUR", "external_id": CUSTOMER, "properties": {"to": f"{MARKER} Muster"}}
    _imports(bakery)
    _sends(bakery, number, [anna, berta], deliver)
    answer = alice.post("events/", {**row, "occurred_at": timezone.now().isoformat()})
    assert answer.json().get("created", 1) == 1, answer.content
    _writes(number, deliver)
    with tenant_scope(bakery):
        outbox.queue_reply(
            tenant=bakery, number=number, contact=anna, text=f"Dear {MARKER}, see https://shop.example/{MARKER}",
            dedupe="hello", expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
    _exports(alice, bakery, anna)
    return anna, berta


def _created(alice: Caller, bakery: Tenant, values: dict[str, Any]) -> Contact:
    answer = alice.post("contacts/", values, **{"Idempotency-Key": f"create {values['phone']}"})
    assert answer.status_code == 201, answer.content
    # The second answer is stored under a key that names nobody.
    alice.post("contacts/", values, **{"Idempotency-Key": f"again {answer.json()['uid'][:4]}"})
    with tenant_scope(bakery):
        return Contact.objects.select_related("tenant").get(uid=answer.json()["uid"])


def _imports(bakery: Tenant) -> None:
    """One file that is done, with a line of hers rejected as a duplicate, and one that waits for a decision."""
    lines = f"Handy;Vorname\n01521 2345678;{MARKER}\n+{PHONE};{MARKER} twice\n+{OTHER};Berta\n"
    assert done(bakery, lines).rejected == 1
    done(bakery, f"Kundennummer;Vorname\n{CUSTOMER};{MARKER}\n", is_dry_run=True)
    done(bakery, f"Handy;Vorname\n+{OTHER};Berta\n")
    # Without a header her line is taken for one, and the file is named after her.
    done(bakery, f"{CUSTOMER};Handy\nK-1;+{OTHER}\n", filename=f"{EMAIL}.csv")


def _sends(bakery: Tenant, number: Number, people: list[Contact], deliver: Callable[..., None]) -> None:
    """A campaign that was delivered and clicked, and one that waits."""
    template = factories.template(bakery)
    sent = factories.source(number, people, made_template=template)
    factories.source(number, people, made_template=template)
    with tenant_scope(bakery):
        for n, message in enumerate(Message.objects.filter(source=sent).order_by("pk")):
            phone = (PHONE, OTHER)[n]
            Message.objects.filter(pk=message.pk).update(
                wamid=wamid(phone, n),
                state=2,
                queue=2,
                attempt=1,
                accepted_at=timezone.now(),
                claimed_at=timezone.now(),
            )
        ids = list(Message.objects.filter(source=sent).order_by("pk").values_list("pk", flat=True))
        link = Link.objects.filter(source=sent).first()
        assert link
    statuses = [
        meta.status(wamid(phone, n), "delivered", timezone.now()) | {"recipient_id": phone}
        for n, phone in enumerate((PHONE, OTHER))
    ]
    deliver(meta.body(number, statuses=statuses))
    for message_id in ids:
        follow(links.token(tenant_id=bakery.pk, link_id=link.pk, message_id=message_id))


def callback(bakery: Tenant, message: Message) -> str:
    """What Meta echoes about the message's first attempt."""
    return seal("callback", bakery.pk, message.pk, 1)


def follow(token: str) -> int:
    """Open a tracked link as a phone would."""
    return Client(headers={"User-Agent": "Mozilla/5.0 (iPhone)"}).get(f"/r/{token}").status_code


def _writes(number: Number, deliver: Callable[..., None]) -> None:
    """Both write in one webhook; one body more cannot be read and is set aside."""
    said = [
        meta.text(f"Greetings from {MARKER}", sender=PHONE, at=timezone.now(), wamid=wamid(PHONE, 7)),
        meta.text("Greetings from Berta", sender=OTHER, at=timezone.now(), wamid=wamid(OTHER, 8)),
    ]
    names = [
        {"wa_id": PHONE, "user_id": BSUID, "profile": {"name": f"{MARKER} M."}},
        {"wa_id": OTHER, "profile": {"name": "Berta B."}},
    ]
    deliver(
        meta.body(number, messages=said, contacts=names),
        f'{{"object": "whatsapp_business_account", "entry": broken {PHONE}'.encode(),
    )


def _exports(alice: Caller, bakery: Tenant, anna: Contact) -> None:
    body = {"checked_by": "whatsapp", "note": f"{MARKER} asked at the counter"}
    answer = alice.post(f"contacts/{anna.uid}/export/", body)
    assert answer.status_code == 202, answer.content
    worked(bakery, answer.json()["uid"])
    assert downloaded(alice, answer.json()["uid"])


def looked_after(staff: Client, anna: Contact) -> None:
    """Staff correct her data in Django admin."""
    form = {"first_name": MARKER, "last_name": f"{MARKER} Muster", "country": "DE", "postcode": "10115"}
    page = reverse("admin:contacts_contact_change", args=[anna.pk])
    assert staff.post(page, form).status_code == 302


def worked(bakery: Tenant, uid: str) -> DataRequest:
    """The request after a worker has carried it out."""
    with tenant_scope(bakery):
        request = DataRequest.objects.get(uid=uid)
    tasks.carry_out(tenant_id=bakery.pk, request_id=request.pk)
    with tenant_scope(bakery):
        return DataRequest.objects.get(uid=uid)


def erased(alice: Caller, bakery: Tenant, anna: Contact) -> DataRequest:
    """Her erasure over the API, carried out by a worker."""
    answer = alice.post(f"contacts/{anna.uid}/erase/", {"checked_by": "whatsapp", "note": f"{MARKER} wrote: löschen"})
    assert answer.status_code == 202, answer.content
    return worked(bakery, answer.json()["uid"])


def deleted(alice: Caller, contact: Contact) -> None:
    """Delete a contact over the API; a worker looks through stored answers afterwards."""
    assert alice.delete(f"contacts/{contact.uid}/").status_code == 204
    tasks.forget_answers(tenant_id=contact.tenant_id)


def erased_by_number(alice: Caller, bakery: Tenant, **named: str) -> DataRequest:
    """The erasure of somebody who is no contact, carried out by a worker."""
    asked = alice.post("data-requests/", {"kind": "erasure", **named}).json()
    assert asked["contact"] is None
    assert alice.post(f"data-requests/{asked['uid']}/run/").json()["state"] == "working"
    return worked(bakery, asked["uid"])


def found(words: tuple[str, ...] = (MARKER, PHONE)) -> list[str]:
    """Where one of these words still stands: in any column of any table, encrypted or not, in Redis, or in a file.

    All but the proofs that an erasure keeps for their years (docs/decisions/0011).
    """
    return sorted({*_in_tables(words), *_in_redis(words), *_in_files(words)})


def _in_tables(words: tuple[str, ...]) -> Iterator[str]:
    with across_tenants("this test"), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in [name for (name,) in cursor.fetchall()]:
            kept = "WHERE kept_until IS NULL" if table == "consent_consentevidence" else ""
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t {kept}')
            for (row,) in cursor.fetchall():
                if is_named(row, words):
                    yield f"table {table}"


def is_named(text: str, words: tuple[str, ...]) -> bool:
    """Whether a text holds a word: as it is, in bytes (which PostgreSQL shows as hex), in base64, also one in other, or
    encrypted with the key that columns are encrypted with.

    In base64 message ids are written, and the tasks that wait in the broker.
    """
    return any(word.lower() in layer.lower() for layer in _layers(text) for word in words)


def _layers(text: str, depth: int = 3) -> Iterator[str]:
    yield text
    for key_id, sealed in SEALED.findall(text) if depth else ():
        yield from _layers(_unsealed(key_id, sealed), depth - 1)
    for code in CODED.findall(text) if depth else ():
        yield from _layers(_decoded(code), depth - 1)


def _unsealed(key_id: str, sealed: str) -> str:
    """What stands in an encrypted column, whatever row it is bound to: GCM is this counter mode and a tag."""
    if key_id not in {each.split(":", 1)[0] for each in settings.FIELD_ENCRYPTION_KEYS}:
        return ""
    raw = base64.b64decode(sealed)
    key, counter = encryption._derived(key_id, "field", 32), raw[:12] + (2).to_bytes(4, "big")
    return Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor().update(raw[12:-16]).decode()


def _decoded(code: str) -> str:
    if code.startswith(HEX):
        return bytes.fromhex(code.removeprefix(HEX)).decode("latin-1")
    plain = code.rstrip("=").replace("-", "+").replace("_", "/")
    # Base64 has no length that leaves one over.
    whole = plain[: len(plain) - (len(plain) % 4 == 1)]
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")


def _in_redis(words: tuple[str, ...]) -> Iterator[str]:
    server = redis.Redis.from_url(settings.REDIS_URL)
    for key in server.keys("*"):
        if any(is_named(part.decode("latin-1"), words) for part in [key, *_values(server, key)]):
            yield f"redis {key.decode()}"


def _values(server: "redis.Redis", key: bytes) -> list[bytes]:
    """What a key holds, by its kind: a dump would be compressed."""
    kind = server.type(key).decode()
    if kind == "hash":
        return [part for pair in server.hgetall(key).items() for part in pair]
    read = {
        "string": lambda: [server.get(key)],
        "list": lambda: server.lrange(key, 0, -1),
        "set": lambda: list(server.smembers(key)),
        "zset": lambda: server.zrange(key, 0, -1),
    }
    return read[kind]()


def waiting_tasks() -> int:
    """How many tasks wait in the broker for a worker; the tests run none."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    return sum(server.llen(queue) for queue in ("default", "sending", "receiving"))


def _in_files(words: tuple[str, ...]) -> Iterator[str]:
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        if path.is_file() and any(is_named(content.decode("latin-1"), words) for content in _contents(path)):
            yield f"file {path.suffix}"


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".zip":
        with ZipFile(io.BytesIO(raw)) as packed:
            for name in packed.namelist():
                yield packed.read(name)


def received(bakery: Tenant) -> list[str]:
    """What people wrote to the bakery, as it is stored."""
    with tenant_scope(bakery):
        return list(InboundMessage.objects.order_by("pk").values_list("text", flat=True))


def downloaded(alice: Caller, uid: str) -> bytes:
    """The ZIP of a finished export."""
    answer = alice.get(f"data-requests/{uid}/file/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    return b"".join(answer.streaming_content)


def exported(alice: Caller, uid: str) -> tuple[dict[str, Any], str]:
    """data.json and index.html of a finished export."""
    with ZipFile(io.BytesIO(downloaded(alice, uid))) as packed:
        return json.loads(packed.read("data.json")), packed.read("index.html").decode()
