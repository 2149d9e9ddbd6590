"""README says what the code says."""

from __future__ import annotations

import re

from extension.core.routes import _PLAIN
from extension.core.variables import VARIABLES
from scripts.document import ROOT, filled

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_generated_parts_are_up_to_date():
    """`scripts/readme` has been run since the tables' sources changed."""
    assert filled(README) == README


def test_every_setting_has_its_row():
    """The table names each variable with its default."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`|–) \|", README, re.MULTILINE))

    assert rows == {variable.name: variable.default for variable in VARIABLES}


def test_shows_the_two_commands_and_every_plain_route():
    """A newcomer finds how to start and what to ask."""
    shown = ["make run", "make test", *(path.decode() for path in _PLAIN)]

    assert [each for each in shown if each not in README] == []


def test_every_make_target_it_names_exists():
    """No line of README names a target that the Makefile lacks."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"`?make ([a-z-]+)", README)) - targets == set()


def test_every_link_leads_somewhere():
    """Relative links name files and folders that are there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)

    assert [link for link in links if not (ROOT / link).exists()] == []
