"""What the shells answer by themselves, when the application is not asked or has failed.

Law: the words are the same from front and back, and say what to do; never what the request held.
"""

from __future__ import annotations

from extension.core import jsontext
from extension.core.errors import RequestError, SidekeyError, Stopping
from extension.core.wire import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.wire import Application, Request


def refusal(error: SidekeyError, *headers: tuple[str, str]) -> Response:
    """Render an error as AWS does: its status, and its code and sentence as JSON."""
    return Response(error.status, jsontext.dumps({"__type": error.code, "message": error.message}), headers=headers)


def too_many_clients(limit: int) -> Response:
    """Refuse a connection beyond the limit."""
    message = f"Connection limit exceeded: all {limit} connections are busy; try again, or raise SIDEKEY_MAX_CLIENTS"
    return refusal(RequestError(message, code="ConnectionLimitExceeded", status=429), ("Retry-After", "1"))


def slow_head(limit_seconds: float) -> Response:
    """Refuse a head that trickles in."""
    message = (
        f"the request head was not complete {limit_seconds:g} s after its first byte, which is all that is allowed"
    )
    return refusal(RequestError(message, code="RequestTimeout", status=408))


def stopping() -> Response:
    """Answer what cannot be finished any more."""
    return refusal(Stopping("the extension is shutting down"))


def crashed() -> Response:
    """Answer for a fault of our own; the log says where, the client needs no more."""
    return refusal(SidekeyError("the extension failed on this request; its log says where"))


def ask(
    application: Application,
    request: Request,
    now: float,
    deliver: Callable[[Response], None],
    report: Callable[[str], None],
) -> Response | None:
    """Ask the application, and answer for it where it fails."""
    try:
        return application.answer(request, now, deliver)
    except SidekeyError as error:
        return refusal(error)
    except Exception as error:  # noqa: BLE001 - one request's fault must not end the others'
        report(f"a request failed: {whereabouts(error)}")
        return crashed()


def whereabouts(error: BaseException) -> str:
    """Name an exception's type and the line it came from; its text could hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "nowhere" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__} at {place}"
