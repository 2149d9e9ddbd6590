"""Percent-encoding and query strings, strictly, as clients of the AWS extension write them.

Law: a plus stays a plus (base64 and names hold them), an escape is `%` and two hexadecimal digits, the result is UTF-8;
whatever else is a ValueError that says so without quoting the text.
"""

from __future__ import annotations

import binascii


def decode(raw: bytes) -> str:
    """Undo percent-encoding: `a%2Fb` → `a/b`."""
    fault = "not UTF-8 after percent-decoding"
    try:
        return (_unescape(raw) if b"%" in raw else raw).decode()
    except binascii.Error:
        fault = "a percent sign must be followed by two hexadecimal digits (a percent sign itself is %25)"
    except UnicodeDecodeError:
        pass
    raise ValueError(fault)


def _unescape(raw: bytes) -> bytes:
    """Replace every escape by its byte."""
    first, *escaped = raw.split(b"%")
    return first + b"".join([_byte(piece[:2]) + piece[2:] for piece in escaped])


def _byte(digits: bytes) -> bytes:
    """Read two hexadecimal digits; unhexlify itself would take none at all."""
    if not digits:
        raise binascii.Error
    return binascii.unhexlify(digits)


def parse_query(query: bytes) -> list[tuple[str, str]]:
    """Split `a=1&b=2` into decoded pairs in their order; a bare name has an empty value, empty pieces are skipped."""
    pairs = [piece.partition(b"=") for piece in query.split(b"&") if piece]
    return [(decode(name), decode(value)) for name, _, value in pairs]
