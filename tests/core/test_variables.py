"""The table of variables is well formed, and says what the specification says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from extension.core.settings import Settings
from extension.core.variables import VARIABLES, Variable

NAMES = [variable.name for variable in VARIABLES]
each = pytest.mark.parametrize("variable", VARIABLES, ids=NAMES)


@each
def test_is_well_formed(variable: Variable) -> None:
    """A name of one of the two families, a field, a known kind, and a sentence that fits a table."""
    assert re.fullmatch(
        r"(SIDEKEY|PARAMETERS_SECRETS_EXTENSION|SECRETS_MANAGER|SSM_PARAMETER_STORE)(_[A-Z]+)+", variable.name
    )
    assert variable.kind in ("flag", "whole", "choice", "text", "references", "regions")
    assert variable.allowed
    assert 0 < len(variable.about) <= 60
    assert variable.about.isprintable()
    assert "|" not in variable.about


@each
def test_its_field_is_one_of_the_settings(variable: Variable) -> None:
    """What is read is kept somewhere."""
    assert variable.field in Settings._fields


@each
def test_its_default_is_allowed(variable: Variable) -> None:
    """Setting a variable to its own default is no mistake."""
    _, problems = Settings.from_env({variable.name: variable.default})
    assert problems == ()


@each
def test_has_bounds_or_choices_where_its_kind_needs_them(variable: Variable) -> None:
    """Whole numbers have a range, choices a list in lower case, nothing else has either."""
    assert (variable.kind == "whole") is (variable.high > variable.low)
    assert (variable.kind == "choice") is bool(variable.choices)
    assert [choice.lower() for choice in variable.choices] == list(variable.choices)


def test_names_and_fields_stand_once() -> None:
    """One variable, one field; and every setting has its variable."""
    assert max(Counter(NAMES).values()) == 1
    assert [variable.field for variable in VARIABLES] == list(dict.fromkeys(variable.field for variable in VARIABLES))
    assert {variable.field for variable in VARIABLES} == set(Settings._fields)


@pytest.mark.parametrize(
    ("name", "default", "low", "high"),
    [
        ("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE", "1000", 0, 1000),
        ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773", 1, 65535),
        ("PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS", "3", 1, 100),
        ("SECRETS_MANAGER_TTL", "300", 0, 86400),
        ("SSM_PARAMETER_STORE_TTL", "300", 0, 86400),
        ("SECRETS_MANAGER_TIMEOUT_MILLIS", "0", 0, 900_000),
        ("SSM_PARAMETER_STORE_TIMEOUT_MILLIS", "0", 0, 900_000),
        ("SIDEKEY_PREFETCH_TIMEOUT_MS", "2000", 0, 900_000),
        ("SIDEKEY_MAX_STALE", "3600", 0, 604_800),
        ("SIDEKEY_NEGATIVE_TTL", "5", 0, 300),
        ("SIDEKEY_MAX_CLIENTS", "256", 1, 900),
    ],
)
def test_keeps_the_documented_defaults_and_ranges(name: str, default: str, low: int, high: int) -> None:
    """AWS's own defaults, and those of the interface."""
    variable = VARIABLES[NAMES.index(name)]
    assert (variable.default, variable.low, variable.high) == (default, low, high)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("flag", "true or false"),
        ("whole", "a whole number from 1 to 9"),
        ("choice", "a, b"),
        ("text", "text"),
        ("references", "references, comma-separated"),
        ("regions", "regions, comma-separated"),
    ],
)
def test_says_what_is_allowed(kind: str, words: str) -> None:
    """In words that fit behind `allowed:`."""
    variable = Variable(name="X", field="x", kind=kind, default="", about="", low=1, high=9, choices=("a", "b"))  # type: ignore[arg-type]
    assert variable.allowed == words
