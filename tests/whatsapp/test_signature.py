import hashlib
import hmac

import pytest

from whatsapp import signature

BODY = b'{"text":"Gr\\u00fc\\u00dfe"}'


def test_a_signature_is_the_hmac_of_the_raw_bytes() -> None:
    expected = hmac.new(b"app-secret", BODY, hashlib.sha256).hexdigest()

    assert signature.sign("app-secret", BODY) == f"sha256={expected}"
    assert len(signature.sign("app-secret", BODY)) == 71


def test_a_right_signature_is_valid_with_any_of_the_secrets() -> None:
    header = signature.sign("new", BODY)

    assert signature.is_valid(["old", "new"], BODY, header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signature.sign("other", BODY),
        signature.sign("secret", BODY).upper(),
        signature.sign("secret", BODY).removeprefix("sha256="),
        signature.sign("secret", BODY) + " ",
        "sha256=ü" + "0" * 63,
        "sha256=\ud800",
    ],
)
def test_a_missing_or_wrong_signature_is_invalid(header: str | None) -> None:
    assert not signature.is_valid(["secret"], BODY, header)


def test_one_changed_byte_breaks_the_signature() -> None:
    header = signature.sign("secret", BODY)

    assert not signature.is_valid(["secret"], BODY + b" ", header)


def test_an_empty_secret_opens_no_door() -> None:
    assert not signature.is_valid([""], BODY, signature.sign("", BODY))
    assert not signature.is_valid([], BODY, signature.sign("", BODY))


def test_the_verify_token_must_be_ours() -> None:
    assert signature.token_matches("tökén", "tökén")
    assert not signature.token_matches("token", "Token")
    assert not signature.token_matches("token", None)
    assert not signature.token_matches("", "")
