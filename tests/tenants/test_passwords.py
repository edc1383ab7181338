"""What guessing a stolen hash costs."""

from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.test import override_settings

from config import settings
from tests.conftest import PASSWORD


def test_passwords_are_hashed_with_argon2id_at_least_as_dearly_as_owasp_asks() -> None:
    """19 MiB and two rounds (OWASP Password Storage Cheat Sheet)."""
    with override_settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS):
        stored = make_password(PASSWORD)
        cost = identify_hasher(stored).decode(stored)

        assert check_password(PASSWORD, stored)

    assert (cost["algorithm"], cost["variety"]) == ("argon2", "argon2id")
    assert cost["memory_cost"] >= 19 * 1024
    assert cost["time_cost"] >= 2


def test_a_password_that_a_test_has_set_is_checked_in_processes_that_know_nothing_of_tests() -> None:
    quick = make_password(PASSWORD)

    with override_settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS):
        assert check_password(PASSWORD, quick)
        assert not check_password("another", quick)
