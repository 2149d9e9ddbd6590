"""The tokens that let a request in."""

from __future__ import annotations

from pathlib import Path
from queue import Queue
from threading import Event

import pytest

from extension.core.errors import Unreachable
from extension.core.model import Sensitive
from extension.tokens import PAUSE_SECONDS, Renewal, Tokens, environment_tokens
from tests.servers.clock import Clock


def no_file(_path: str) -> str:
    """Refuse to read."""
    raise FileNotFoundError(2, "No such file or directory")


@pytest.mark.parametrize("name", ["AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"])
def test_takes_the_variables_of_the_agent(name):
    """Each of the three may hold the token."""
    assert environment_tokens({name: "planted-1"}, no_file) == ((b"planted-1",), ())


def test_reads_a_token_from_a_file():
    """A value may be file:///path; blanks around the token do not count."""
    files = {"/run/token": "planted-2\n"}

    assert environment_tokens({"AWS_TOKEN": "file:///run/token"}, files.__getitem__) == ((b"planted-2",), ())


def test_says_which_variable_names_a_file_that_cannot_be_read():
    """The other tokens still count."""
    environment = {"AWS_TOKEN": "file:///absent", "AWS_SESSION_TOKEN": "planted-3"}

    tokens, problems = environment_tokens(environment, no_file)

    assert tokens == (b"planted-3",)
    assert problems == ("AWS_TOKEN names a file that cannot be read: No such file or directory",)


def test_a_file_that_is_no_text_is_said(tmp_path):
    """It ends nothing: the other tokens still count."""
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    environment = {"AWS_TOKEN": f"file://{tmp_path}/token", "AWS_SESSION_TOKEN": "planted-3"}

    tokens, problems = environment_tokens(environment, lambda path: Path(path).read_text(encoding="utf-8"))

    assert (tokens, problems) == ((b"planted-3",), ("AWS_TOKEN names a file that cannot be read: not UTF-8",))


def test_an_empty_variable_is_no_token():
    """An empty header must never match."""
    assert environment_tokens({"AWS_SESSION_TOKEN": ""}, no_file) == ((), ())


def test_follows_the_credential_endpoint():
    """The session tokens of now and before count beside the fixed ones; older ones do not."""
    provided = [(), (Sensitive("first"),), (Sensitive("second"), Sensitive("first")), (Sensitive("third"),)]
    tokens = Tokens((b"fixed",), lambda: provided.pop(0))

    assert [tokens() for _ in range(4)] == [
        (b"fixed",),
        (b"fixed", b"first"),
        (b"fixed", b"second", b"first"),
        (b"fixed", b"third"),
    ]


class Asking:
    """An endpoint that answers when it is let, and may fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: Queue[None] = Queue()
        self.let = Event()
        self._failure = failure

    def __call__(self) -> None:
        """Answer."""
        self.asked.put(None)
        self.let.wait(20)
        if self._failure is not None:
            raise self._failure


@pytest.mark.parametrize("failure", [None, Unreachable("no endpoint"), RuntimeError("can't start new thread")])
def test_asks_once_for_all_who_wait(failure):
    """Whoever comes while the endpoint is asked waits for the same answer, be it a failure of whatever kind."""
    ask, done = Asking(failure), Queue()
    renewal = Renewal(ask, Clock())

    waits = [renewal.request(lambda number=number: done.put(number)) for number in range(3)]
    ask.let.set()

    assert waits == [True, True, True]
    assert [done.get(timeout=20) for _ in range(3)] == [0, 1, 2]
    assert ask.asked.qsize() == 1


def test_settles_when_all_have_been_heard():
    """What was asked for is dropped behind them, where nothing may be kept."""
    ask, heard = Asking(), Queue()
    ask.let.set()
    renewal = Renewal(ask, Clock(), settle=lambda: heard.put("settled"))

    renewal.request(lambda: heard.put("answered"))

    assert [heard.get(timeout=20) for _ in range(2)] == ["answered", "settled"]


def test_asks_no_more_for_a_moment():
    """A client that keeps sending a wrong token does not become a call per request."""
    ask, clock, done = Asking(), Clock(), Queue()
    ask.let.set()
    renewal = Renewal(ask, clock)
    renewal.request(lambda: done.put(None))
    done.get(timeout=20)

    at_once = renewal.request(lambda: done.put(None))
    clock.now += PAUSE_SECONDS

    assert not at_once
    assert renewal.request(lambda: done.put(None))
    done.get(timeout=20)


def test_a_clock_set_back_does_not_make_it_deaf():
    """What was asked in the future does not count."""
    ask, clock, done = Asking(), Clock(), Queue()
    ask.let.set()
    renewal = Renewal(ask, clock)
    renewal.request(lambda: done.put(None))
    done.get(timeout=20)

    clock.now -= 3600

    assert renewal.request(lambda: done.put(None))
    done.get(timeout=20)


def test_tells_when_a_token_may_have_stopped_to_count():
    """So that no answer is remembered for a token of the past."""
    provided = [(Sensitive("first"),), (Sensitive("first"),), (Sensitive("second"),)]
    told: list[int] = []
    tokens = Tokens((), lambda: provided.pop(0), changed=lambda: told.append(len(provided)))

    [tokens() for _ in range(3)]

    assert told == [2, 0]
