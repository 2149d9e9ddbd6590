"""The tokens that let a request in.

Law: they are those that Lambda gave this environment, so whoever has one is the function (or its like). On SnapStart
and containers the credential endpoint gives new session tokens: the one of now and the one before both count; and as
the function may have asked later than we did, an unknown token makes us ask again.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from extension.core.model import Sensitive

VARIABLES = ("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
"""In the agent's order; a value may be `file:///path`."""
PAUSE_SECONDS = 1.0
"""After asking the endpoint, its answer counts so long for every unknown token."""


def environment_tokens(
    environment: Mapping[str, str], read: Callable[[str], str]
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Return the tokens of the environment, and a sentence for each that cannot be read."""
    found, problems = [], []
    for name in VARIABLES:
        value = environment.get(name, "")
        if value.startswith("file://"):
            try:
                value = read(value.removeprefix("file://")).strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", "not UTF-8")
                problems.append(f"{name} names a file that cannot be read: {reason}")
                continue
        if value:
            found.append(value.encode("utf-8", "surrogateescape"))
    return tuple(found), tuple(problems)


class Tokens:
    """What counts now: the environment's tokens, and those that the credential provider had."""

    def __init__(
        self,
        fixed: tuple[bytes, ...],
        provided: Callable[[], Iterable[Sensitive]],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Remember what has been turned into bytes; `changed` is called when one may have stopped to count."""
        self._fixed = fixed
        self._provided = provided
        self._changed = changed
        self._known: tuple[tuple[Sensitive, ...], tuple[bytes, ...]] = ((), fixed)

    def __call__(self) -> tuple[bytes, ...]:
        """Return the tokens, and hold on to no others."""
        provided = tuple(self._provided())
        seen, known = self._known
        if provided != seen:
            known = (*self._fixed, *(token.reveal().encode() for token in provided))
            self._known = (provided, known)
            self._changed()
        return known


class Renewal:
    """Asks for the tokens of now: once for all who wait, and not again for a moment."""

    def __init__(
        self,
        ask: Callable[[], None],
        clock: Callable[[], float],
        forgotten: Callable[[], int] = lambda: 0,
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        """Keep what asks; it blocks, and may fail. `forgotten` counts how often all was forgotten.

        `settle` is called when all who waited have been heard: where nothing may be kept, it drops what was found.
        """
        self._settle = settle
        self._forgotten = forgotten
        self._forgotten_then = 0
        self._ask = ask
        self._clock = clock
        self._lock = allocate_lock()
        self._waiting: list[Callable[[], None]] = []
        self._asked_at = float("-inf")

    def request(self, then: Callable[[], None]) -> bool:
        """Call `then`, from a thread, when it is known what counts now; False: it is known already."""
        with self._lock:
            if not self._waiting and self._is_known():
                return False
            self._waiting.append(then)
            if len(self._waiting) == 1:
                try:
                    start_new_thread(self._run, ())
                except RuntimeError:
                    self._waiting.clear()
            return bool(self._waiting)

    def _is_known(self) -> bool:
        """Tell whether we asked a moment ago, and have not been made to forget the answer."""
        return 0 <= self._clock() - self._asked_at < PAUSE_SECONDS and self._forgotten() == self._forgotten_then

    def _run(self) -> None:
        forgotten = self._forgotten()
        self._try_to_ask()
        with self._lock:
            self._asked_at = self._clock()
            self._forgotten_then = forgotten
            waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()
        self._settle()

    def _try_to_ask(self) -> None:
        try:
            self._ask()
        except Exception:  # noqa: BLE001 (whatever it was: nothing new counts, and those who wait are refused)
            return
