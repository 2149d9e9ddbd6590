"""JSON both ways through CPython's C scanner and encoder, without the `json` package (4 ms and `re` at cold start).

Law: what `json` reads and writes, this reads and writes alike; and no error holds a piece of the text, for the text
may be a secret (`json.JSONDecodeError.doc` is the whole of it).
"""

from __future__ import annotations

import _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_BLANKS = " \t\n\r"
_CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class _ScannerSettings:
    """What `json.JSONDecoder` tells the C scanner by default."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__


_scan = _json.make_scanner(_ScannerSettings)  # type: ignore[arg-type]


def _refuse(value: object) -> NoReturn:
    """Say which type has no JSON form; never the value."""
    msg = f"{type(value).__name__} has no JSON form"
    raise TypeError(msg)


# markers, default, encoder, indent, key separator, item separator, sort keys, skip keys, allow NaN
_encode = _json.make_encoder(None, _refuse, _json.encode_basestring, None, ":", ",", False, False, True)


def loads(text: bytes | str) -> object:
    """Read one JSON value from UTF-8 bytes or a string; ValueError says what is wrong without quoting it."""
    fault = "not JSON"
    try:
        source = (text if isinstance(text, str) else text.decode()).strip(_BLANKS)
        value, end = _scan(source, 0)
    except UnicodeDecodeError:
        fault = "not UTF-8"
    except RecursionError:
        fault = "nested too deeply"
    except (ValueError, StopIteration, SystemError, ImportError):
        pass  # the last two: the scanner would raise an exception of `json`'s, and does not find it
    else:
        if end == len(source):
            return value
        fault = "more text after the JSON value"
    # Raised here, outside the handlers, so that no exception which holds the text hangs on as its context.
    raise ValueError(fault)


def dumps(value: object) -> bytes:
    """Write `value` compactly as UTF-8; a lone surrogate, which UTF-8 cannot carry, becomes its JSON escape."""
    return "".join(_encode(value, 0)).encode("utf-8", "backslashreplace")
