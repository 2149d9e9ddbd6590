"""Signatures: AWS's published ones, and botocore's for anything else."""

from __future__ import annotations

import hmac

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from extension.aws.signing import Credentials, Scope, _hmac, _key, amz_date, sign
from extension.core.model import Sensitive

EXAMPLE = Credentials(
    access_key_id="AKIDEXAMPLE", secret_access_key=Sensitive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
)
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
    "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX"
    "AkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
SCOPE = Scope(region="us-east-1", service="service")
DATE = "20150830T123600Z"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("method", "headers", "body", "token", "signature"),
    [
        ("GET", {}, b"", None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", {}, b"", None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            {"My-Header1": " value1", "My-Header2": ' "a   b   c"'},
            b"",
            None,
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        ("POST", FORM, b"Param1=value1", None, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        (
            "POST",
            {"My-Header1": "value1"},
            b"",
            None,
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        ("POST", {}, b"", TOKEN, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
    ],
    ids=[
        "get-vanilla",
        "post-vanilla",
        "get-header-value-trim",
        "post-x-www-form-urlencoded",
        "post-header-key-sort",
        "post-sts-header-before",
    ],
)
def test_published_examples(
    method: str, headers: dict[str, str], body: bytes, token: str | None, signature: str
) -> None:
    """AWS's Signature Version 4 test suite, for requests of the kinds that we send."""
    credentials = EXAMPLE.replace(session_token=Sensitive(token) if token else None)

    signed = sign(method, "/", {"Host": "example.amazonaws.com", **headers}, body, credentials, SCOPE, DATE)

    assert signed["Authorization"].endswith(f"Signature={signature}")


def test_published_key() -> None:
    """The key of AWS's worked example is derived."""
    assert _key(EXAMPLE, "20150830/us-east-1/iam/aws4_request").hex() == (
        "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    )


@given(
    access_key=WORD,
    secret_key=PRINTABLE.filter(bool),
    token=st.none() | WORD,
    scope=st.builds(Scope, region=WORD, service=WORD),
    path=st.lists(WORD, max_size=3).map(lambda parts: "/" + "/".join(parts)),
    header=PRINTABLE,
    body=st.binary(max_size=100),
    epoch=st.integers(0, 4_000_000_000),
)
def test_botocore_signs_alike(
    access_key: str,
    secret_key: str,
    token: str | None,
    scope: Scope,
    path: str,
    header: str,
    body: bytes,
    epoch: int,
) -> None:
    """For any request of our kind the signature is botocore's."""
    credentials = Credentials(
        access_key_id=access_key,
        secret_access_key=Sensitive(secret_key),
        session_token=Sensitive(token) if token else None,
    )
    headers = {"Host": "example.amazonaws.com", "X-Amz-Target": header, "Content-Type": "application/x-amz-json-1.1"}

    ours = sign("POST", path, headers, body, credentials, scope, amz_date(epoch))

    theirs = AWSRequest("POST", f"https://example.amazonaws.com{path}", headers=headers, data=body)
    theirs.headers["X-Amz-Date"] = amz_date(epoch)
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    theirs.context["timestamp"] = amz_date(epoch)
    signer = SigV4Auth(BotocoreCredentials(access_key, secret_key, token), scope.service, scope.region)
    canonical = signer.canonical_request(theirs)
    theirs.headers["Authorization"] = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert ours["Authorization"].rpartition("=")[2] == theirs.headers["Authorization"]


@given(st.binary(max_size=130), st.text(st.characters(codec="utf-8")))
def test_makes_message_authentication_codes_as_the_library_does(key: bytes, text: str) -> None:
    """Our HMAC is `hmac`'s for keys of any length, those beyond a block too."""
    assert _hmac(key, text) == hmac.digest(key, text.encode("utf-8"), "sha256")


def test_what_is_signed_is_what_is_sent() -> None:
    """All given headers come back, with date and token beside them."""
    signed = sign("POST", "/", {"Host": "h"}, b"", EXAMPLE.replace(session_token=Sensitive("t")), SCOPE, DATE)

    assert {"Host": "h", "X-Amz-Date": DATE, "X-Amz-Security-Token": "t"}.items() <= signed.items()
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in signed["Authorization"]


def test_credentials_do_not_show_themselves() -> None:
    """The repr of credentials holds neither key nor token."""
    assert repr(EXAMPLE.replace(session_token=Sensitive(TOKEN))) == (
        "Credentials(access_key_id='AKIDEXAMPLE', secret_access_key=<redacted>, session_token=<redacted>, "
        "expires_at=None)"
    )
