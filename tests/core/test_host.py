"""The four hosts: told apart, and what each registers for."""

from __future__ import annotations

import pytest

from extension.core.host import INIT_LIMIT_SECONDS, events, host_of, runs_daemon

LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}
LISTED = {"SIDEKEY_PREFETCH": "ssm:///a"}
HOSTS = ("on-demand", "snap-start", "managed", "standalone")


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({}, "standalone"),
        ({"AWS_LAMBDA_RUNTIME_API": ""}, "standalone"),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, "standalone"),
        (LAMBDA, "on-demand"),
        (LAMBDA | {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, "on-demand"),
        (LAMBDA | {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, "on-demand"),
        (LAMBDA | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, "snap-start"),
        (LAMBDA | {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"}, "managed"),
        (LAMBDA | {"AWS_LAMBDA_INITIALIZATION_TYPE": "of the future"}, "on-demand"),
    ],
)
def test_is_told_by_the_environment(environment: dict[str, str], host: str) -> None:
    """No Runtime API: no Lambda; a type that nobody knows is treated as the usual one."""
    assert host_of(environment) == host


@pytest.mark.parametrize(("host", "daemon"), [(host, host in ("managed", "standalone")) for host in HOSTS])
def test_a_daemon_runs_where_nothing_freezes(host: str, daemon: bool) -> None:
    """And where no cold start is to be saved."""
    assert runs_daemon(host) is daemon  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "environment", "invoked"),
    [
        ("on-demand", {}, False),
        ("on-demand", LISTED, True),
        ("on-demand", {"SIDEKEY_PREFETCH": "  "}, False),
        ("on-demand", {"SIDEKEY_CONFIG": "/x.toml"}, True),
        ("on-demand", {"SIDEKEY_REFRESH": " Invoke "}, True),
        ("on-demand", LISTED | {"SIDEKEY_REFRESH": "READ"}, False),
        ("on-demand", LISTED | {"SIDEKEY_REFRESH": "auto"}, True),
        ("snap-start", {"SIDEKEY_REFRESH": "read"}, True),
        ("managed", LISTED | {"SIDEKEY_REFRESH": "invoke"}, False),
    ],
)
def test_registers_for_invoke_only_where_it_is_of_use(host: str, environment: dict[str, str], invoked: bool) -> None:
    """With a list (unless told otherwise), always under SnapStart, never on Managed Instances; SHUTDOWN always."""
    expected = ("INVOKE", "SHUTDOWN") if invoked else ("SHUTDOWN",)
    assert events(host, environment) == expected  # type: ignore[arg-type]


def test_init_ends_before_lambda_ends_it() -> None:
    """Each host has a limit below Lambda's own."""
    assert set(INIT_LIMIT_SECONDS) == set(HOSTS)
    assert INIT_LIMIT_SECONDS["on-demand"] < 10
    assert max(INIT_LIMIT_SECONDS["snap-start"], INIT_LIMIT_SECONDS["managed"]) < 130
