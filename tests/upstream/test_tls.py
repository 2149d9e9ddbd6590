"""Whom the client believes."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from extension.core.errors import Unreachable
from extension.upstream.connection import Dialer, Limits
from extension.upstream.http1 import request_bytes
from extension.upstream.tls import AMAZON_ROOTS, SYSTEM_ROOTS, Trust, trust_stores
from extension.upstream.transport import Transport
from tests.servers.authority import Authority
from tests.servers.clock import Clock
from tests.servers.scripted import ScriptedServer, reply

GET = request_bytes("GET", "/", [("Host", "localhost")])


def ask(server: ScriptedServer, *stores: str) -> bytes:
    """Send a request, trusting `stores`, and return the body."""
    transport = Transport(Dialer(Trust(stores), Limits()), wall=Clock(), monotonic=Clock())
    try:
        return transport.send(server.origin, GET, attempt_seconds=10).body
    finally:
        transport.close()


def test_the_five_amazon_roots_are_there() -> None:
    """The directory holds Amazon's roots under the names that OpenSSL looks for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    pems = [file.read_text() for file in sorted(Path(AMAZON_ROOTS).iterdir())]
    context.load_verify_locations(cadata="\n".join(pems))

    names = sorted(dict(part[0] for part in root["subject"])["commonName"] for root in context.get_ca_certs())

    assert names == [
        *(f"Amazon Root CA {number}" for number in (1, 2, 3, 4)),
        "Starfield Services Root Certificate Authority - G2",
    ]


@pytest.mark.parametrize(
    ("bundle", "stores"), [(None, (AMAZON_ROOTS, SYSTEM_ROOTS)), ("", (AMAZON_ROOTS, SYSTEM_ROOTS)), ("/b", ("/b",))]
)
def test_a_bundle_of_ones_own_replaces_all_others(bundle: str | None, stores: tuple[str, ...]) -> None:
    """`AWS_CA_BUNDLE` stands alone; without it the Amazon roots come first."""
    assert trust_stores(bundle) == stores


def test_trusted_server_answers(authority: Authority) -> None:
    """A server that our authority vouches for is believed."""
    with ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server:
        assert ask(server, authority.bundle) == b"yes"


class Loading:
    """Loads a store slowly: until a second thread loads it, too, or half a second has passed."""

    def __init__(self) -> None:
        """Nobody loads yet."""
        self.stores: list[str] = []
        self._meeting = Barrier(2)

    def __call__(self, store: str) -> ssl.SSLContext:
        """Load."""
        self.stores.append(store)
        with suppress(BrokenBarrierError):
            self._meeting.wait(timeout=0.5)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def test_a_store_is_loaded_once_for_all_who_need_it_at_once() -> None:
    """The first connections of a start are made in parallel, and loading takes most of what each of them costs."""
    load = Loading()
    trust = Trust(["a", "b"], load)
    with ThreadPoolExecutor(3) as pool:
        contexts = list(pool.map(trust.context, ["a", "a", "b"]))

    assert sorted(load.stores) == ["a", "b"]
    assert contexts[0] is contexts[1]
    assert contexts[0] is not contexts[2]


def test_full_bundle_is_asked_when_the_small_one_does_not_know(authority: Authority) -> None:
    """A host that the Amazon roots do not vouch for is looked up in the next store."""
    with ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server:
        assert ask(server, AMAZON_ROOTS, authority.bundle) == b"yes"


def test_the_store_that_vouched_is_first_next_time(authority: Authority) -> None:
    """What the small store does not know is not asked of it again."""
    with ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server:
        trust = Trust([AMAZON_ROOTS, authority.bundle])
        transport = Transport(Dialer(trust, Limits()), wall=Clock(), monotonic=Clock())
        transport.send(server.origin, GET, attempt_seconds=10)
        transport.close()
        transport.send(server.origin, GET, attempt_seconds=10)
        transport.close()

        assert trust.candidates("localhost") == (authority.bundle,)
        assert server.connections == 3


def test_a_stranger_is_refused(authority: Authority) -> None:
    """Without a root that vouches for the server nothing is sent, and the message says why."""
    with ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server:
        with pytest.raises(Unreachable, match="unable to get local issuer certificate; AWS_CA_BUNDLE names"):
            ask(server, AMAZON_ROOTS)
        assert server.requests == []


def test_another_hosts_certificate_is_refused_at_once(authority: Authority) -> None:
    """A certificate for another name is no question of roots: no other store is tried."""
    with ScriptedServer([reply(b"yes")], tls=authority.context("other.example"), host="localhost") as server:
        with pytest.raises(Unreachable, match=r"[Hh]ostname mismatch"):
            ask(server, authority.bundle, AMAZON_ROOTS)
        assert (server.requests, server.connections) == ([], 1)


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem"])
def test_a_bundle_that_cannot_be_used_is_named(authority: Authority, tmp_path: Path, name: str) -> None:
    """A bundle that is not there, or holds no certificate, makes the service unreachable, not the process fail."""
    (tmp_path / "empty.pem").write_text("nothing")
    with (
        ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server,
        pytest.raises(Unreachable, match=rf"the certificates in .*{name} cannot be used"),
    ):
        ask(server, str(tmp_path / name))


def test_a_store_that_cannot_be_used_is_passed_over(authority: Authority) -> None:
    """Where the small store is missing, the full one still serves."""
    with ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server:
        assert ask(server, "/no/such/roots", authority.bundle) == b"yes"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_of_tls_are_not_spoken(authority: Authority) -> None:
    """A server that speaks TLS 1.1 at most is not spoken to."""
    context = authority.context("localhost")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        ScriptedServer([reply(b"yes")], tls=context, host="localhost") as server,
        pytest.raises(Unreachable, match="TLS with localhost"),
    ):
        ask(server, authority.bundle)
