"""A client's bytes cut into requests, up to the first refusal."""

from __future__ import annotations

from extension.core.conversation import Conversation
from extension.core.wire import Request, Response

PING = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"
OTHER = b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n"


def test_cuts_requests_from_bytes() -> None:
    """One after another, each with its own bytes, whatever pieces they came in."""
    talk = Conversation()
    talk.hear(PING + OTHER[:9])
    first = talk.next()
    assert isinstance(first, tuple)
    assert (first[0].path, first[1]) == (b"/ping", PING)
    assert talk.next() is None
    assert talk.unfinished
    talk.hear(OTHER[9:])
    second = talk.next()
    assert isinstance(second, tuple)
    assert (second[0].path, second[1]) == (b"/other", OTHER)
    assert not talk.unfinished


def test_a_refusal_is_the_last_word() -> None:
    """Whatever else was said is forgotten and nothing more is heard."""
    talk = Conversation()
    talk.hear(b"GET\n" + PING)
    refused = talk.next()
    assert isinstance(refused, Response)
    assert refused.status == 400
    talk.hear(PING)
    assert talk.over
    assert not talk.unfinished


def test_beyond_the_limit_only_ping_is_heard() -> None:
    """Any other request is told of the limit."""
    checker, newcomer = Conversation(ping_limit=7), Conversation(ping_limit=7)
    checker.hear(PING)
    newcomer.hear(OTHER)
    heard, refused = checker.next(), newcomer.next()
    assert isinstance(heard, tuple)
    assert isinstance(heard[0], Request)
    assert isinstance(refused, Response)
    assert refused.status == 429
    assert b"all 7 connections" in refused.body
