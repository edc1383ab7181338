"""docs/compliance.md stays honest: every requirement has its line, and every test that it names exists."""

import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# consent-gdpr § 1.
REQUIREMENTS = {
    *(f"CG-{number:02}" for number in range(1, 9)),
    *(f"CG-{number}" for number in (*range(10, 16), *range(20, 28), *range(30, 33), *range(35, 39))),
    *(f"CG-{number}" for number in (*range(40, 45), *range(50, 56), 60, 61)),
}


def page() -> str:
    return (ROOT / "docs" / "compliance.md").read_text()


def test_every_requirement_has_its_line() -> None:
    lines = re.findall(r"^\| (CG-\d\d) \| .+ \| [✔◐✘–] \| .+ \|$", page(), re.M)

    assert sorted(lines) == sorted(REQUIREMENTS)


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", page()))
    known = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }

    assert len(named) > 30
    assert named - known == set()


def test_what_is_built_names_a_test() -> None:
    built = re.findall(r"^\| CG-\d\d \| .+ \| ✔ \| (.+) \|$", page(), re.M)

    assert [line for line in built if "`test_" not in line] == []
