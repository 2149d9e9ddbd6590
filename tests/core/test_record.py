"""Records behave as frozen, slotted, keyword-only dataclasses do."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.record import Record


class Point(Record):
    """Two fields, one with a default."""

    x: object
    y: object = 0

    @property
    def both(self) -> tuple[object, object]:
        """Methods and properties stay."""
        return self.x, self.y


class Place(Point):
    """A base's fields come first, and its default is taken over."""

    name: object = "here"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLike:
    """What `Point` should equal in behaviour."""

    x: object
    y: object = 0


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers())


@given(VALUES, VALUES)
def test_shows_itself_as_a_dataclass_does(x: object, y: object) -> None:
    """The repr names class and fields in order."""
    assert repr(Point(x=x, y=y)) == repr(PointLike(x=x, y=y)).replace("PointLike", "Point")


@given(VALUES, VALUES, VALUES, VALUES)
def test_compares_and_hashes_as_a_dataclass_does(a: object, b: object, c: object, d: object) -> None:
    """Equal fields make equal records with equal hashes."""
    assert (Point(x=a, y=b) == Point(x=c, y=d)) is (PointLike(x=a, y=b) == PointLike(x=c, y=d))
    assert hash(Point(x=a, y=b)) == hash(PointLike(x=a, y=b))


class Single(Record):
    """One field."""

    only: object


class Empty(Record):
    """None."""


def test_few_fields_are_values_as_well() -> None:
    """Records of one field and of none compare and hash by them."""
    assert (Single(only=1), Empty()) == (Single(only=1), Empty())
    assert Single(only=1) != Single(only=2)
    assert {Single(only=1), Empty(), Single(only=1)} == {Single(only=1), Empty()}
    assert (Single(only=1).astuple(), Empty().astuple()) == ((1,), ())


@given(VALUES, VALUES)
def test_replaces_as_a_dataclass_does(x: object, y: object) -> None:
    """Replacing makes another record and leaves the first."""
    point = Point(x=x)
    assert point.replace(y=y).astuple() == (x, replace(PointLike(x=x), y=y).y)
    assert point.y == 0


def test_a_default_stands_in() -> None:
    """A field that is not given has its default."""
    assert Point(x=1).both == (1, 0)


def test_inherits_fields_in_order() -> None:
    """The base's fields, its defaults, then one's own."""
    assert repr(Place(x=1)) == "Place(x=1, y=0, name='here')"


def test_another_class_is_never_equal() -> None:
    """The same fields in another class are another value."""
    assert Place(x=1, y=0, name=0) != Point(x=1, y=0)
    assert Point(x=1, y=0) != (1, 0)


@pytest.mark.parametrize(
    ("given", "wrong"), [({}, "x"), ({"y": 1}, "x"), ({"x": 1, "z": 2}, "z"), ({"y": 1, "z": 2}, "x, z")]
)
def test_refuses_missing_and_unknown_fields(given: dict[str, object], wrong: str) -> None:
    """The TypeError names the class and the fields."""
    with pytest.raises(TypeError, match=f"^Point: missing or unknown field: {wrong}$"):
        Point(**given)


def test_takes_keywords_only() -> None:
    """Positional fields are refused, as with kw_only."""
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]


def test_is_frozen() -> None:
    """Setting and deleting are AttributeErrors, as FrozenInstanceError is."""
    point = Point(x=1)
    with pytest.raises(AttributeError, match=r"Point\.x is frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"Point\.x is frozen"):
        del point.x
    assert issubclass(FrozenInstanceError, AttributeError)


def test_has_slots_alone() -> None:
    """No instance dictionary: a record is small, and nothing can be hung on to it."""
    assert not hasattr(Place(x=1), "__dict__")
