"""Which host goes through which proxy, and how the tunnel is asked for."""

from __future__ import annotations

import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.errors import Unreachable
from extension.upstream.proxy import Proxy, bypasses, connect_request, parse_proxy, proxy_rule

NAMES = st.lists(st.sampled_from(["a", "b", "example", "com", "amazonaws"]), min_size=1, max_size=4).map(".".join)
EXCEPTIONS = st.lists(
    st.builds("{}{}{}".format, st.sampled_from(["", ".", " "]), NAMES, st.sampled_from(["", ":443", ":80", " "])),
    max_size=4,
).map(",".join) | st.sampled_from(["*", " ", ",", "*.example"])


@given(EXCEPTIONS, NAMES, st.sampled_from([80, 443]))
def test_exceptions_are_those_of_the_standard_library(exceptions: str, host: str, port: int) -> None:
    """NO_PROXY means what it means to botocore, which asks urllib."""
    expected = urllib.request.proxy_bypass_environment(f"{host}:{port}", {"no": exceptions})

    assert bypasses(exceptions, host, port) == bool(expected)


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://upper:1"}, "upper"),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}, "lower"),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": ""}, None),
        ({"HTTP_PROXY": "http://plain:1"}, None),
        ({"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "amazonaws.com"}, None),
        ({"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "amazonaws.com", "no_proxy": "other"}, "upper"),
    ],
)
def test_environment_names_the_proxy(environment: dict[str, str], host: str | None) -> None:
    """The lower-case variable wins, an empty one switches off, exceptions count."""
    proxy = proxy_rule(environment)("ssm.eu-west-1.amazonaws.com", 443)

    assert (proxy and proxy.host) == host


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://p.example:3128", Proxy(host="p.example", port=3128)),
        ("p.example:3128/", Proxy(host="p.example", port=3128)),
        ("http://p.example", Proxy(host="p.example", port=80)),
        ("http://[::1]:3128", Proxy(host="::1", port=3128)),
    ],
)
def test_proxy_is_parsed(url: str, proxy: Proxy) -> None:
    """The scheme and the port may be left out."""
    assert parse_proxy(url) == proxy


@pytest.mark.parametrize("url", ["https://hidden:1", "socks5://hidden:1", "http://hidden:x", "http://", "http://%zz@h"])
def test_unusable_proxy_is_named_by_its_variable_alone(url: str) -> None:
    """A proxy that cannot be used is an error that repeats nothing of it, for it may hold a password."""
    with pytest.raises(Unreachable, match="HTTPS_PROXY cannot be used") as caught:
        parse_proxy(url)
    assert "hidden" not in caught.value.message


def test_tunnel_is_asked_for_with_credentials() -> None:
    """User and password are percent-decoded, and go into the basic authorization of CONNECT."""
    proxy = parse_proxy("http://user:p%40ss@p.example:3128")

    assert connect_request("ssm.eu-west-1.amazonaws.com", 443, proxy) == (
        b"CONNECT ssm.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"
        b"Host: ssm.eu-west-1.amazonaws.com:443\r\n"
        b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n"
    )
    assert "dXNlcjpwQHNz" not in repr(proxy)


def test_tunnel_to_an_ipv6_address_is_bracketed() -> None:
    """An IPv6 address stands in brackets."""
    assert connect_request("::1", 443, Proxy(host="p", port=1)).startswith(b"CONNECT [::1]:443 HTTP/1.1\r\n")
