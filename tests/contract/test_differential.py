"""Front and back, given the same bytes in the same pieces, answer with the same bytes and end in the same state."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.cases import REFUSED
from tests.contract.client import converse
from tests.contract.fakes import FakeApplication
from tests.contract.shells import started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.client import Address

PROBE = b"GET /echo?probe HTTP/1.1\r\nHost: a\r\n\r\n"
"""Sent last: whether it is answered tells whether the connection was still open."""

paths = st.sampled_from([b"/ping", b"/echo", b"/leased", b"/crash", b"/refuse", b"/header", b"//[", b"/%zz?a=b&c"])
targets = paths | st.lists(st.integers(0x20, 0x7F), max_size=6).map(lambda raw: b"/" + bytes(raw))
headers = st.sampled_from(
    [
        b"Host: localhost:2773",
        b"X-Vault-Token: s3cret",
        b"Connection: close",
        b"Connection: Keep-Alive",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Content-Length: 0",
        b"Content-Length: 2",
        b"Content-Encoding: gzip",
        b"Content-Type: multipart/form-data",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Cookie: a=\xe9; b",
        b"X Y: z",
        b" folded",
    ]
)
requests = st.builds(
    lambda *first, lines: b"\r\n".join((b"%b %b HTTP/%b" % first, *lines, b"", b"")),
    st.sampled_from([b"GET"] * 4 + [b"HEAD", b"POST", b"BREW"]),
    targets,
    st.sampled_from([b"1.1\r\nHost: a"] * 4 + [b"1.0", b"1.1", b"2.0"]),
    lines=st.lists(headers, max_size=3),
)
hostile = st.sampled_from([sent for sent, _, _ in REFUSED.values()]) | st.binary(max_size=30)
streams = st.lists(requests | requests | hostile, min_size=1, max_size=4).map(b"".join)
cuts = st.lists(st.integers(0, 300), max_size=4)


@pytest.fixture(scope="module")
def shells() -> Iterator[list[Address]]:
    """Start all shells, each over an application of its own."""
    with started("front", FakeApplication()) as front, started("back", FakeApplication()) as back:
        yield [front.address, back.address]


def pieces(stream: bytes, at: list[int]) -> list[bytes]:
    """Cut a stream."""
    return [stream[start:end] for start, end in pairwise([0, *sorted(at), len(stream)]) if start < end]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams, cuts)
@example(b"\r\n\r\n", [])
@example(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" * 2, [])
def test_front_and_back_say_the_same(shells: list[Address], stream: bytes, at: list[int]) -> None:
    """Byte for byte, for sound and hostile requests alike."""
    front, back = (converse(address, pieces(stream + PROBE, at)) for address in shells)
    assert back == front


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams, cuts)
def test_cuts_change_nothing(shells: list[Address], stream: bytes, at: list[int]) -> None:
    """A stream in pieces of any size, or several requests in one, gets the answers of the whole."""
    for address in shells:
        assert converse(address, pieces(stream + PROBE, at)) == converse(address, [stream + PROBE])
