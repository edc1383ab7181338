"""The emulated template API: create, list, read, edit, delete, unpause."""

from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import orjson

from whatsapp.emulator.answers import Answer, Failure, ok, success
from whatsapp.emulator.files import HANDLE
from whatsapp.emulator.people import People
from whatsapp.emulator.sending import load
from whatsapp.emulator.state import Account, Template, World
from whatsapp.payloads import lint

Json = dict[str, Any]

_FILTERS = ("name", "language", "category", "status", "quality_score")
DAY_S = 86_400.0
NAME_BLOCKED_S = 30 * DAY_S
EDITS_A_MONTH = 10
MOST_DELETED = 100
_SUBCODES = {"header": 2388047, "body": 2388072, "footer": 2388073}
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")


def register(world: World, account_id: str, definition: Json, status: str = "PENDING") -> Template:
    """Put a template into an account without review; raises `Failure` if the name is taken."""
    name, language = str(definition.get("name", "")), str(definition.get("language", ""))
    account = world.account(account_id)
    if any((item.name, item.language) == (name, language) for item in account.templates.values()):
        raise Failure(100, "There is already a template with this name and language.", subcode=2388024)
    template = Template(
        str(definition.get("id") or world.new_id()),
        account_id,
        name,
        language.replace("-", "_"),
        str(definition.get("category", "MARKETING")).upper(),
        [part for part in definition.get("components") or [] if isinstance(part, dict)],
        status,
        str(definition.get("parameter_format", "POSITIONAL")).upper(),
    )
    if "message_send_ttl_seconds" in definition:
        template.extra["message_send_ttl_seconds"] = definition["message_send_ttl_seconds"]
    account.templates[template.id] = template
    return template


def create(world: World, people: People, account_id: str, raw: bytes) -> Answer:
    """POST /{WABA}/message_templates; the review follows by webhook."""
    definition = load(raw)
    _refuse_faults(definition)
    _refuse_deleted(world, account_id, definition)
    template = register(world, account_id, definition)
    await_review(people, template)
    return ok({"id": template.id, "status": template.status, "category": template.category})


def await_review(people: People, template: Template) -> None:
    """Have it reviewed, unless its name says that it is to stay in review."""
    if not template.name.endswith("_pending"):
        people.review(template)


def _refuse_deleted(world: World, account_id: str, definition: Json) -> None:
    name = (str(definition.get("name", "")), str(definition.get("language", "")).replace("-", "_"))
    deleted_at = world.account(account_id).deleted_at.get(name)
    if deleted_at is not None and deleted_at > world.ago(NAME_BLOCKED_S):
        raise Failure(100, "A template of this name and language was deleted less than 30 days ago.", subcode=2388023)


def _refuse_faults(definition: Json) -> None:
    problems = lint(definition)
    if not problems:
        _refuse_strange_handles(definition.get("components") or [])
        return
    first = problems[0]
    part = first.field.partition(".")[0]
    subcode = _SUBCODES.get(part)
    if "start or end" in first.message_en:
        subcode = 2388299
    elif "Too many variables" in first.message_en:
        subcode = 2388293
    elif "At most" in first.message_en and "characters" in first.message_en:
        subcode = 2388040
    raise Failure(100, f"{first.field}: {first.message_en}", subcode=subcode)


def _refuse_strange_handles(components: list[Json]) -> None:
    for part in components:
        # Other handles of this form are taken too: they may have been given out before a restart.
        for handle in (part.get("example") or {}).get("header_handle") or []:
            if not str(handle).startswith(HANDLE):
                raise Failure(100, "header.example: Param header_handle is not a handle of an uploaded sample.")
        for card in part.get("cards") or []:
            _refuse_strange_handles(card.get("components") or [])


def listing(account: Account, address: str, query: Mapping[str, str]) -> Answer:
    """GET /{WABA}/message_templates with filters, `limit` and cursors; `address` is where pages are."""
    found = [item for item in account.templates.values() if _matches(item, query)]
    limit = max(1, min(int(query.get("limit", "25")), 250))
    start, end = _page(query, limit)
    page = found[start:end]
    paging: Json = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    # The pages beside this one ask for the same in all but the cursor.
    same = {key: value for key, value in query.items() if key not in ("before", "after")}
    if start + len(page) < len(found):
        paging["next"] = f"{address}?{urlencode(same | {'after': paging['cursors']['after']})}"
    if start > 0:
        paging["previous"] = f"{address}?{urlencode(same | {'before': paging['cursors']['before']})}"
    return ok({"data": [item.as_json() for item in page], "paging": paging})


def _page(query: Mapping[str, str], limit: int) -> tuple[int, int]:
    """First place of a page and the one behind its last: `limit` places behind `after`, or up to `before`."""
    before = query.get("before", "")
    if before.isdecimal() and not query.get("after"):
        return max(0, int(before) - limit), int(before)
    start = int(query["after"]) if query.get("after", "").isdecimal() else 0
    return start, start + limit


def _matches(template: Template, query: Mapping[str, str]) -> bool:
    fields = template.as_json() | {"quality_score": template.quality}
    text = _text_of(template)
    if query.get("content", "").lower() not in text:
        return False
    if query.get("name_or_content", "").lower() not in f"{template.name}\n{text}":
        return False
    return all(str(fields[key]).lower() == query[key].lower() for key in _FILTERS if query.get(key))


def _text_of(template: Template) -> str:
    return "\n".join(str(part.get("text", "")) for part in template.components).lower()


def edit(world: World, people: People, template: Template, raw: bytes) -> Answer:
    """POST /{template id}: components are replaced as a whole and reviewed again.

    An approved one can be edited once in 24 hours and ten times in 30 days. Source: fact sheet section 4.6.
    """
    changes = load(raw)
    if template.status not in EDITABLE:
        raise Failure(100, f"A template that is {template.status} cannot be edited.", subcode=2388039)
    category = str(changes.get("category", template.category)).upper()
    if template.status == "APPROVED" and category != template.category:
        raise Failure(100, "The category of an approved template cannot be changed.", subcode=2388039)
    if "components" in changes:
        _refuse_faults(template.as_json() | {"components": changes["components"]})
    if template.status == "APPROVED":
        _count_edit(world, template)
    template.category = category
    if "message_send_ttl_seconds" in changes:
        template.extra["message_send_ttl_seconds"] = changes["message_send_ttl_seconds"]
    if "components" in changes:
        template.components = changes["components"]
        template.become("PENDING")
        people.review(template)
    return success()


def _count_edit(world: World, template: Template) -> None:
    template.edited_at = [at for at in template.edited_at if at > world.ago(30 * DAY_S)]
    if len(template.edited_at) >= EDITS_A_MONTH or any(at > world.ago(DAY_S) for at in template.edited_at):
        raise Failure(100, "An approved template can be edited once in 24 hours and ten times in 30 days.")
    template.edited_at.append(monotonic())


def delete(account: Account, query: Mapping[str, str]) -> Answer:
    """DELETE /{WABA}/message_templates by `name`, one language version by `hsm_id`, or up to 100 by `hsm_ids`."""
    doomed = [item for item in account.templates.values() if _is_meant(item, query)]
    if not doomed:
        raise Failure(100, "Message template not found.", subcode=2593002, status=404)
    if any(item.status == "DISABLED" for item in doomed):
        raise Failure(100, "A disabled template cannot be deleted.")
    for item in doomed:
        if item.was_approved:
            account.deleted_at[item.name, item.language] = monotonic()
        del account.templates[item.id]
    return success()


def _is_meant(template: Template, query: Mapping[str, str]) -> bool:
    if query.get("hsm_ids"):
        return template.id in _ids_in(query["hsm_ids"])
    if query.get("hsm_id"):
        return template.id == query["hsm_id"]
    return template.name == query.get("name")


def _ids_in(text: str) -> list[str]:
    """The ids of `hsm_ids`: a JSON list of strings or numbers."""
    ids = orjson.loads(text)
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_DELETED:
        raise Failure(100, f"Param hsm_ids must be a list of 1 to {MOST_DELETED} ids.")
    return [str(item) for item in ids]


def unpause(people: People, template: Template) -> Answer:
    """POST /{template id}/unpause."""
    if template.status != "PAUSED":
        raise Failure(100, "Only a paused template can be unpaused.")
    people.judge(template, "APPROVED")
    return success()
