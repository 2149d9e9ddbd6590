"""Points in time as text: RFC 3339 as the AWS extension writes it, and HTTP's date as services send it.

Law: an instant is a float of seconds since the epoch, UTC; whole milliseconds are what survives the text.
"""

from __future__ import annotations

from time import gmtime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_EPOCH_YEAR = 1970


def rfc3339(epoch: float) -> str:
    """Write `2022-11-16T08:22:40.499Z`, rounded to the nearest millisecond."""
    seconds, millis = divmod(round(epoch * 1000), 1000)
    year, month, day, hour, minute, second, *_ = gmtime(seconds)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"


def from_rfc3339(text: str) -> float:
    """Read `2022-11-16T08:22:40[.499]Z`, as AWS dates credentials; else ValueError."""
    date, _, clock = text.partition("T")
    whole, _, fraction = clock.removesuffix("Z").partition(".")
    try:
        year, month, day = map(_digits, date.split("-"))
        hour, minute, second = map(_digits, whole.split(":"))
        days = _days(year, month, day) if 1 <= month <= len(_MONTHS) else _digits("")
        share = _digits(fraction) / 10 ** len(fraction) if fraction else 0.0
    except ValueError:
        clock = ""
    if not clock.endswith("Z") or hour > 23 or minute > 59 or second > 60:  # noqa: PLR2004 - as below
        msg = "not an RFC 3339 time in UTC; the form is 2022-11-16T08:22:40Z"
        raise ValueError(msg)
    return days * 86400 + hour * 3600 + minute * 60 + second + share


def http_date(text: str) -> float:
    """Read `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that RFC 9110 lets anybody send; else ValueError."""
    try:
        _weekday, day, name, year, clock, zone = text.split(" ")
        hour, minute, second = map(_digits, clock.split(":"))
        days = _days(_digits(year), _MONTHS.index(name) + 1, _digits(day))
    except ValueError:
        zone = ""
    if zone != "GMT" or hour > 23 or minute > 59 or second > 60:  # noqa: PLR2004 - a clock's face; 60 is a leap second
        msg = "not an HTTP date; the form is Sun, 06 Nov 1994 08:49:37 GMT"
        raise ValueError(msg)
    return float(days * 86400 + hour * 3600 + minute * 60 + second)


def _digits(text: str) -> int:
    """Read plain ASCII digits; int itself would take signs, blanks and underscores."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _days(year: int, month: int, day: int) -> int:
    """Count the days from the epoch to a date, refusing dates that do not exist."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or not 1 <= day <= _DAYS_IN_MONTH[month - 1] + (leap and month == _FEBRUARY):
        raise ValueError
    before = year - 1
    leaps = (before // 4 - before // 100 + before // 400) - (1969 // 4 - 1969 // 100 + 1969 // 400)
    in_year = sum(_DAYS_IN_MONTH[: month - 1]) + (leap and month > _FEBRUARY)
    return (year - _EPOCH_YEAR) * 365 + leaps + in_year + day - 1
