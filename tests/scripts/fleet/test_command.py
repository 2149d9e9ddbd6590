"""The command: what it writes, what it prints, and what it says of wrong options."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from scripts.fleet.command import main, simulate
from scripts.fleet.scenario import Scenario

SMALL = ("--environments", "20", "--secrets", "3", "--hours", "0.2")


class Terminal(io.StringIO):
    """A terminal that can be read afterwards."""

    def isatty(self) -> bool:
        """Say that somebody looks."""
        return True


def test_writes_plot_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both pictures and the figures of all three policies are written and named."""
    assert main([*SMALL, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "fleet.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (tmp_path / "fleet.svg").read_text()
    fleet = json.loads((tmp_path / "fleet.json").read_text())["fleets"]["secretsmanager"]
    assert [*fleet["policies"]] == ["Sidekey", "P&S", "agent"]
    assert fleet["scenario"]["environments"] == 20
    assert "fleet.png" in capsys.readouterr().out


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    """Nothing of the moment gets into the files: a second run changes none of them."""
    folders = [tmp_path / name for name in ("first", "second")]
    written = [_written(folder) for folder in folders]
    assert written[0] == written[1]


def _written(folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    main([*SMALL, "--out", str(folder)])
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_parameters_are_a_fleet_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With parameters there is a second table, which the agent is not in."""
    main([*SMALL, "--parameters", "5", "--out", str(tmp_path)])
    assert "5 items of ssm" in capsys.readouterr().out
    fleets = json.loads((tmp_path / "fleet.json").read_text())["fleets"]
    assert [*fleets["ssm"]["policies"]] == ["Sidekey", "P&S"]


def test_a_terminal_sees_the_progress() -> None:
    """Each policy names itself while it lives."""
    terminal = Terminal()
    simulate(Scenario(environments=2, items=1, hours=0.05), terminal)
    assert "agent, secretsmanager:  50%" in terminal.getvalue()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--environments", "0", "is not a whole number from 1 to 100000"),
        ("--secrets", "many", "is not a whole number from 1 to 200"),
        ("--hours", "nan", "is not a number from 0.01 to 48"),
        ("--seed", "-1", "is not a whole number"),
        ("--out", "/nowhere/at/all", "is not an existing folder"),
        ("--arrivals", "never", "invalid choice"),
    ],
)
def test_wrong_options_are_told(option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong value ends the command before it starts, with what is allowed."""
    with pytest.raises(SystemExit):
        main([f"{option}={value}"])
    assert words in capsys.readouterr().err
