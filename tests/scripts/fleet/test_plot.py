"""The plot: what is on it is tested through the command; here, that no peak is lost in drawing."""

from __future__ import annotations

import numpy as np

from scripts.fleet.plot import STEPS, highest


def test_a_curve_keeps_its_highest_second() -> None:
    """Two hours of seconds become few points, and the one second that mattered is among them."""
    counts = np.zeros(7201, dtype=np.int64)
    counts[7200] = 99
    assert len(highest(counts)) <= STEPS
    assert highest(counts)[-1] == 99


def test_a_short_curve_stays_as_it_is() -> None:
    """A minute is drawn second by second."""
    counts = np.arange(60)
    assert highest(counts).tolist() == counts.tolist()
