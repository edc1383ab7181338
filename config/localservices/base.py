"""The folder of one set of local services: its lock, its secrets, and how others find what runs in it."""

import base64
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Bases of these names get a fresh folder at every start, deleted at the end.
TEMPORARY = ("test", "once")
EXPORTED = ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "WHATSAPP_API_URL", "DOOR_URL")


class Base:
    """A folder below `.local/` that one supervisor at a time may use.

    `folder` is absolute. A base named `test` or `once` becomes a fresh folder inside it, with `is_temporary` set.
    """

    def __init__(self, path: Path) -> None:
        folder = (ROOT / path).absolute()
        # Created step by step, open to all but its secrets: as root, PostgreSQL runs as another user.
        folder.mkdir(parents=True, exist_ok=True)
        self.is_temporary = folder.name in TEMPORARY
        if self.is_temporary:
            _sweep(folder)
            folder = Path(tempfile.mkdtemp(dir=folder))
            folder.chmod(0o755)
        self.folder = folder
        # WhiteNoise warns about a missing folder, and in tests warnings are errors.
        (ROOT / ".local" / "static").mkdir(exist_ok=True)
        for part in ("logs", "tmp"):
            (folder / part).mkdir(exist_ok=True)

    def lock(self) -> bool:
        """Claim the folder for this process; False when another supervisor is at work in it."""
        self._lock = _open_lock(self.folder / "lock")
        # A killed supervisor's guardian holds the lock until it has cleaned up, which takes a moment.
        deadline = time.monotonic() + 8
        while not _take(self._lock):
            if self.running() or time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def log(self, name: str) -> Path:
        """The file that the child of this name writes to."""
        return self.folder / "logs" / f"{name}.log"

    def secrets(self) -> dict[str, str]:
        """The secrets of this base, invented on first use and kept in a file only its owner can read."""
        known: dict[str, str] = self._read("secrets.json")
        # A base of an older release lacks those that came since.
        kept = _invent() | known
        if kept != known:
            self._write("secrets.json", kept)
        return {name: value for name, value in kept.items() if not name.startswith("LOCAL_")}

    def password(self, server: str) -> str:
        """The password of `postgres`, `zusage`, `zusage_app` or `valkey` on this base."""
        self.secrets()
        return self._read("secrets.json")[f"LOCAL_{server.upper()}_PASSWORD"]

    def announce(self) -> None:
        """Write down the addresses and secrets in force, so that a second command can join."""
        names = [*EXPORTED, *self.secrets()]
        self._write("running.json", {name: os.environ[name] for name in names if name in os.environ})
        # Opened after the guardian was forked, so this lock ends with the supervisor itself.
        self._announced = _open_lock(self.folder / "running")
        fcntl.flock(self._announced, fcntl.LOCK_EX)

    def running(self) -> dict[str, str]:
        """The environment of the supervisor that runs here now; empty if none does."""
        lock = _open_lock(self.folder / "running")
        is_running = not _take(lock)
        os.close(lock)
        return self._read("running.json") if is_running else {}

    def leave(self) -> None:
        """Take back the announcement; delete a temporary base."""
        (self.folder / "running.json").unlink(missing_ok=True)
        if self.is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, name: str) -> dict[str, str]:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else {}

    def _write(self, name: str, values: dict[str, str]) -> None:
        fresh = self.folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(values, file)
        fresh.rename(self.folder / name)


def _invent() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "WHATSAPP_APP_SECRET": secrets.token_hex(16),
        "WHATSAPP_VERIFY_TOKEN": secrets.token_urlsafe(24),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LOCAL_POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "LOCAL_ZUSAGE_PASSWORD": secrets.token_urlsafe(24),
        "LOCAL_ZUSAGE_APP_PASSWORD": secrets.token_urlsafe(24),
        "LOCAL_VALKEY_PASSWORD": secrets.token_urlsafe(24),
    }


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(folder: Path) -> None:
    """Delete temporary bases whose supervisor and guardian were both killed: nobody holds their lock."""
    for leftover in folder.glob("*/lock"):
        # A fresh one may belong to a supervisor that has not taken its lock yet; others to another user.
        if time.time() - leftover.stat().st_mtime < 60 or not os.access(leftover, os.W_OK):
            continue
        lock = os.open(leftover, os.O_RDWR)
        if _take(lock):
            shutil.rmtree(leftover.parent, ignore_errors=True)
        os.close(lock)
