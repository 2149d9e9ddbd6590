"""JSON text: equal to the standard library's, and silent about what it read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extension.core import jsontext
from extension.core.model import Sensitive

numbers = st.integers() | st.floats(allow_nan=False)
text = st.text(st.characters(), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
)


def outcome(read: object, source: object) -> object:
    """Return what a reader makes of a text: the value's repr (NaN and 1 against 1.0 count), or ValueError."""
    try:
        return repr(read(source))  # type: ignore[operator]
    except (ValueError, RecursionError):
        return ValueError


@given(values)
@example("\ud800 é \u2028 \x00 \U0001f600")
@example(float("inf"))
def test_writes_what_json_writes(value: object) -> None:
    """Compact, raw UTF-8, with only lone surrogates escaped."""
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    assert jsontext.dumps(value) == expected


@given(values)
def test_reads_back_what_it_wrote(value: object) -> None:
    """A value survives the round trip."""
    assert jsontext.loads(jsontext.dumps(value)) == value


@given(
    st.text(alphabet='{}[]",:\\ \t\n\r\x0b\xa0u0123456789eE+-.tfnNIaluersinfty', max_size=30)
    | values.map(lambda v: json.dumps(v, indent=1))
)
@example('{"a":1,"a":2}')
@example("[NaN, Infinity, -Infinity]")
@example(" 1 ")
@example("\xa01")
@example("1 2")
@example("")
@example("\ufeff1")
@example('"\t"')
@example("9" * 5000)
def test_reads_what_json_reads(source: str) -> None:
    """The same values and the same refusals, duplicates and NaN included."""
    assert outcome(jsontext.loads, source) == outcome(json.loads, source)
    assert outcome(jsontext.loads, source.encode()) == outcome(json.loads, source)


def test_deep_nesting_is_a_value_error() -> None:
    """A bomb of brackets is refused like any other bad text."""
    with pytest.raises(ValueError, match="nested too deeply"):
        jsontext.loads("[" * 100_000)


@pytest.mark.parametrize("source", ['{"password":"hunter2"', b'"hunter2\xff"', '"hunter2" x'])
def test_errors_hold_nothing_of_the_text(source: bytes | str) -> None:
    """Neither the message nor a chained exception carries what was read."""
    with pytest.raises(ValueError, match=r"not JSON|not UTF-8|more text") as caught:
        jsontext.loads(source)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


ALONE = """
import sys
sys.path.insert(0, {root!r})
from extension.core.jsontext import loads
for text in {texts!r}:
    try:
        loads(text)
    except ValueError as error:
        print(error)
"""
BROKEN = [
    '{"a',
    '"abc',
    '{"a":"\\u12"}',
    '{"a":"\\x"}',
    '"\x01"',
    "{1:2}",
    '{"a":1,}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    "[1,",
]


def test_is_as_strict_where_json_was_never_imported() -> None:
    """The C scanner would raise what `json` defines, and fails otherwise without it: as it is on Lambda."""
    probe = ALONE.format(root=str(Path(__file__).parents[2]), texts=BROKEN)
    run = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["not JSON"] * len(BROKEN)


def test_a_sensitive_value_is_not_written() -> None:
    """Only revealed text has a JSON form; the refusal names the type alone."""
    with pytest.raises(TypeError, match="Sensitive has no JSON form"):
        jsontext.dumps({"value": Sensitive("hunter2")})
