"""A caller that keeps what it was asked, and gives the answers that it was given."""

from __future__ import annotations

from typing import Any

from extension.aws.retry import Deadline
from tests.servers.clock import Clock


class Recorder:
    """Stands in for the client; the last answer is repeated, an error is raised."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        """Take the answers in their order."""
        self._answers = list(answers)
        self.clock = Clock()
        self.calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def call(self, _service: str, action: str, payload: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Answer with the next in the list; options that say nothing are not kept."""
        self.calls.append((action, payload, {name: value for name, value in options.items() if value}))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def deadline(self, timeout_seconds: float | None) -> Deadline:
        """Start a deadline on a clock that stands still until it is set."""
        return Deadline(timeout_seconds or 10.0, self.clock)
