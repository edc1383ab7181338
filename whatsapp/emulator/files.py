"""The emulated media API: upload for sending, address, download, delete, and resumable uploads of samples."""

import hashlib
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from secrets import token_hex

from whatsapp.emulator.answers import Answer, Failure, ok, success
from whatsapp.emulator.state import File, World
from whatsapp.payloads.files import SAMPLES, looks_like, rule_for

MB = 1024 * 1024
# Of one account: two of the largest documents, and hundreds of pictures.
MOST_BYTES = 256 * MB
MOST_HEAD = 8192
_HEADS = BytesHeaderParser()
# How the handle of a sample begins.
HANDLE = "4::"


def upload(world: World, number_id: str, content_type: str, raw: bytes) -> Answer:
    """POST /{phone number id}/media, multipart; answers `{"id"}`, good for the numbers of that account for 30 days."""
    fields, found = _parts(content_type, raw)
    if fields.get("messaging_product") != "whatsapp":
        raise Failure(100, "The parameter messaging_product is required.")
    if found is None:
        raise Failure(100, "The parameter file is required.")
    mime_type, content = found
    _refuse_bad(mime_type, content)
    file = File(world.new_id(), mime_type, content, world.number(number_id).account_id)
    world.files[file.id] = file
    _make_room(world, file.account_id)
    return ok({"id": file.id})


def _make_room(world: World, account_id: str) -> None:
    """Forget what has expired, and an account's oldest files until the others fit into `MOST_BYTES`."""
    for file in list(world.files.values()):
        if world.file(file.id) is None:
            del world.files[file.id]
    own = [file for file in world.files.values() if file.account_id == account_id]
    excess = sum(len(file.content) for file in own) - MOST_BYTES
    for file in own:
        if excess <= 0:
            return
        del world.files[file.id]
        excess -= len(file.content)


def _refuse_bad(mime_type: str, content: bytes) -> None:
    rule = rule_for(mime_type, content)
    if rule is None:
        raise Failure(131053, f"Media upload error: files of type {mime_type} are not supported.")
    if not content or len(content) > rule.most:
        raise Failure(131053, f"Media upload error: a file of this type has 1 to {rule.most} bytes.")
    if not looks_like(mime_type, content):
        raise Failure(131053, f"Media upload error: the file is not of type {mime_type}.")


def need(world: World, account_id: str, place: str, file_id: str) -> None:
    """Raise `Failure` 100 unless the account uploaded this file, as Meta refuses strange and expired media ids."""
    file = world.file(file_id)
    if file is None or file.account_id != account_id:
        raise Failure(100, f"Param {place}['id'] is not a valid whatsapp business account media attachment ID")


def _parts(content_type: str, raw: bytes) -> tuple[dict[str, str], tuple[str, bytes] | None]:
    """The fields of a form by name, and type and content of its file."""
    fields: dict[str, str] = {}
    found: tuple[str, bytes] | None = None
    for head, content in _sections(content_type, raw):
        if head.get_filename():
            found = (head.get_content_type(), content)
        else:
            fields[str(head.get_param("name", header="content-disposition"))] = content.decode().strip()
    return fields, found


def _sections(content_type: str, raw: bytes) -> Iterator[tuple[Message, bytes]]:
    # Python's own parser reads a body line by line: 15 s for the largest document, in which nobody else is answered.
    boundary = _HEADS.parsebytes(f"Content-Type: {content_type}".encode()).get_boundary()
    if not boundary:
        raise Failure(100, "The body must be multipart/form-data.")
    mark = f"\r\n--{boundary}".encode()
    # Nothing need come before the first one, not even a line's end.
    at = raw.find(mark[2:]) + len(mark) - 2
    while (end := raw.find(mark, at)) >= 0:
        head, _, _ = raw[at : min(end, at + MOST_HEAD)].partition(b"\r\n\r\n")
        yield _HEADS.parsebytes(head.lstrip()), raw[at + len(head) + 4 : end]
        at = end + len(mark)


def describe(world: World, file: File) -> Answer:
    """GET /{media id}."""
    return ok(
        {
            "messaging_product": "whatsapp",
            "url": f"{world.base_url}/_media/{file.id}",
            "mime_type": file.mime_type,
            "sha256": hashlib.sha256(file.content).hexdigest(),
            "file_size": len(file.content),
            "id": file.id,
        }
    )


def download(world: World, file_id: str) -> Answer:
    """The bytes of a file."""
    file = world.file(file_id)
    if file is None:
        raise Failure(100, "The media does not exist.", subcode=33, status=404)
    return Answer(200, file.content, file.mime_type.encode())


def delete(world: World, file: File) -> Answer:
    """DELETE /{media id}."""
    del world.files[file.id]
    return success()


def begin_sample(world: World, query: Mapping[str, str]) -> Answer:
    """POST /{app id}/uploads: open a resumable upload."""
    if not query.get("file_length", "").isdecimal() or not query.get("file_type"):
        raise Failure(100, "The parameters file_length and file_type are required.")
    if query["file_type"] not in SAMPLES:
        raise Failure(100, f"Param file_type must be one of {', '.join(sorted(SAMPLES))}.")
    session = f"upload:{token_hex(16)}"
    world.uploads[session] = {"length": int(query["file_length"]), "received": 0, "type": query["file_type"]}
    return ok({"id": session})


def take_sample(world: World, session: str, raw: bytes) -> Answer:
    """POST /upload:…: take the bytes; answers the handle once all have come, which ends the upload."""
    upload_state = world.uploads.get(session)
    if upload_state is None:
        raise Failure(100, "The upload session does not exist.", subcode=33, status=404)
    upload_state["received"] += len(raw)
    if upload_state["received"] < upload_state["length"]:
        return ok({"id": session})
    del world.uploads[session]
    return ok({"h": f"{HANDLE}{token_hex(12)}"})


def resume_sample(world: World, session: str) -> Answer:
    """GET /upload:…: how many bytes have come."""
    upload_state = world.uploads.get(session)
    if upload_state is None:
        raise Failure(100, "The upload session does not exist.", subcode=33, status=404)
    return ok({"id": session, "file_offset": upload_state["received"]})
