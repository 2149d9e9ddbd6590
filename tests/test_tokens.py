"""The tokens that let a request in."""

from __future__ import annotations

import pytest

from extension.core.model import Sensitive
from extension.tokens import Tokens, environment_tokens


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
