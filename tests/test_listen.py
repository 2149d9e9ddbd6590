"""The listeners."""

from __future__ import annotations

import os
import resource
import socket

import pytest

from extension.listen import CannotListenError, PortTakenError, bind


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_listens_on_both_loopbacks_and_nowhere_else():
    """127.0.0.1 and ::1 share one port."""
    port = free_port()

    listeners = bind(port)

    assert [listener.getsockname()[:2] for listener in listeners] == [("127.0.0.1", port), ("::1", port)]
    [listener.close() for listener in listeners]


def test_a_client_waits_in_the_queue_before_anybody_accepts():
    """Connecting and sending succeed as soon as the port is bound."""
    listeners = bind(free_port())

    with socket.create_connection(listeners[0].getsockname()) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")

    [listener.close() for listener in listeners]


def test_names_the_likely_holder_of_a_taken_port():
    """The sentence says which port, who is probably there, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as holder, pytest.raises(PortTakenError) as caught:
        bind(holder.getsockname()[1])

    assert "AWS Parameters and Secrets extension" in caught.value.message
    assert "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT" in caught.value.message


def test_a_port_that_is_taken_on_ipv6_alone_is_taken():
    """A client that resolves localhost to ::1 must not reach somebody else; and nothing stays bound."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTakenError):
            bind(port)

    again = bind(port)
    [listener.close() for listener in again]


def test_says_why_the_system_lets_nobody_listen():
    """Lambda and the log shall hear of it, instead of a bare crash; and what else may be tried."""
    next_free = os.dup(0)
    os.close(next_free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
    try:
        with pytest.raises(CannotListenError) as caught:
            bind(2773)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert caught.value.message.startswith("port 2773 on 127.0.0.1 cannot be listened on: Too many open files; ")
    assert "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT" in caught.value.message
