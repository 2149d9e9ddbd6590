"""The tokens that let a request in.

Law: they are those that Lambda gave this environment, so whoever has one is the function (or its like). On SnapStart
and containers the credential endpoint gives new session tokens: the one of now and the one before both count.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from extension.core.model import Sensitive

VARIABLES = ("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
"""In the agent's order; a value may be `file:///path`."""


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
            except OSError as error:
                problems.append(f"{name} names a file that cannot be read: {error.strerror}")
                continue
        if value:
            found.append(value.encode("utf-8", "surrogateescape"))
    return tuple(found), tuple(problems)


class Tokens:
    """What counts now: the environment's tokens, and those that the credential provider had."""

    def __init__(self, fixed: tuple[bytes, ...], provided: Callable[[], Iterable[Sensitive]]) -> None:
        """Remember what has been turned into bytes."""
        self._fixed = fixed
        self._provided = provided
        self._seen: tuple[Sensitive, ...] = ()
        self._all = fixed

    def __call__(self) -> tuple[bytes, ...]:
        """Return the tokens."""
        provided = tuple(self._provided())
        if provided != self._seen:
            self._seen = provided
            self._all = (*self._fixed, *(token.reveal().encode() for token in provided))
        return self._all
