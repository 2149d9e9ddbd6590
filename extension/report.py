"""The log: lines for people, written at once, without the logging package.

Law: what is said was made by us (a sentence, a reference, an error code); no value and no token ever comes here.
A full disk or a closed pipe never stops the work: a line that cannot be written is lost.
"""

from __future__ import annotations

from posix import write

from extension.core.variables import LEVELS

STDERR = 2


class Log:
    """Writes lines of at least `level` (debug, info, warn, error; none = nothing)."""

    def __init__(self, level: str = "info", descriptor: int = STDERR) -> None:
        """Write to `descriptor`."""
        self._least = LEVELS.index(level)
        self._descriptor = descriptor

    def report(self, level: str, sentence: str) -> None:
        """Write one line: `[sidekey] warn: …`."""
        if LEVELS.index(level) < self._least:
            return
        line = "".join(each if each.isprintable() else " " for each in sentence)
        try:
            write(self._descriptor, f"[sidekey] {level}: {line}\n".encode("utf-8", "backslashreplace"))
        except OSError:
            return

    def error(self, sentence: str) -> None:
        """Write an error."""
        self.report("error", sentence)
