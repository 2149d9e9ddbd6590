"""Origins and the URLs that they are read from."""

from __future__ import annotations

import pytest

from extension.upstream.origin import Origin, parse_url, split_address


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://h.example", Origin(scheme="https", host="h.example", port=443), "/"),
        ("HTTP://H.Example/", Origin(scheme="http", host="h.example", port=80), "/"),
        ("http://127.0.0.1:4566/a/b", Origin(scheme="http", host="127.0.0.1", port=4566), "/a/b"),
        ("https://[::1]:8443/x", Origin(scheme="https", host="::1", port=8443), "/x"),
        ("http://[::1]", Origin(scheme="http", host="::1", port=80), "/"),
    ],
)
def test_url_is_split(url: str, origin: Origin, path: str) -> None:
    """Scheme, host, port and path come out; the scheme's own port stands in."""
    assert parse_url(url) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "", "h.example", "ftp://h", "https://", "https://:443", "https://h:0", "https://h:65536", "https://h:٣",
        "https://h:", "https://u:p@h", "https://h/?q", "https://h/a b", "https://h//x", "https://h/../x", "https://h\r\n",
        "https://[::1", "https://h\x00", "https://[h]", "https://h/%2f",
    ],
)  # fmt: skip
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    """What could carry a request elsewhere, or break its head, is no URL; blanks around it do not matter."""
    with pytest.raises(ValueError, match=r"a URL|an address") as caught:
        parse_url(f" {url}@")
    assert "@" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin(scheme="https", host="h", port=443), "h"),
        (Origin(scheme="http", host="h", port=443), "h:443"),
        (Origin(scheme="https", host="::1", port=8443), "[::1]:8443"),
    ],
)
def test_authority_has_the_port_only_where_needed(origin: Origin, authority: str) -> None:
    """The Host header leaves out the scheme's own port, as signers on both sides do."""
    assert origin.authority == authority


def test_address_without_port_gets_the_default() -> None:
    """A proxy may be named without its port."""
    assert split_address("proxy.example", 80) == ("proxy.example", 80)
