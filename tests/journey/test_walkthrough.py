"""The whole path from outside: commands, REST API and signed webhooks, with a stranger's stub in place of Meta."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Self

import httpx
import pytest

from benchmarks.fleet import Fleet, wait_until
from config.localservices.base import ROOT
from tests.journey.stranger import stub
from whatsapp.signature import sign

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
MINUTES = 120
AGREED = "Ja, ich möchte Angebote per WhatsApp erhalten. Ich bin mindestens 16 Jahre alt."
HEADER = (
    "Vorname;Handy;PLZ;WhatsApp-Einwilligung;Einwilligung am;Quelle der Einwilligung;Wortlaut;Nachweis;Abgemeldet\n"
)
COMPONENTS = [
    {"type": "BODY", "text": "Hallo {{1}}, 20 Prozent auf alles.", "example": {"body_text": [["Anna"]]}},
    {"type": "FOOTER", "text": "Sonne · Abmelden mit STOPP"},
]


def person(number: int, postcode: str = "10115", *, agreed: bool = True, opted_out: str = "") -> str:
    said = f"ja;2026-03-01 10:00;Ladentheke;{AGREED};Formular {number}" if agreed else ";;;;"
    return f"Anna{number};+49 151 2345670{number};{postcode};{said};{opted_out}\n"


class Outsider:
    """Somebody with a shell and an API key, and what Meta would know of them."""

    def __init__(self, product: Fleet, slug: str) -> None:
        self.product = product
        self.waba, self.phone_number_id = f"10{secrets.randbelow(10**9)}", f"20{secrets.randbelow(10**9)}"
        self.secret = secrets.token_hex(16)
        owner = ("--name", "Sonne", "--owner-email", f"{slug}@example.com")
        signed = ("--signer", "Alice Sonne", "--position", "Inhaberin")
        made = self.command("create_tenant", "--slug", slug, *owner, *signed)
        number = ("--waba-id", self.waba, "--phone-number-id", self.phone_number_id, "--display-number", "+49 30 23125")
        app = ("--token", "any-token", "--app-secret", self.secret, "--verify-token", "hello")
        self.webhook = (
            product.url("door") + self.command("connect_number", "--tenant", slug, *number, *app)["webhook_path"]
        )
        self.http = httpx.Client(
            base_url=f"{product.url('web')}/api/v1/",
            headers={"Authorization": f"Bearer {made['api_key']}"},
            timeout=30,
            trust_env=False,
        )

    def command(self, *arguments: str) -> Json:
        """Run `manage.py …`; returns the JSON it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.product.environment,
            capture_output=True,
            text=True,
            timeout=MINUTES,
        )
        assert done.returncode == 0, done.stderr
        found: Json = json.loads(done.stdout.splitlines()[-1])
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> Json:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def post(self, path: str, body: Json | None = None, **more: Any) -> Json:
        answer = self.http.post(path, json=body, **more) if not more else self.http.post(path, **more)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def wait(self, path: str, what: str, value: Any) -> Json:
        """Ask until the answer's field has this value."""
        wait_until(lambda: self.get(path)[what] == value, f"{path} {what}={value}", MINUTES)
        return self.get(path)

    def hook(self, *changes: Json) -> None:
        """Post a signed webhook of Meta's."""
        document = {"object": "whatsapp_business_account", "entry": [{"id": self.waba, "changes": list(changes)}]}
        body = json.dumps(document).encode()
        answer = httpx.post(self.webhook, content=body, headers={"X-Hub-Signature-256": sign(self.secret, body)})
        assert answer.status_code == 200

    def hook_statuses(self, *statuses: Json) -> None:
        metadata = {"display_phone_number": "493023125", "phone_number_id": self.phone_number_id}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": list(statuses)}
        self.hook({"field": "messages", "value": value})


def status(wamid: str, name: str, after_s: int, **more: Any) -> Json:
    return {"id": wamid, "status": name, "timestamp": str(int(time.time()) + after_s), "recipient_id": "x", **more}


def prepared(outsider: Outsider, people: Sequence[str]) -> str:
    """Import, segment, template with its approval, campaign; returns the campaign's uid."""
    csv = (HEADER + "".join(people)).encode()
    imported = outsider.post("imports/", files={"file": ("kunden.csv", csv, "text/csv")})
    assert outsider.wait(f"imports/{imported['uid']}/", "state", "finished")["created"] == len(people)
    rule = {"field": "postcode", "op": "starts_with", "value": "101"}
    segment = outsider.post("segments/", {"name": "Mitte", "rule": rule})
    content = {"name": "fruehling", "language": "de", "category": "MARKETING", "components": COMPONENTS}
    template = outsider.post("templates/", content)
    outsider.post(f"templates/{template['uid']}/submit/", {})
    approved = {"event": "APPROVED", "message_template_id": secrets.randbelow(10**9), "reason": "NONE"}
    named = {"message_template_name": "fruehling", "message_template_language": "de"}
    outsider.hook({"field": "message_template_status_update", "value": approved | named})
    outsider.wait(f"templates/{template['uid']}/", "status", "APPROVED")
    variables = {"body": [{"name": "1", "from": "first_name", "fallback": "du"}]}
    campaign = outsider.post(
        "campaigns/",
        {
            "name": "Frühling",
            "audience": {"include": {"segments": [segment["uid"]]}},
            "variants": [{"template": template["uid"], "variables": variables}],
        },
    )
    uid: str = campaign["uid"]
    return uid


def test_from_an_empty_database_to_a_report_with_a_strangers_meta(product: Fleet, meta_port: int) -> None:
    people = [person(n) for n in (1, 2, 3, 4)]
    people += [person(5, agreed=False), person(6, opted_out="ja"), person(7, "50667")]
    with stub(meta_port) as sent, Outsider(product, f"sonne-{secrets.token_hex(4)}") as outsider:
        campaign = prepared(outsider, people)
        estimate = outsider.get(f"campaigns/{campaign}/estimate/")
        assert (estimate["audience"], estimate["reachable"]) == (6, 4)
        assert {reason["code"]: reason["people"] for reason in estimate["reasons"]} == {"no_consent": 1, "withdrawn": 1}
        assert all(check["ok"] for check in estimate["checks"])

        outsider.post(f"campaigns/{campaign}/launch/", {})
        outsider.wait(f"campaigns/{campaign}/", "state", "finished")

        by_phone = {body["to"].lstrip("+"): (wamid, body) for wamid, body in sent.items()}
        assert sorted(by_phone) == [f"491512345670{n}" for n in (1, 2, 3, 4)]
        assert by_phone["4915123456701"][1]["template"]["name"] == "fruehling"
        wamids = [by_phone[f"491512345670{n}"][0] for n in (1, 2, 3, 4)]
        callback = by_phone["4915123456702"][1]["biz_opaque_callback_data"]
        # Without our own data, out of order; with it; a failure; and one that comes twice.
        outsider.hook_statuses(status(wamids[0], "read", 3), status(wamids[0], "sent", 1))
        told = {"biz_opaque_callback_data": callback}
        outsider.hook_statuses(status(wamids[1], "sent", 1, **told), status(wamids[1], "delivered", 2, **told))
        outsider.hook_statuses(status(wamids[2], "failed", 1, errors=[{"code": 131026, "title": "Undeliverable"}]))
        for _ in range(2):
            outsider.hook_statuses(status(wamids[3], "sent", 1))

        path = f"campaigns/{campaign}/report/"
        wait_until(lambda: outsider.get(path)["states"].get("accepted", 0) == 0, "all statuses", MINUTES)
        report = outsider.get(path)
        states = {state: count for state, count in report["states"].items() if count}
        assert states == {"read": 1, "delivered": 1, "sent": 1, "failed": 1, "skipped": 2}
        assert report["audience"] == sum(states.values()) == 6
        counts = report["counts"]
        assert [counts[step] for step in ("accepted", "sent", "delivered", "read")] == [4, 3, 2, 1]
        assert float(report["kpis"]["delivery_rate"]["value"]) == 0.5
        assert {row["reason"]: row["messages"] for row in report["exclusions"]} == {"no_consent": 1, "withdrawn": 1}
        assert [(row["error_code"], row["messages"]) for row in report["failures"]] == [(131026, 1)]


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs bash, curl and openssl")
def test_the_walkthrough_in_the_readme_works_as_it_stands(product: Fleet, meta_port: int) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    environment = {
        **product.environment,
        "WEB": product.url("web"),
        "DOOR": product.url("door"),
        "MOCK_PORT": str(meta_port),
        # Relative, because the shell splits it at blanks.
        "MANAGE": f"{os.path.relpath(sys.executable, ROOT)} manage.py",
    }

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "audience  5 {'failed': 1, 'read': 2, 'skipped': 2}" in done.stdout
