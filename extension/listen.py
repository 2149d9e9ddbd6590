"""The listeners: 127.0.0.1 and ::1, bound before anything else is done.

Law: loopback and nothing else. What connects before we serve waits in the accept queue, and is answered then.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET
from _socket import socket as Socket  # noqa: N812 (the C class is a class)
from errno import EADDRINUSE

from extension.core.errors import SidekeyError

BACKLOG = 1024


class CannotListenError(SidekeyError):
    """The system does not let us listen."""

    code = "CannotListen"


class PortTakenError(CannotListenError):
    """Somebody else listens on our port."""

    code = "PortTaken"


def bind(port: int) -> list[Socket]:
    """Return the listening sockets; PortTakenError names who is probably there. Without IPv6 there is only one."""
    try:
        first = _listener(AF_INET, ("127.0.0.1", port))
    except OSError as error:
        msg = (
            f"port {port} on 127.0.0.1 cannot be listened on: {error.strerror}; "
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT names another (those below 1024 may need a privilege)"
        )
        raise CannotListenError(msg) from error
    try:
        return [first, _listener(AF_INET6, ("::1", first.getsockname()[1]))]
    except PortTakenError:
        first.close()
        raise
    except OSError:
        return [first]


def _listener(family: int, address: tuple[str, int]) -> Socket:
    listener = Socket(family, SOCK_STREAM)
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        if family == AF_INET6:
            listener.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == EADDRINUSE:
            raise PortTakenError(_taken(address)) from error
        raise
    return listener


def _taken(address: tuple[str, int]) -> str:
    return (
        f"port {address[1]} on {address[0]} is taken: is the AWS Parameters and Secrets extension attached as well? "
        "Remove its layer, or give one of the two another PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
    )
