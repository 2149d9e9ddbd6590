"""Reads and lightens ELF files, alike for both architectures on any machine.

Law: bytes in, bytes out; only sections that no program loads are taken away.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_LOADED = 0x2  # SHF_ALLOC
_LOAD, _DYNAMIC_SEGMENT, _INTERPRETER_SEGMENT = 1, 2, 3  # p_type
_NEEDED, _STRING_TABLE = 1, 5  # d_tag
_NO_BITS, _NAMES = 8, 3  # sh_type


@dataclass(frozen=True, slots=True)
class Section:
    """One row of the section table, as the file has it."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def end(self) -> int:
        """Where the section's bytes end in the file."""
        return self.offset + (0 if self.type == _NO_BITS else self.size)


@dataclass(frozen=True, slots=True)
class Segment:
    """One row of the program header table."""

    type: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    alignment: int


def is_elf(content: bytes) -> bool:
    """Tell whether this is a 64-bit little-endian ELF file."""
    return content.startswith(b"\x7fELF\x02\x01")


def machine(content: bytes) -> int:
    """Return the number of the architecture that the file is for."""
    return int(_HEADER.unpack_from(content)[2])


def segments(content: bytes) -> list[Segment]:
    """Return the program headers."""
    header = _HEADER.unpack_from(content)
    return [Segment(*_SEGMENT.unpack_from(content, header[5] + index * header[9])) for index in range(header[10])]


def interpreter(content: bytes) -> str | None:
    """Return the path of the loader that the file asks for."""
    for segment in segments(content):
        if segment.type == _INTERPRETER_SEGMENT:
            return content[segment.offset : segment.offset + segment.file_size].rstrip(b"\0").decode()
    return None


def needed(content: bytes) -> tuple[str, ...]:
    """Return the names of the libraries that the file must have (DT_NEEDED)."""
    table = [
        row for segment in segments(content) if segment.type == _DYNAMIC_SEGMENT for row in _rows(content, segment)
    ]
    strings = next((_to_offset(content, value) for tag, value in table if tag == _STRING_TABLE), 0)
    return tuple(_text(content, strings + value) for tag, value in table if tag == _NEEDED)


def _rows(content: bytes, segment: Segment) -> list[tuple[int, int]]:
    return list(_DYNAMIC.iter_unpack(content[segment.offset : segment.offset + segment.file_size]))


def _to_offset(content: bytes, address: int) -> int:
    for segment in segments(content):
        if segment.type == _LOAD and segment.address <= address < segment.address + segment.file_size:
            return address - segment.address + segment.offset
    msg = f"the address {address:#x} is in no segment"
    raise ValueError(msg)


def _text(content: bytes, offset: int) -> str:
    return content[offset : content.index(b"\0", offset)].decode()


def strip(content: bytes) -> bytes:
    """Return the file without symbol tables and debugging sections, as `strip --strip-unneeded` does."""
    header = list(_HEADER.unpack_from(content))
    table_offset, count, names_index = header[6], header[12], header[13]
    rows = [Section(*_SECTION.unpack_from(content, table_offset + index * _SECTION.size)) for index in range(count)]
    kept = [index for index, row in enumerate(rows) if index in (0, names_index) or row.flags & _LOADED]
    end = max([_headers_end(header), *(rows[index].end for index in kept if rows[index].flags & _LOADED)])
    names = content[rows[names_index].offset : rows[names_index].end]
    table_start = (end + len(names) + 7) & ~7
    moved = {old: new for new, old in enumerate(kept)}
    table = [_moved(rows[index], moved, end if index == names_index else None) for index in kept]
    header[6], header[12], header[13] = table_start, len(kept), moved[names_index]
    body = content[_HEADER.size : end] + names
    padding = bytes(table_start - end - len(names))
    return _HEADER.pack(*header) + body + padding + b"".join(map(_packed, table))


def _headers_end(header: list[int]) -> int:
    return header[5] + header[9] * header[10]


def _moved(row: Section, moved: dict[int, int], offset: int | None) -> Section:
    """Point a kept section at the new places of those it refers to."""
    linked = replace(row, link=moved.get(row.link, 0))
    return linked if offset is None else replace(linked, offset=offset)


def _packed(row: Section) -> bytes:
    return _SECTION.pack(
        row.name,
        row.type,
        row.flags,
        row.address,
        row.offset,
        row.size,
        row.link,
        row.info,
        row.alignment,
        row.entry_size,
    )
