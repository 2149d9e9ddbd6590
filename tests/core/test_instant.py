"""Instants as text: equal to datetime's and email's, without their imports."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.instant import from_rfc3339, http_date, rfc3339


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (1668586960.499, "2022-11-16T08:22:40.499Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1569534789.046, "2019-09-26T21:53:09.046Z"),
        (1.9996, "1970-01-01T00:00:02.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_writes_milliseconds(epoch: float, text: str) -> None:
    """Three digits, no float artefacts, carried over at the second, sound before the epoch."""
    assert rfc3339(epoch) == text


@given(st.integers(min_value=-62135596800000, max_value=253402300799999))
def test_agrees_with_datetime(millis: int) -> None:
    """Every millisecond from year 1 to 9999."""
    seconds, rest = divmod(millis, 1000)
    expected = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
    assert rfc3339(millis / 1000) == expected.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(st.datetimes(timezones=st.just(UTC)))
def test_reads_what_email_writes(moment: datetime) -> None:
    """Every second from year 1 to 9999."""
    whole = moment.replace(microsecond=0)
    assert http_date(format_datetime(whole, usegmt=True)) == whole.timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun, \u0666 Nov 1994 08:49:37 GMT",
    ],
)
def test_refuses_anything_else(text: str) -> None:
    """Not a date, not GMT, not a day of that month, not ASCII digits."""
    with pytest.raises(ValueError, match="not an HTTP date"):
        http_date(text)


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("2022-11-16T08:22:40Z", 1_668_586_960.0),
        ("2022-11-16T08:22:40.499Z", 1_668_586_960.499),
        ("2024-02-29T23:59:59.5Z", 1_709_251_199.5),
    ],
)
def test_aws_dates_of_credentials_are_read(text: str, epoch: float) -> None:
    """RFC 3339 in UTC is read with and without a fraction."""
    assert from_rfc3339(text) == epoch


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2022-11-16",
        "2022-11-16T08:22:40",
        "2022-11-16T08:22:40+01:00",
        "2022-13-16T08:22:40Z",
        "2022-02-30T08:22:40Z",
        "2022-11-16T24:00:00Z",
        "2022-11-16T08:22:40.-5Z",
    ],
)
def test_other_times_are_no_rfc3339_in_utc(text: str) -> None:
    """Anything else is a ValueError, not a wrong time."""
    with pytest.raises(ValueError, match="not an RFC 3339 time in UTC"):
        from_rfc3339(text)
