"""The log's lines."""

from __future__ import annotations

import os

import pytest

from extension.report import Log


@pytest.fixture
def pipe():
    """Give both ends of a pipe, closed afterwards."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("least", "level", "written"),
    [
        ("info", "info", True),
        ("info", "debug", False),
        ("info", "error", True),
        ("debug", "debug", True),
        ("error", "warn", False),
        ("none", "error", False),
    ],
)
def test_writes_what_is_at_least_as_grave_as_the_level(pipe, least, level, written):
    """The level is a threshold; `none` silences all."""
    reading, writing = pipe

    Log(least, writing).report(level, "it rains")
    os.write(writing, b".")

    assert os.read(reading, 100) == (f"[sidekey] {level}: it rains\n.".encode() if written else b".")


def test_keeps_a_line_a_line(pipe):
    """A sentence with a line break or a control character cannot forge another line."""
    reading, writing = pipe

    Log("info", writing).error("first\n[sidekey] error: forged\x1b[31m \ud800")

    assert os.read(reading, 100) == b"[sidekey] error: first [sidekey] error: forged [31m  \n"


def test_survives_a_log_that_cannot_be_written():
    """A closed descriptor or a full disk loses the line and stops nothing."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)

    Log("info", writing).error("lost")
