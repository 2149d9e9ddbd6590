"""The inbox: calls in their order, a descriptor that wakes, and nothing after its end."""

from __future__ import annotations

import os
import select

from extension.front.inbox import Inbox


def readable(inbox: Inbox) -> bool:
    """Tell whether the loop would wake."""
    return bool(select.select([inbox.fd], [], [], 0)[0])


def test_wakes_for_what_is_left() -> None:
    """Once for any number of calls, which come out in their order."""
    inbox, calls = Inbox(), []
    assert not readable(inbox)
    inbox.put(lambda now: calls.append(("first", now)))
    inbox.put(lambda now: calls.append(("second", now)))
    assert readable(inbox)
    for call in inbox.take():
        call(7.0)
    assert calls == [("first", 7.0), ("second", 7.0)]
    assert not readable(inbox)
    assert inbox.take() == []
    inbox.close()


def test_after_the_end_nothing_is_written() -> None:
    """Not even to somebody else's descriptor of the same number."""
    inbox = Inbox()
    inbox.close()
    successor = os.eventfd(0, os.EFD_NONBLOCK)
    assert successor == inbox.fd
    inbox.put(lambda _now: None)
    assert not readable(inbox)
    os.close(successor)
