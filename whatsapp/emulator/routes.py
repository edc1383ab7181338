"""Finds who answers a Graph API path of the emulator."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from whatsapp.emulator import administration, files, templates
from whatsapp.emulator.answers import Answer, Failure, ok, success
from whatsapp.emulator.people import People
from whatsapp.emulator.sending import Sending
from whatsapp.emulator.state import World


class Request(NamedTuple):
    """One request; `parts` is the path without the version."""

    method: str
    path: str
    parts: list[str]
    query: Mapping[str, str]
    content_type: str
    raw: bytes


class Graph:
    """Meta's API, as far as Zusage uses it."""

    def __init__(self, world: World, people: People, sending: Sending) -> None:
        self.world = world
        self.people = people
        self.sending = sending

    def take(self, request: Request) -> Answer:
        """Answer one request; raises `Failure`."""
        method, parts = request.method, request.parts
        if len(parts) == 2 and method == "POST":
            if parts[1] == "messages":
                return self.sending.take(parts[0], request.raw)
            if parts[1] == "marketing_messages":
                return self.sending.take(parts[0], request.raw, as_marketing=True)
        if self.world.profile.calls_refused:
            raise Failure(self.world.profile.calls_refused)
        if len(parts) >= 2:
            edge = self._edges().get(parts[1])
            if edge:
                return edge(parts[0], request)
        if len(parts) == 1:
            return self._node(parts[0], request)
        raise Failure(100, "Unsupported request: unknown path components.", subcode=33, status=404)

    def _edges(self) -> dict[str, Callable[[str, Request], Answer]]:
        return {
            "message_templates": self._templates,
            "unpause": self._unpause,
            "media": lambda node, request: files.upload(self.world, node, request.content_type, request.raw),
            "uploads": lambda node, request: files.begin_sample(self.world, request.query),
            "phone_numbers": lambda node, request: administration.numbers(self.world, node),
            "subscribed_apps": lambda node, request: administration.subscriptions(
                self.world, node, request.method, request.raw
            ),
            "register": lambda node, request: administration.register(self.world.number(node), request.raw),
            "deregister": lambda node, request: administration.deregister(self.world.number(node)),
            "message_qrdls": self._qr_codes,
            "whatsapp_business_profile": lambda node, request: administration.profile(
                self.world.number(node), request.method, request.raw
            ),
            "block_users": lambda node, request: administration.blocks(
                self.world.number(node), request.method, request.raw
            ),
        }

    def _templates(self, account_id: str, request: Request) -> Answer:
        if request.method == "GET":
            address = self.world.base_url + request.path
            return templates.listing(self.world.account(account_id), address, request.query)
        if request.method == "POST":
            return templates.create(self.world, self.people, account_id, request.raw)
        if request.method == "DELETE":
            return templates.delete(self.world.account(account_id), request.query)
        raise Failure(100, f"Unsupported {request.method.lower()} request.", subcode=33)

    def _unpause(self, template_id: str, request: Request) -> Answer:
        template = self.world.template(template_id)
        if template is None:
            raise _missing(template_id)
        return templates.unpause(self.people, template)

    def _qr_codes(self, number_id: str, request: Request) -> Answer:
        number = self.world.number(number_id)
        code = request.parts[2] if len(request.parts) > 2 else ""
        if request.method == "GET":
            return administration.read_qr_codes(number, code)
        if request.method == "DELETE":
            return administration.delete_qr_code(number, code)
        return administration.save_qr_code(self.world, number, request.raw)

    def _node(self, node: str, request: Request) -> Answer:
        method, world = request.method, self.world
        if node.startswith("upload:"):
            if method == "GET":
                return files.resume_sample(world, node)
            return files.take_sample(world, node, request.raw)
        template = world.template(node)
        if template is not None:
            if method == "GET":
                return ok(template.as_json())
            return templates.edit(world, self.people, template, request.raw)
        file = world.file(node)
        if file is not None:
            return files.delete(world, file) if method == "DELETE" else files.describe(world, file)
        if node in world.numbers:
            number = world.numbers[node]
            if method == "GET":
                return ok(administration.number_json(world, number))
            return administration.configure_number(number, request.raw)
        if node in world.accounts:
            return ok(administration.account_json(world.accounts[node])) if method == "GET" else success()
        raise _missing(node)


def _missing(node: str) -> Failure:
    details = f"Object with ID '{node}' does not exist or cannot be loaded due to missing permissions."
    return Failure(100, details, subcode=33)
