"""The product's processes under the supervisor, and the table that names them."""

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from config.localservices import ports
from config.localservices.postgres import RUNTIME
from config.localservices.processes import PROCESSES, chosen
from config.localservices.supervisor import CannotStart
from tests.setup.services import Services, eventually

TELL_THE_ADDRESS = "import os, time; print(os.environ['PUBLIC_URL'], flush=True); time.sleep(600)"


def test_processes_answer_come_back_and_go(services: Services) -> None:
    started = services.start("--processes", "web,default", "--", sys.executable, "-c", TELL_THE_ADDRESS)
    assert started.stdout is not None
    lines = []
    while not lines or not lines[-1].startswith("http"):
        lines.append(started.stdout.readline().strip())
        assert lines[-1], "it ended before it was ready"
    page = lines[-1] + "/healthz"
    servers, workers = _running(services, "-m gunicorn"), _running(services, "-m celery")

    assert [line.split()[0] for line in lines[:-1]] == ["web", "default"]
    assert eventually(lambda: _status(page) == 200, seconds=60)
    # As in production: the owner has migrated, and what runs is another role with the rights that it needs.
    url = json.loads((services.folder / "run" / "running.json").read_text())["DATABASE_URL"]
    assert urlsplit(url).username == RUNTIME
    assert _status(lines[-1] + "/readyz") == 200

    os.kill(min(servers), signal.SIGKILL)
    os.kill(min(workers), signal.SIGKILL)
    assert eventually(lambda: workers.isdisjoint(_running(services, "-m celery"))), "a pool stayed"
    assert eventually(lambda: _running(services, "-m celery"), seconds=60), "no new worker"
    assert eventually(lambda: servers.isdisjoint(_running(services, "-m gunicorn")))
    assert eventually(lambda: _status(page) == 200, seconds=60)

    started.kill()
    assert eventually(lambda: not services.processes()), services.processes()


def test_every_worker_is_told_the_queues_that_the_table_names() -> None:
    for process in PROCESSES.values():
        assert bool(process.queues) == (" worker " in process.arguments)
        assert not process.queues or f"--queues {','.join(process.queues)} " in process.arguments


def test_all_means_everything_but_the_sandbox() -> None:
    assert set(chosen("all")) == PROCESSES.keys() - {"emulator"}
    assert set(chosen("all,emulator")) == PROCESSES.keys()
    with pytest.raises(CannotStart, match="Unknown process oven"):
        chosen("oven")


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with ports.listen(18000) as first, ports.listen(first.getsockname()[1]) as second:
        assert second.getsockname()[1] > first.getsockname()[1]


def _running(services: Services, what: str) -> set[int]:
    return {pid for pid, command in services.processes().items() if what in command}


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
