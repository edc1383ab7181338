"""What docker-compose.yml and the units for systemd promise, read from the files: no Docker is needed to break it."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from config.localservices.postgres import SETTINGS
from config.localservices.processes import PROCESSES
from contacts.importing.limits import FILE_BYTES

ROOT = Path(settings.BASE_DIR)
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "zusage"}
ONE_SHOT = {"migrate"}
UNITS = {path.name: path for path in (ROOT / "deploy" / "systemd").iterdir()}
QUEUES = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
# The longest that docs/operations.md gives each to end, in seconds.
GRACE = {"web": 30, "door": 30, "sending": 50, "receiving": 30, "default": 60, "beat": 15}


def seconds(text: str) -> int:
    matched = re.fullmatch(r"(\d+)s?", text)
    assert matched, text
    return int(matched[1])


def unit(name: str) -> configparser.ConfigParser:
    class Multiple(dict):  # systemd allows a key several times
        def __setitem__(self, key: str, value: Any) -> None:
            if key in self and isinstance(value, list):
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parsed = configparser.ConfigParser(interpolation=None, strict=False, dict_type=Multiple)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(UNITS[name])
    return parsed


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root_or_writes_to_its_image(name: str) -> None:
    service = SERVICES[name]

    assert not service["user"].startswith(("0", "root"))
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES.keys() - ONE_SHOT)
def test_every_service_says_whether_it_is_well_and_starts_again(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_every_process_of_the_product_is_a_service_and_every_queue_has_a_worker() -> None:
    served = {found for service in OURS.values() for found in re.findall(r"--queues (\S+)", service["command"])}

    assert OURS.keys() >= PROCESSES.keys()
    assert served == QUEUES == {queue for process in PROCESSES.values() for queue in process.queues}
    assert SERVICES["emulator"]["profiles"] == ["sandbox"]


def test_nothing_of_ours_starts_before_the_servers_answer_and_the_database_is_up_to_date() -> None:
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name, service in OURS.items():
        if name not in (*ONE_SHOT, "emulator"):
            assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully", name
            assert service["depends_on"]["valkey"]["condition"] == "service_healthy", name


def test_uploads_lie_where_web_and_workers_both_see_them() -> None:
    for name in ("web", "default", "sending", "receiving"):
        media = SERVICES[name]["environment"]["MEDIA_ROOT"]
        assert f"media:{media}" in SERVICES[name]["volumes"], name
    # The first container gives the new volume its owner.
    assert "media:/var/lib/zusage/media" in SERVICES["migrate"]["volumes"]
    assert "media" in COMPOSE["volumes"]


def test_the_app_never_learns_the_superusers_password() -> None:
    roles = (ROOT / "deploy" / "roles.sh").read_text()

    for name, service in OURS.items():
        assert service["environment"]["POSTGRES_PASSWORD"] == "", name
        assert service["environment"]["BACKUP_DB_PASSWORD"] == "", name
        assert "POSTGRES_PASSWORD" not in service["environment"]["DATABASE_URL"]
    assert "POSTGRES_PASSWORD" not in roles
    passwords = [value for name, value in SERVICES["postgres"]["environment"].items() if name.endswith("PASSWORD")]
    assert len({*passwords}) == len(passwords) == 4


def test_the_proxies_of_the_page_let_the_largest_import_through() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()

    # Caddy's and nginx's; nginx has one of its own for the door.
    allowed = sorted(int(size) for size in re.findall(r"(?:max_size|client_max_body_size) (\d+)", page))[-2:]

    # A form has its other fields beside the file; beyond it the app says what to do instead.
    assert all(FILE_BYTES < size * 10**6 <= 1.1 * FILE_BYTES for size in allowed), allowed


def test_the_servers_log_quotes_no_statement_and_no_row() -> None:
    given = dict(re.findall(r"-c (\w+)=(\S+)", SERVICES["postgres"]["command"]))
    page = (ROOT / "docs" / "operations.md").read_text()

    for name in ("log_min_error_statement", "log_error_verbosity"):
        assert given[name] == SETTINGS[name]
        assert f"{name} = {given[name]}" in page


def test_only_the_migration_runs_as_the_owner_and_gives_the_app_its_rights() -> None:
    for name, service in OURS.items():
        environment = service["environment"]
        url = environment["DATABASE_URL"]
        assert url.startswith("postgres://zusage:${ZUSAGE_DB" if name in ONE_SHOT else "postgres://zusage_app:${APP_DB")
        assert environment["ZUSAGE_DB_PASSWORD"] == environment["APP_DB_PASSWORD"] == "", name
        assert environment["MEDIA_ROOT"], name
    assert "manage.py migrate --no-input && python manage.py grant_runtime zusage_app" in SERVICES["migrate"]["command"]


def test_whatever_the_backup_asks_for_reaches_it_from_env_also_what_seals_it() -> None:
    asked = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", (ROOT / "deploy" / "backup.sh").read_text()))

    assert {"BACKUP_FILTER", "BACKUP_DIR", "KEEP_DAYS"} <= asked
    assert asked <= SERVICES["backup"]["environment"].keys()
    assert SERVICES["backup"]["environment"]["BACKUP_FILTER"] == "${BACKUP_FILTER:-}"


def test_nothing_but_the_two_doors_is_reachable_and_only_from_this_host() -> None:
    open_ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert open_ports == {
        "web": ["127.0.0.1:${WEB_PORTS:-8000}:8000"],
        "door": ["127.0.0.1:${DOOR_PORTS:-8001}:8001"],
    }


def test_every_process_has_the_time_to_end_that_the_documentation_promises() -> None:
    for name, most in GRACE.items():
        assert seconds(SERVICES[name]["stop_grace_period"]) == most, name
        kind = "zusage-worker@.service" if name in QUEUES else f"zusage-{name}.service"
        assert seconds(unit(kind)["Service"]["TimeoutStopSec"]) >= most, kind
    page = (ROOT / "docs" / "operations.md").read_text()
    for name, most in GRACE.items():
        assert re.search(rf"\| {name} \|.*\| {most} s \|", page), name


def test_every_variable_that_compose_asks_for_is_explained() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    read = set(re.findall(r"""(?:env\.\w+|required)\(\s*"([A-Z_]+)\"""", (ROOT / "config" / "settings.py").read_text()))
    page, example = (ROOT / "docs" / "operations.md").read_text(), (ROOT / ".env.example").read_text()

    assert asked - set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE)) == set()
    assert {name for name in asked | read if f"`{name}`" not in page} == set()


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_compose_takes_the_file_once_the_passwords_of_the_example_are_filled_in(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    (tmp_path / ".env").write_text(re.sub(r"(?m)^([A-Z_]+PASSWORD)=$", r"\1=secret", example))
    (tmp_path / "docker-compose.yml").write_text((ROOT / "docker-compose.yml").read_text())
    ask, path = ["docker-compose", "--profile", "sandbox", "config"], {"PATH": os.environ["PATH"]}

    told = subprocess.run(ask, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    services = yaml.safe_load(told.stdout)["services"]
    assert set(services) == set(SERVICES)
    assert "zusage_app:secret@" in services["web"]["environment"]["DATABASE_URL"]


def test_the_image_leaves_out_secrets_and_data() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert ignored[1] == "*"
    assert not any(line.lstrip("!").startswith((".env", ".local", ".git", "tests")) for line in ignored)
    packages = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert packages <= {line.lstrip("!") for line in ignored}
    assert "\nUSER 10001" in (ROOT / "Dockerfile").read_text()


def test_error_reports_and_traces_can_be_built_into_the_image() -> None:
    steps = (ROOT / "Dockerfile").read_text().splitlines()
    [copied] = [at for at, step in enumerate(steps) if step.startswith("COPY") and "requirements/extras.txt" in step]
    [asked] = [at for at, step in enumerate(steps) if step == "ARG EXTRAS="]
    [installed] = [at for at, step in enumerate(steps) if "${EXTRAS:+-r requirements/extras.txt}" in step]

    assert copied < asked < installed
    for name, service in OURS.items():
        assert service["build"]["args"] == {"EXTRAS": "${EXTRAS:-}"}, name


@pytest.mark.parametrize("name", sorted(name for name in UNITS if name.endswith(".service")))
def test_every_unit_is_hardened(name: str) -> None:
    service = unit(name)["Service"]

    assert service["User"] == "zusage"
    assert service["NoNewPrivileges"] == service["PrivateTmp"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    # SIGTERM to all would end a worker's pool in the middle of its tasks.
    assert service["KillMode"] == "mixed"


def test_systemd_reads_the_units() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here")
    done = subprocess.run([analyze, "verify", *map(str, UNITS.values())], capture_output=True, text=True, check=False)

    # The programs and the user are only where Zusage is installed.
    said = [
        line
        for line in done.stderr.splitlines()
        if "is not executable" not in line and "/zusage" in line and "zusage-" in line
    ]
    assert said == []
