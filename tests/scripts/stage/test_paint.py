"""How the demo looks."""

from __future__ import annotations

import io

import pytest

from scripts.stage.paint import BAR_WIDTH, Paint, Span, milliseconds, place, round_up


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "UTF-8"

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("environment", "colour"),
    [({}, True), ({"NO_COLOR": ""}, False), ({"TERM": "dumb"}, False), ({"TERM": "xterm"}, True)],
)
def test_colours_a_terminal_unless_asked_not_to(environment: dict[str, str], colour: bool) -> None:
    """NO_COLOR and a dumb terminal get plain text."""
    assert Paint.of(Terminal(), environment).colour is colour


def test_is_plain_where_there_is_no_terminal() -> None:
    """A pipe gets neither colour nor, without UTF-8, block characters."""
    paint = Paint.of(io.TextIOWrapper(io.BytesIO(), encoding="ascii"), {})

    assert paint == Paint(colour=False, unicode=False)
    assert paint("text", "red") == "text"
    assert paint.mark("█", "#") == "#"


def test_colour_ends_where_the_text_ends() -> None:
    """Styles are combined and reset."""
    assert Paint(colour=True)("text", "bold", "red") == "\x1b[1;31mtext\x1b[0m"


def test_draws_a_timeline_on_one_scale() -> None:
    """Each row has its bar where it belongs, its duration and what it was; the axis is in quarters."""
    rows = Paint(unicode=False).timeline([Span("boot", 0, 0.020, "blue", "x"), Span("read", 0.020, 0.040, "green")])

    half = BAR_WIDTH // 2
    assert rows[0] == "  boot        " + "#" * half + " " * half + "   20 ms  x"
    assert rows[1] == "  read        " + " " * half + "#" * half + "   20 ms"
    assert [tick.strip() for tick in rows[2].split("|")] == ["", "0", "10", "20", "30", "40 ms"]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [(0, 0, (0, 1)), (0, 1, (0, 10)), (1, 1, (9, 1)), (0.5, 0.9, (5, 4)), (-1, 2, (0, 10))],
)
def test_a_span_is_seen_and_stays_inside(begin: float, end: float, expected: tuple[int, int]) -> None:
    """The shortest span has one column, and none leaves the width."""
    assert place(Span("x", begin, end, "blue"), 1.0, 10) == expected


@pytest.mark.parametrize(("seconds", "scale"), [(0, 0.004), (0.005, 0.008), (0.033, 0.04), (0.11, 0.16), (3, 4)])
def test_scales_are_round(seconds: float, scale: float) -> None:
    """The quarters of a scale are numbers people read."""
    assert round_up(seconds) == scale


@pytest.mark.parametrize(("seconds", "text"), [(0.00056, " 0.6 ms"), (0.0156, "  16 ms"), (1.5, "1500 ms")])
def test_durations_are_aligned(seconds: float, text: str) -> None:
    """Short ones keep a digit after the point."""
    assert milliseconds(seconds) == text


def test_tables_are_aligned() -> None:
    """Columns are as wide as their widest cell."""
    assert Paint().table([["a", "bb"], ["ccc", "d"]]) == ["  a    bb", "  ccc  d"]
