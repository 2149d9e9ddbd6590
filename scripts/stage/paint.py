"""How the demo looks: colours on a terminal, plain text elsewhere, bars and columns.

Law: pure; everything takes what it needs and returns text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
LABEL_WIDTH, BAR_WIDTH = 12, 52


@dataclass(frozen=True)
class Span:
    """One row of a timeline, in seconds after its origin."""

    label: str
    begin: float
    end: float
    colour: str
    about: str = ""


@dataclass(frozen=True)
class Paint:
    """What the output can show."""

    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str]) -> Paint:
        """Colour on a terminal unless NO_COLOR asks for none; block characters where the encoding has them."""
        plain = "NO_COLOR" in environment or environment.get("TERM") == "dumb"
        return cls(colour=stream.isatty() and not plain, unicode="utf" in (stream.encoding or "").lower())

    def __call__(self, text: str, *styles: str) -> str:
        """Return `text` in styles."""
        if not self.colour or not styles:
            return text
        return f"\x1b[{';'.join(STYLES[style] for style in styles)}m{text}\x1b[0m"

    def mark(self, unicode: str, plain: str) -> str:
        """Choose a sign by what the encoding can carry."""
        return unicode if self.unicode else plain

    def timeline(self, spans: Sequence[Span]) -> list[str]:
        """Draw the spans on one scale, its axis below."""
        scale = round_up(max(span.end for span in spans))
        rows = [self._row(span, scale) for span in spans]
        return [*rows, self._axis(scale)]

    def _row(self, span: Span, scale: float) -> str:
        """Draw one span: where it lies, how long it took, what it was."""
        offset, length = place(span, scale, BAR_WIDTH)
        bar = " " * offset + self(self.mark("█", "#") * length, span.colour)
        rest = " " * (BAR_WIDTH - offset - length)
        took = milliseconds(span.end - span.begin)
        return f"  {span.label:<{LABEL_WIDTH}}{bar}{rest} {took}  {self(span.about, 'dim')}".rstrip()

    def _axis(self, scale: float) -> str:
        """Draw the axis, in quarters."""
        quarter = BAR_WIDTH // 4
        ticks = "".join(f"{self.mark('╵', '|')}{scale * 1000 * part / 4:g}".ljust(quarter) for part in range(4))
        return " " * (LABEL_WIDTH + 2) + self(f"{ticks}{self.mark('╵', '|')}{scale * 1000:g} ms", "dim")

    def table(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """Align columns; the first row is the head."""
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return [self(lines[0], "dim"), *lines[1:]]


def place(span: Span, scale: float, width: int) -> tuple[int, int]:
    """Return offset and length of a span in columns; it is at least one wide and never leaves the width."""
    begin = min(max(0, int(span.begin / scale * width)), width - 1)
    end = min(max(begin + 1, round(span.end / scale * width)), width)
    return begin, end - begin


def round_up(seconds: float) -> float:
    """Return a scale whose quarters are round: 4, 8, 20, 40, 80, 100 … ms."""
    scale = 0.004
    while True:
        for factor in (1, 2, 4, 5):
            if scale * factor >= seconds:
                return round(scale * factor, 6)
        scale *= 10


def milliseconds(seconds: float) -> str:
    """Render a duration in seven columns."""
    return f"{seconds * 1000:4.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:4.1f} ms"  # noqa: PLR2004 - two digits
