"""The application: what a parsed request gets, the same for both HTTP shells.

    Request ──► guards ──► memo ──known target──────────────► Response
                             └──► route ──► store ──► dialect ──► Response

Law: it never blocks. A Response comes at once, or later through `deliver`, exactly once.
"""

from __future__ import annotations

from _thread import allocate_lock

from extension.core import dialect, guards
from extension.core.errors import RequestError, SidekeyError
from extension.core.refusals import crashed
from extension.core.routes import Operation, route
from extension.core.wire import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from extension.core.answer import Answer
    from extension.core.identity import Home
    from extension.core.model import Query
    from extension.core.reference import Reference
    from extension.core.routes import Shape
    from extension.core.wire import Request
    from extension.memo import Memo
    from extension.prefetch import Prefetch
    from extension.store import Store
    from extension.tokens import Renewal

    Deliver = Callable[[Response], None]

MAX_TARGETS = 1024
"""Request targets whose operation is remembered: a function asks for the same few."""


class Application:
    """Answers requests; `tokens` returns those that count now."""

    def __init__(
        self,
        store: Store,
        home: Home,
        prefetch: Prefetch,
        *,
        shape: Shape,
        tokens: Callable[[], tuple[bytes, ...]],
        memo: Memo,
        renewal: Renewal | None = None,
    ) -> None:
        """Start with no target known; `memo` keeps answers by target, `renewal` asks whether there are newer tokens."""
        self._memo = memo
        self._renewal = renewal
        self._store = store
        self._home = home
        self._prefetch = prefetch
        self._shape = shape
        self._tokens = tokens
        self._operations: dict[bytes, Operation] = {}

    def answer(self, request: Request, now: float, deliver: Deliver) -> Response | None:
        """Answer at once, or return None and call `deliver` later from a worker. `now` is in epoch seconds."""
        try:
            return self._answer(request, now, deliver)
        except SidekeyError as error:
            if error.code == "BadToken" and self._renewal is not None:
                return self._reconsider(self._renewal, request, now, deliver)
            return dialect.failure(error)

    def _answer(self, request: Request, now: float, deliver: Deliver) -> Response | None:
        guards.check(request, self._tokens(), self._shape)
        ready = self._memo.recall(request.target, now)
        if ready is not None:
            response: Response | None = ready.answer
            return response
        operation = self._operations.get(request.target) or self._operation(request.target)
        response = self._perform(operation, now, deliver)
        if response is not None and response.lease is not None:
            self._memo.put(request.target, response, response.lease, now, size=len(response.body))
        return response

    def _reconsider(self, renewal: Renewal, request: Request, now: float, deliver: Deliver) -> Response | None:
        """Look at a request again when we know the tokens of now."""

        def look_later() -> None:
            try:
                response = self.answer(request, now, deliver)
            except Exception:  # noqa: BLE001 (in a thread of its own nobody else would answer)
                response = crashed()
            if response is not None:
                deliver(response)

        if renewal.request(look_later):
            return None
        try:
            return self._answer(request, now, deliver)
        except SidekeyError as error:
            return dialect.failure(error)

    def _operation(self, target: bytes) -> Operation:
        """Route `target`, and remember what it means with every reference resolved."""
        operation = route(target, self._shape)
        references = tuple(each.replace(query=self._home.resolve(each.query)) for each in operation.references)
        operation = operation.replace(references=references)
        if len(self._operations) >= MAX_TARGETS:
            self._operations.clear()
        self._operations[target] = operation
        return operation

    def _perform(self, operation: Operation, now: float, deliver: Deliver) -> Response | None:
        if operation.kind == "values":
            return _Gathering(operation, deliver).start(self._store, now)
        if operation.references:
            return self._read(operation, now, deliver)
        return self._about(operation.kind, now)

    def _read(self, operation: Operation, now: float, deliver: Deliver) -> Response | None:
        answer = self._store.read(
            operation.query,
            now,
            lambda late: deliver(render(operation, late)),
            refresh=operation.refresh,
            failed_version=operation.failed_version,
        )
        return None if answer is None else render(operation, answer)

    def _about(self, kind: str, now: float) -> Response:
        """Answer what is asked about ourselves."""
        if kind == "ping":
            return dialect.plain("healthy")
        if kind == "ready":
            missing = self._prefetch.missing()
            return dialect.plain("ready") if not missing else dialect.plain("missing: " + "; ".join(missing), 503)
        from extension.core import status

        report = status.gather(self._store.shelf.cache, self._store.counters, self._store.in_flight)
        if kind == "status":
            return status.as_json(report, self._prefetch.missing(), now)
        return status.as_prometheus(report, now)


def render(operation: Operation, answer: Answer) -> Response:
    """Turn the store's answer into a response."""
    if answer.entry is None:
        assert answer.error is not None
        return dialect.failure(answer.error, answer.state)
    try:
        response = dialect.success(operation, answer.entry, answer.state, answer.reason)
    except Exception as error:  # noqa: BLE001 (in a worker nobody else would answer)
        return dialect.failure(_unfit(operation.references[0], error))
    return response if operation.failed_version is None else _once(response)


def _once(response: Response) -> Response:
    """Return a response that is not sent again: whoever reports a refused version must be heard each time."""
    return Response(response.status, response.body, content_type=response.content_type, headers=response.headers)


def _unfit(reference: Reference, error: Exception) -> SidekeyError:
    """Return the error for a value that cannot be answered as it was asked for; only the caller's own says why."""
    if isinstance(error, RequestError):
        return error
    msg = f"the value of {reference.query.label} cannot be put into an answer ({type(error).__name__})"
    return SidekeyError(msg, code="UnfitValue")


class _Gathering:
    """The answers of one `/values`, gathered from whichever thread brings them."""

    def __init__(self, operation: Operation, deliver: Deliver) -> None:
        self._operation = operation
        self._deliver = deliver
        self._lock = allocate_lock()
        self._by_query: dict[Query, list[Reference]] = {}
        for reference in operation.references:
            self._by_query.setdefault(reference.query, []).append(reference)
        self._waiting = len(self._by_query) + 1
        self._answers: list[Answer] = []
        self._values: dict[str, Any] = {}
        self._errors: dict[str, SidekeyError] = {}

    def start(self, store: Store, now: float) -> Response | None:
        """Ask for all; the last one to come makes the response, which is ours if all came at once."""
        refresh, failed_version = self._operation.refresh, self._operation.failed_version
        if not refresh and failed_version is None:
            store.ensure(self._by_query, self._take)
            return self._gathered()
        for query in self._by_query:
            take = self._taker(query)
            answer = store.read(query, now, take, refresh=refresh, failed_version=failed_version)
            if answer is not None:
                take(answer)
        return self._gathered()

    def _taker(self, query: Query) -> Callable[[Answer], None]:
        return lambda answer: self._take(query, answer)

    def _take(self, query: Query, answer: Answer) -> None:
        with self._lock:
            self._answers.append(answer)
            for reference in self._by_query[query]:
                self._take_one(reference, answer)
        response = self._gathered()
        if response is not None:
            self._deliver(response)

    def _gathered(self) -> Response | None:
        """Count one more; the last one gets the response."""
        with self._lock:
            self._waiting -= 1
            if self._waiting:
                return None
        try:
            return dialect.several(self._operation, self._values, self._errors, self._marks())
        except Exception as error:  # noqa: BLE001 (as in `render`)
            return dialect.failure(_unfit(self._operation.references[0], error))

    def _take_one(self, reference: Reference, answer: Answer) -> None:
        if answer.entry is None:
            assert answer.error is not None
            self._errors[reference.text] = answer.error
            return
        try:
            self._values[reference.text] = dialect.pick(reference, answer.entry.value)
        except Exception as error:  # noqa: BLE001 (as in `render`)
            self._errors[reference.text] = _unfit(reference, error)

    def _marks(self) -> tuple[tuple[str, str], ...]:
        """Return the marks of the worst: what stood in or needed a call, and when the oldest was fetched."""
        states = {answer.state for answer in self._answers}
        state = next((each for each in ("stale", "miss", "refreshed") if each in states), "hit")
        fetched = [answer.entry.times.fetched_at for answer in self._answers if answer.entry is not None]
        reason = next((answer.reason for answer in self._answers if answer.reason is not None), None)
        return dialect.marks(state, min(fetched, default=None), reason)
