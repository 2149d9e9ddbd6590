"""Settings: real types, every problem at once, never a value in a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.reference import parse_reference
from extension.core.settings import Settings, shape, unknown_names
from extension.core.variables import VARIABLES
from tests.samples import PLANTED

AWS = "PARAMETERS_SECRETS_EXTENSION_"
DEFAULTS, _ = Settings.from_env({})


def test_nothing_set_gives_the_defaults_and_no_problem() -> None:
    """An empty environment is a good one."""
    settings, problems = Settings.from_env({})
    assert problems == ()
    assert (settings.port, settings.cache_enabled, settings.prefetch, settings.failover_regions) == (2773, True, (), ())


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        (AWS + "CACHE_ENABLED", "FALSE", "cache_enabled", False),
        (AWS + "CACHE_ENABLED", " True ", "cache_enabled", True),
        (AWS + "CACHE_SIZE", "0", "cache_size", 0),
        (AWS + "CACHE_SIZE", "0010", "cache_size", 10),
        (AWS + "HTTP_PORT", "65535", "port", 65535),
        (AWS + "LOG_LEVEL", "WARN", "log_level", "warn"),
        (AWS + "MAX_CONNECTIONS", "1", "max_connections", 1),
        ("SECRETS_MANAGER_TTL", "86400", "secret_ttl_seconds", 86400),
        ("SSM_PARAMETER_STORE_TTL", "0", "parameter_ttl_seconds", 0),
        ("SIDEKEY_DIALECT", "Agent", "dialect", "agent"),
        ("SIDEKEY_REFRESH", "invoke", "refresh", "invoke"),
        ("SIDEKEY_FAILOVER_REGIONS", " eu-west-1, eu-central-1,", "failover_regions", ("eu-west-1", "eu-central-1")),
        ("SIDEKEY_PREFETCH", "ssm:///a", "prefetch", (parse_reference("ssm:///a"),)),
        ("SIDEKEY_CONFIG", "/var/task/sidekey.toml", "config_path", "/var/task/sidekey.toml"),
        ("SIDEKEY_CONFIG", "", "config_path", ""),
    ],
)
def test_reads_real_types(name: str, text: str, field: str, value: object) -> None:
    """Blanks and letter case are forgiven, an empty text is no text."""
    settings, problems = Settings.from_env({name: text})
    assert (getattr(settings, field), problems) == (value, ())


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("CACHE_ENABLED", "yes", "holds 3 characters that do not fit; allowed: true or false; true is used"),
        ("CACHE_ENABLED", "1", "holds a number of 1 characters; allowed: true or false; true is used"),
        ("CACHE_SIZE", "1001", "holds a number of 4 characters; allowed: a whole number from 0 to 1000; 1000 is used"),
        ("CACHE_SIZE", "-1", "holds a number of 2 characters; allowed: a whole number from 0 to 1000; 1000 is used"),
        (
            "CACHE_SIZE",
            "1e2",
            "holds 3 characters that do not fit; allowed: a whole number from 0 to 1000; 1000 is used",
        ),
        (
            "CACHE_SIZE",
            "\u0661",
            "holds 1 characters that do not fit; allowed: a whole number from 0 to 1000; 1000 is used",
        ),
        ("HTTP_PORT", "0", "holds a number of 1 characters; allowed: a whole number from 1 to 65535; 2773 is used"),
        ("HTTP_PORT", "  ", "holds only blanks; allowed: a whole number from 1 to 65535; 2773 is used"),
        (
            "LOG_LEVEL",
            "loud",
            "holds 4 characters that do not fit; allowed: debug, info, warn, error, none; info is used",
        ),
    ],
)
def test_a_bad_value_is_reported_and_the_default_stands_in(name: str, text: str, problem: str) -> None:
    """The sentence has variable, shape, what is allowed and what is used."""
    settings, problems = Settings.from_env({AWS + name: text})
    assert problems == (f"{AWS}{name} {problem}",)
    assert settings == DEFAULTS


def test_a_bad_region_is_reported() -> None:
    """The whole list is left out: half a failover would be a surprise."""
    settings, problems = Settings.from_env({"SIDEKEY_FAILOVER_REGIONS": "eu-west-1,mars"})
    assert settings.failover_regions == ()
    assert problems[0].endswith("14 characters that do not fit; allowed: regions, comma-separated; nothing is used")


def test_a_huge_number_is_a_problem_and_no_crash() -> None:
    """Python itself refuses to convert more than 4300 digits."""
    _, problems = Settings.from_env({"SECRETS_MANAGER_TTL": "9" * 5000})
    assert problems[0].startswith("SECRETS_MANAGER_TTL holds a number of 5000 characters")


def test_sound_references_count_beside_wrong_ones() -> None:
    """Each wrong one is named by its place."""
    settings, problems = Settings.from_env({"SIDEKEY_PREFETCH": f"ssm:///a,{PLANTED},secretsmanager://b,ssm://c:0"})
    assert [reference.text for reference in settings.prefetch] == ["ssm:///a", "secretsmanager://b"]
    assert problems == (
        "SIDEKEY_PREFETCH, reference 2: a reference starts with one of secretsmanager://, ssm://, ssm-path://",
        "SIDEKEY_PREFETCH, reference 4: version is a whole number from 1 on",
    )


def test_every_problem_is_said_at_once() -> None:
    """Nobody deploys three times to learn three mistakes."""
    bad = {"SIDEKEY_BATCH": "no", "SECRETS_MANAGER_TTL": "x", "SIDEKEY_PREFETCHES": "y"}
    _, problems = Settings.from_env(bad)
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SIDEKEY_PREFETCHES", ": did you mean SIDEKEY_PREFETCH?"),
        ("SIDEKEY_MAX_STALENESS", ": did you mean SIDEKEY_MAX_STALE?"),
        ("SIDEKEY_prefetch", ": did you mean SIDEKEY_PREFETCH?"),
        ("SIDEKEY_" + "Z" * 40, ""),
    ],
)
def test_an_unknown_name_is_told_its_nearest(name: str, said: str) -> None:
    """A typo is an error with a suggestion, where there is one."""
    assert unknown_names({name: PLANTED}) == [f"{name} is unknown{said}"]


def test_other_names_are_nobodys_business() -> None:
    """Only SIDEKEY_ names are ours to judge; and the known ones are known."""
    assert unknown_names({"PATH": "x", "XSIDEKEY_A": "x"} | {variable.name: "x" for variable in VARIABLES}) == []


@given(st.dictionaries(st.sampled_from([variable.name for variable in VARIABLES]), st.text()))
def test_no_environment_crashes_or_shows_its_values(environment: dict[str, str]) -> None:
    """Any text in any variable leads to settings and sentences, none of which repeats it."""
    planted = {name: f"{text}{PLANTED}" for name, text in environment.items()}
    settings, problems = Settings.from_env(planted)
    assert isinstance(settings, Settings)
    assert PLANTED not in "".join(problems)


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("", "only blanks"),
        ("-5", "a number of 2 characters"),
        ("5", "a number of 1 characters"),
        ("-", "1 characters that do not fit"),
    ],
)
def test_describes_a_value_by_its_shape(text: str, described: str) -> None:
    """Length and kind, not the text."""
    assert shape(text) == described
