"""The yardsticks answer what we answer."""

from __future__ import annotations

import json

from scripts.bench.servers import LONGEST_WORD, _nginx_server, known, port_of


def test_nginx_gets_the_body_as_its_configuration_writes_it() -> None:
    """A backslash is doubled, and what is longer than a word is put together from several."""
    assert _nginx_server(1, r'{"a":"\""}') == (
        r"""server { listen 127.0.0.1:1; location / { return 200 '{"a":"\\""}'; } }"""
    )
    assert _nginx_server(1, "x" * LONGEST_WORD + "y") == (
        "server { listen 127.0.0.1:1; location / { "
        f"set $part0 '{'x' * LONGEST_WORD}'; set $part1 'y'; return 200 \"${{part0}}${{part1}}\"; }} }}"
    )


def test_each_kind_of_body_has_a_port_of_nginx_s() -> None:
    """Everybody else looks at the request."""
    assert port_of("nginx", "hit by name") != port_of("nginx", "hit by ARN")
    assert port_of("node", "hit by name") == port_of("node", "hit by ARN")


def test_the_others_know_the_secrets_by_name_and_arn() -> None:
    """A bare value is none that could be looked up."""
    secret = {"ARN": "arn", "Name": "name"}

    assert known({"hit": json.dumps(secret, separators=(",", ":")), "value": "text"}) == {"arn": secret, "name": secret}
