"""Log lines, as JSON or as text, without anybody's data in them.

Our own code names ids and never people. The scrubbing here is the last defence: against what a database, a library or
Meta quotes in an error. It takes out rather too much than too little, for a log is kept longer than its reader thinks.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from celery import current_task
from django.apps import apps

# Each with what stands in its place; in this order, because a token may hold digits that look like a number. They start
# only where a word does and look only so far, so that a long hostile word costs its length and not its square.
PATTERNS = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        # What PostgreSQL quotes, to its end: a row with names and a birthday, a function's call, a statement. A value
        # may have lines of its own, so all of it goes that stands before the next traceback.
        (
            r"(?s)(?:\b|(?<=\\n))(DETAIL|CONTEXT|KONTEXT|QUERY|STATEMENT|(?:LINE|ZEILE) \d+):\s.*?"
            r"(?=\n(?:The above exception|During handling of the above|Traceback \(most recent)|\Z)",
            r"\1: [quoted]",
        ),
        # What somebody looks for in the API: the name, number or address of a person.
        (r"(?i)(?<=[?&])(search|q)=[^&\s\"'<>]+", r"\1=[search]"),
        (r"wamid\.[\w+/=-]+", "[wamid]"),
        # User and password in the address of a server.
        (r"(?<=://)[^\s/@]{0,200}?:[^\s/@]{0,500}@", "[secret]@"),
        (r"(?i)\b(bearer|basic|oauth)\s+[^\s\"',;]+", r"\1 [secret]"),
        (
            r"(?i)(?<![\w.-])([\w.-]{0,40}?(?:token|secret|passw(?:or)?d|api_?key|authorization|signature|proof|cookie|sessionid)[\w-]{0,40}"
            r"[\"']?\s*[=:]\s*)(?!\s*(?:bearer|basic|oauth)\b)(?:\"[^\"]*\"|'[^']*'|[^\s\"'&,;)}\]]+)",
            r"\1[secret]",
        ),
        # Short addresses of people: tracked links and preference pages.
        (r"(?<=/)([rps])/[\w=-]{16,}", r"\1/[token]"),
        (r"(?i)(?<![\w.+'-])[\w.+'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", "[e-mail]"),
        # Meta's tokens, ours, and signatures: long, of mixed characters. A UUID is none: it names a row or a task.
        (r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{24,}={0,2}", "[token]"),
        (r"(?<![\w-])[0-9a-fA-F]{32,}(?![\w-])", "[token]"),
        # Phone numbers: international, German with their spaces, and bare digits as Meta writes them.
        (r"(?<![\w.])(?:\+|%2B|00)[1-9](?:[ ()/.-]{0,4}\d){6,}", "[phone]"),
        (r"(?<![\w.,:+-])\(?0[1-9]\d{1,4}\)?(?:[ /-]{0,3}\d){5,}", "[phone]"),
        (r"(?<![\w.-])\d{10,}(?![\w-]|\.\d)", "[phone]"),
    )
]


def scrub(text: str) -> str:
    """The text without phone numbers, e-mail addresses, tokens, secrets and message ids of Meta's."""
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


class Scrub(logging.Filter):
    """Takes personal data out of a record's message, arguments and traceback, for whatever handles it afterwards."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; always lets it pass."""
        record.msg, record.args = scrub(_message(record)), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        # An exception quotes values, and so does the statement that raised it.
        record.exc_text = record.exc_text and scrub(record.exc_text)
        record.stack_info = record.stack_info and scrub(record.stack_info)
        return True


class JsonLine(logging.Formatter):
    """One line per event: time (UTC), level, logger, message; request, task and traceback where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        line |= _context()
        if record.exc_info or record.exc_text:
            line["exception"] = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, ensure_ascii=False)


class TextLine(logging.Formatter):
    """The same for eyes. A message keeps to one line, so that nobody can write a line of his own into the log."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(sep=" ", timespec="milliseconds")
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        context = "".join(f" {name}={value}" for name, value in _context().items())
        more = [record.exc_text, record.stack_info]
        return "\n".join(
            [f"{at} {record.levelname} {record.name} {message}{context}", *(part for part in more if part)]
        )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        # A mistaken call must not cost the line, nor print its arguments to the terminal.
        return str(record.msg)


def _context() -> dict[str, str]:
    """Which request or task is at work, if one is."""
    found = {}
    if apps.ready:
        # Not at the top: settings name this module before any app is loaded.
        from tenants.scope import request_id

        if request := request_id():
            found["request_id"] = request
    if current_task:
        found |= {"task": current_task.name, "task_id": current_task.request.id or ""}
    return found


def configuration(*, kind: str, level: str) -> dict[str, Any]:
    """What LOGGING is for `kind` "json" or "text"; raises KeyError for another one."""
    line = {"json": "config.logs.JsonLine", "text": "config.logs.TextLine"}[kind]
    # Servers that bring handlers of their own speak through ours.
    ours: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"scrub": {"()": "config.logs.Scrub"}},
        "formatters": {"line": {"()": line}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["scrub"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            **dict.fromkeys(("django", "django.server", "gunicorn.error", "uvicorn", "uvicorn.error"), ours),
            # Requests name links of people and what was searched for: the proxy counts them, nobody writes them down.
            **{name: ours | {"level": "WARNING"} for name in ("gunicorn.access", "uvicorn.access")},
            # Request lines of the HTTP client name tokens and numbers in URLs; they stay out of the log.
            **{name: {"level": "WARNING"} for name in ("httpx", "httpcore")},
            # Three lines a second that say nothing happened, and one per bell that another worker had heard before.
            **{
                f"celery.{name}": {"level": "WARNING"}
                for name in ("app.trace", "worker.strategy", "worker.request", "beat")
            },
        },
    }
