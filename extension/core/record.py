"""Frozen, slotted, keyword-only records: what `dataclasses` gives, without its 16 ms of imports at cold start.

Law: a record is a value. It is compared, hashed and shown by its fields, and never changes; `replace` makes another.
Fields are the class's annotations, in order, those of its base first; a class attribute of the same name is a default.
"""

from __future__ import annotations

from _operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_options: object) -> object:
        """Do at run time what typing's decorator does: nothing."""
        return lambda cls: cls


class _Shape(type):
    """Turns annotations into slots before the class exists, as slots must be."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Shape:
        own = tuple(namespace.get("__annotations__", ()))
        inherited = bases[0] if bases else None
        defaults = dict(getattr(inherited, "_defaults", {}))
        defaults.update({field: namespace.pop(field) for field in own if field in namespace})
        namespace["__slots__"] = own
        fields = (*getattr(inherited, "_fields", ()), *own)
        namespace["_fields"] = fields
        namespace["_names"] = frozenset(fields)
        namespace["_defaults"] = defaults
        namespace["_values"] = staticmethod(_reader(fields))
        return super().__new__(cls, name, bases, namespace)


def _reader(fields: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """Return the function that takes a record's values: in C, which makes a tuple only of two and more."""
    if len(fields) > 1:
        return attrgetter(*fields)
    return lambda record: tuple([getattr(record, field) for field in fields])


_set = object.__setattr__


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record(metaclass=_Shape):
    """Base of every record: `class Point(Record): x: int; y: int = 0`."""

    if TYPE_CHECKING:
        _fields: tuple[str, ...]
        _names: frozenset[str]
        _values: Callable[[object], tuple[Any, ...]]
        _defaults: dict[str, Any]

    def __init__(self, **given: Any) -> None:
        """Set every field from `given` or its default; anything missing or unknown is a TypeError."""
        known = {**self._defaults, **given}
        if known.keys() != self._names:
            wrong = sorted(known.keys() ^ self._names)
            msg = f"{type(self).__name__}: missing or unknown field: {', '.join(wrong)}"
            raise TypeError(msg)
        for field, value in known.items():
            _set(self, field, value)

    def __setattr__(self, name: str, _value: object) -> None:
        """Refuse: records are frozen."""
        msg = f"{type(self).__name__}.{name} is frozen"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        """Refuse: records are frozen."""
        msg = f"{type(self).__name__}.{name} is frozen"
        raise AttributeError(msg)

    def astuple(self) -> tuple[Any, ...]:
        """Return the field values in order."""
        return self._values(self)

    def replace(self, **changes: Any) -> Self:
        """Return the same record with some fields changed."""
        return type(self)(**dict(zip(self._fields, self.astuple(), strict=True)) | changes)

    def __eq__(self, other: object) -> bool:
        """Compare by class and fields."""
        return type(other) is type(self) and self._values(self) == other._values(other)

    def __hash__(self) -> int:
        """Hash by fields."""
        return hash(self._values(self))

    def __repr__(self) -> str:
        """Show the fields; a `Sensitive` one shows itself redacted."""
        shown = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({shown})"
