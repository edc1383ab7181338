"""Secrets open only where they were bound, tokens only for their use; both survive a new key and no change of a bit."""

import base64
import itertools
import os

import pytest
from pytest_django import Settings

from tenants.encryption import BadToken, CannotDecrypt, decrypt, encrypt, seal, unseal

BINDING = "whatsapp.Account.token:1"


numbers_of_keys = itertools.count(1)


def new_key() -> str:
    """A key under a name that no other test used."""
    return f"test{next(numbers_of_keys)}:{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture(autouse=True)
def name(settings: Settings) -> str:
    """The name of this test's own and only key."""
    settings.FIELD_ENCRYPTION_KEYS = [new_key()]
    return settings.FIELD_ENCRYPTION_KEYS[0].split(":")[0]


@pytest.mark.parametrize("secret", ["EAAG-token", "", "Straße 🥐", "x" * 10_000])
def test_a_secret_comes_back_and_cannot_be_read_before(name: str, secret: str) -> None:
    stored = encrypt(secret, binding=BINDING)

    assert decrypt(stored, binding=BINDING) == secret
    assert not secret or secret not in stored
    assert stored.startswith(f"{name}:")


def test_the_same_secret_never_looks_the_same() -> None:
    assert encrypt("token", binding=BINDING) != encrypt("token", binding=BINDING)


@pytest.mark.parametrize("binding", ["whatsapp.Account.token:2", "whatsapp.Account.app_secret:1", ""])
def test_a_secret_copied_to_another_row_or_field_does_not_open(binding: str) -> None:
    stored = encrypt("token", binding=BINDING)

    with pytest.raises(CannotDecrypt):
        decrypt(stored, binding=binding)


def test_a_changed_bit_anywhere_is_noticed() -> None:
    stored = encrypt("token", binding=BINDING)
    name, _, payload = stored.partition(":")
    raw = base64.b64decode(payload)

    for position in range(len(raw)):
        altered = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(CannotDecrypt):
            decrypt(f"{name}:{base64.b64encode(altered).decode()}", binding=BINDING)


@pytest.mark.parametrize("stored", ["", "{}:", "{}:AAAA", "{}:%%%", "{}:ü", "gone:AAAA", "nonsense"])
def test_what_was_never_encrypted_is_refused_in_the_same_way(name: str, stored: str) -> None:
    with pytest.raises(CannotDecrypt):
        decrypt(stored.format(name), binding=BINDING)


def test_no_exception_tells_the_secret() -> None:
    stored = encrypt("EAAG-token", binding=BINDING)

    with pytest.raises(CannotDecrypt) as error:
        decrypt(stored, binding="other")

    assert "EAAG" not in str(error.value)


def test_after_a_rotation_the_old_opens_and_the_new_is_written_with_the_new_key(settings: Settings) -> None:
    stored, token = encrypt("token", binding=BINDING), seal("link", 1, 2, 3)
    settings.FIELD_ENCRYPTION_KEYS = [new_key(), *settings.FIELD_ENCRYPTION_KEYS]

    assert decrypt(stored, binding=BINDING) == "token"
    assert unseal("link", token) == (1, 2, 3)
    assert encrypt("token", binding=BINDING).partition(":")[0] == settings.FIELD_ENCRYPTION_KEYS[0].partition(":")[0]
    assert seal("link", 1, 2, 3) != token
    assert unseal("link", seal("link", 4)) == (4,)


def test_once_the_old_key_is_gone_nothing_of_it_opens(name: str, settings: Settings) -> None:
    stored, token = encrypt("token", binding=BINDING), seal("link", 1)
    settings.FIELD_ENCRYPTION_KEYS = [new_key()]

    with pytest.raises(CannotDecrypt, match=name):
        decrypt(stored, binding=BINDING)
    with pytest.raises(BadToken):
        unseal("link", token)


@pytest.mark.parametrize("numbers", [(), (0,), (1, 2), (-1, 2**63 - 1), (7, 8, 9)])
def test_a_token_carries_its_numbers(numbers: tuple[int, ...]) -> None:
    token = seal("link", *numbers)

    assert unseal("link", token) == numbers
    assert token.isascii()
    assert not set(token) & set("+/= ")


def test_a_token_is_the_same_each_time_and_tells_nothing_of_its_numbers() -> None:
    assert seal("link", 1, 2) == seal("link", 1, 2)
    assert len({seal("link", 1, n)[:8] for n in range(50)}) == 50


def test_a_token_opens_for_its_use_only() -> None:
    with pytest.raises(BadToken):
        unseal("callback", seal("link", 1, 2))


def test_a_changed_or_invented_token_is_refused() -> None:
    token = seal("link", 1, 2)
    forged = [token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(len(token) - 1)]

    for text in (*forged, token[:-4], token + "AAAA", "", "A", "ü", "=" * 8, "\0", "A" * 5000):
        with pytest.raises(BadToken):
            unseal("link", text)
