"""Logs tell what happened and to which request or task, and never to whom."""

import json
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import settings

from config.logs import JsonLine, Scrub, TextLine, scrub
from tenants.scope import named_request

PLANTED = [
    "+4915123456789",
    "+49 151 23456789",
    "+49 (0) 30 / 231 250-00",
    "0049 151 23456789",
    "0151 23456789",
    "0151/23456789",
    "030-23125000",
    "(030) 23125 000",
    "4915123456789",
    "%2B4915123456789",
    "ada.lovelace+news@example.com",
    "ada@mail.bäcker-sonne.de",
    "ada%40example.com",
    "wamid.HBgMNDkxNTEyMzQ1Njc4FQIAERgSQjdGNkE1RjM2RDMyQUIzNgA=",
    "EAAGm0PX4ZCpsBAKZBZC7w8bZAqZCd3xyZA9ZC",
    "zusage_9f8e7d6c_Zx8-yW7vU6tS5rQ4pO3nM2lK1jI0hG9fE8dC7bA6",
    "6a09e667f3bcc908b2fb1366ea957d3e3adec17512775099da2f590b0667322a",
    "/r/AbCdEfGhIjKlMnOpQrStUvWx",
]
KEPT = [
    "lane of number 17 ended",
    "12345678 rows in 0.123456789 s",
    "2026-11-26 00:46:30.123 UTC",
    "2026-11-26T00:46:30+00:00",
    "10.0.0.12:54321",
    "campaign 018f6f3e-7d2a-7c3b-9a1e-0123456789ab",
    "code 131026, HTTP 500",
    "tests/reliability/test_exactly_once.py::test_killed_workers_a_restarted_redis",
    "messaging.tasks.send not woken: OperationalError",
]


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the logger "planted" writes, with our filter and as JSON."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Scrub())
    handler.setFormatter(JsonLine())
    logger = logging.getLogger("planted")
    logger.propagate = False
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)
    logger.propagate = True


def lines(written: StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.parametrize("secret", PLANTED)
def test_what_names_a_person_or_opens_a_door_stays_out(secret: str) -> None:
    for text in (secret, f"failed for {secret}: try again", f'{{"to": "{secret}"}}', f"Key (phone)=({secret}) exists."):
        assert secret not in scrub(text)
    assert scrub(f"failed for {secret}: try again").startswith("failed for ")


@pytest.mark.parametrize("text", KEPT)
def test_what_names_nobody_stays_readable(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ("redis://:hunter2@valkey:6379/0", "redis://[secret]@valkey:6379/0"),
        ("postgres://zusage:hunter2@db/zusage", "postgres://[secret]@db/zusage"),
        (
            "GET /v25.0/1?access_token=abc&appsecret_proof=def",
            "GET /v25.0/1?access_token=[secret]&appsecret_proof=[secret]",
        ),
        ('{"password": "correct horse"}', '{"password": [secret]}'),
        ("GET /api/v1/contacts/?search=Ada+Lovelace&limit=5 200", "GET /api/v1/contacts/?search=[search]&limit=5 200"),
        ("GET /api/v1/contacts/?limit=5&search=0151+23456789", "GET /api/v1/contacts/?limit=5&search=[search]"),
        ("hub.verify_token=hello&hub.mode=subscribe", "hub.verify_token=[secret]&hub.mode=subscribe"),
    ],
)
def test_secrets_are_known_by_their_names(text: str, left: str) -> None:
    assert scrub(text) == left


ROW = (
    'new row for relation "contacts_contact" violates check constraint "contact_age"\n'
    "DETAIL:  Failing row contains (17, Ada Lovelace, Am Markt\n12, 10115, 1815-12-10, null).\n"
    'CONTEXT:  COPY contacts_contact, line 3: "17\tLovelace\t10115"\n'
)
CALL = (
    "syntax error at or near \";\"\nLINE 1: SELECT merged('Lovelace', '10115');\n                     ^\n"
    "QUERY:  INSERT INTO x VALUES ('Lovelace', '1815-12-10')\nCONTEXT:  PL/pgSQL function merged('Lovelace') line 7\n"
)
QUOTED = ("Ada", "Lovelace", "10115", "Markt", "12,", "1815")


@pytest.mark.parametrize("text", [ROW, CALL, repr(ROW), repr(CALL), ROW.replace("\n", "\n  | ")])
def test_what_postgresql_quotes_of_a_row_or_a_statement_stays_out(text: str) -> None:
    left = scrub(f"IntegrityError: {text}\n\nThe above exception was the direct cause of the following exception:\n")

    assert not [word for word in QUOTED if word in left]
    assert left.startswith(f"IntegrityError: {text.partition(chr(10))[0][:20]}")
    assert left.endswith("[quoted]\nThe above exception was the direct cause of the following exception:\n")


def test_a_row_that_the_database_refuses_is_in_no_traceback(written: StringIO) -> None:
    try:
        try:
            raise ValueError(ROW)
        except ValueError as error:
            raise RuntimeError(str(error)) from error
    except RuntimeError as error:
        logging.getLogger("planted").exception("not stored: %s", error)

    [line] = lines(written)
    assert not [word for word in QUOTED if word in json.dumps(line)]
    assert "contact_age" in line["message"]
    assert "ValueError: new row for relation" in line["exception"]
    assert "RuntimeError: new row for relation" in line["exception"]
    assert line["exception"].count("test_a_row_that_the_database_refuses") == 2


def test_arguments_tracebacks_and_unfit_arguments_are_scrubbed_too(written: StringIO) -> None:
    log = logging.getLogger("planted")

    log.warning("refused: %s for %s", {"to": "4915123456789"}, "ada@example.com")
    try:
        raise ValueError("Key (phone)=(+4915123456789) already exists.")
    except ValueError:
        log.exception("one row failed")
    log.warning("%d people", "+4915123456789")

    refused, failed, unfit = lines(written)
    assert refused["message"] == "refused: {'to': '[phone]'} for [e-mail]"
    assert "ValueError: Key (phone)=([phone]) already exists." in failed["exception"]
    assert "test_arguments_tracebacks" in failed["exception"]
    assert unfit["message"] == "%d people"


def test_an_event_is_one_line_that_names_its_request(written: StringIO) -> None:
    with named_request("trace-12345678"):
        logging.getLogger("planted").error("first\nsecond")

    [line] = lines(written)
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "planted", "first\nsecond")
    assert line["request_id"] == "trace-12345678"
    assert line["time"].endswith("+00:00")


def test_text_keeps_a_message_on_its_line() -> None:
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "a\nFAKE line"})

    assert TextLine().format(record).endswith("INFO x a\\nFAKE line")


def test_a_worker_writes_json_that_names_the_task() -> None:
    task_id = str(uuid.uuid4())
    ended = python(
        "from celery import shared_task; from config.celery import app; import django, logging; django.setup()\n"
        "@app.task\n"
        "def speak(): logging.getLogger('said').warning('to +4915123456789')\n"
        f"speak.apply(task_id='{task_id}')",
        LOG_FORMAT="json",
    )

    [line] = [json.loads(line) for line in ended.stderr.splitlines() if "said" in line]
    assert (line["message"], line["task_id"]) == ("to [phone]", task_id)


def test_an_unknown_format_is_refused_with_one_sentence() -> None:
    ended = python("import django; django.setup()", LOG_FORMAT="xml")

    assert ended.returncode != 0
    assert "LOG_FORMAT must be json or text." in ended.stderr


def python(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
