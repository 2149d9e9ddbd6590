"""Percent-decoding: strict where the standard library is lenient, equal to it where both agree."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.percent import decode, parse_query


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_reads_what_quote_wrote(text: str) -> None:
    """Whatever the standard library encodes comes back."""
    assert decode(quote(text, safe="").encode()) == text
    assert decode(quote(text).encode()) == text


@given(st.text(alphabet="%09afAF/:+ é", max_size=12))
def test_agrees_with_unquote(text: str) -> None:
    """Where every escape is whole and the result is UTF-8 the two agree; else ours refuses."""
    raw = text.encode()
    try:
        got = decode(raw)
    except ValueError as error:
        assert "UTF-8" in str(error) or "hexadecimal" in str(error)  # noqa: PT017
    else:
        assert got.encode() == unquote_to_bytes(raw)


@pytest.mark.parametrize("raw", [b"%", b"a%", b"%2", b"%zz", b"%2g", b"%%20", b"% 2", b"a%+1"])
def test_refuses_broken_escapes(raw: bytes) -> None:
    """An escape without two hexadecimal digits is named as such."""
    with pytest.raises(ValueError, match="two hexadecimal digits"):
        decode(raw)


@pytest.mark.parametrize("raw", [b"%ff", b"%c3", b"\xff", b"%ed%a0%80"])
def test_refuses_what_is_not_utf8(raw: bytes) -> None:
    """Bytes that are no UTF-8 are refused, escaped or raw."""
    with pytest.raises(ValueError, match="not UTF-8"):
        decode(raw)


def test_a_refusal_keeps_no_text() -> None:
    """The error is free of what it refused."""
    with pytest.raises(ValueError, match="not UTF-8") as caught:
        decode(b"hunter2%ff")
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (b"", []),
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"&a=1&&b&", [("a", "1"), ("b", "")]),
        (b"name=a+b%2Bc=d", [("name", "a+b+c=d")]),
        (
            b"secretId=arn:aws:secretsmanager:eu-west-1:1:secret:a/b-x",
            [("secretId", "arn:aws:secretsmanager:eu-west-1:1:secret:a/b-x")],
        ),
    ],
)
def test_splits_a_query(query: bytes, pairs: list[tuple[str, str]]) -> None:
    """Order, repetition, blanks, pluses, raw colons and slashes are kept."""
    assert parse_query(query) == pairs


@given(st.lists(st.tuples(st.text(alphabet="ab%+ é&=;", min_size=1), st.text(alphabet="ab%+ é&=;"))))
def test_agrees_with_parse_qsl(pairs: list[tuple[str, str]]) -> None:
    """A well encoded query reads as the standard library reads it."""
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    assert parse_query(query.encode()) == pairs == parse_qsl(query, keep_blank_values=True)
