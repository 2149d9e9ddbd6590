"""How Sidekey lives through events, crashes, timeouts and the end, on AWS's own emulator."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from scripts.stage.stage import SHUTDOWN_SECONDS, SIDEKEY_PORT, Stage, extension_script
from tests.emulator.acts import API_KEY, DEBUG, PROBE, noting_its_status

if TYPE_CHECKING:
    from scripts.stage.aws import SampleAws


@pytest.mark.parametrize("events", [1, 50])
def test_serves_every_event(stage: Stage, events: int) -> None:
    """One process serves the first event and the fiftieth alike."""
    answers = [stage.invoke({"read": API_KEY}).json()["read"] for _ in range(events)]

    assert answers == [{"status": 200, "body": "sample-api-key"}] * events
    assert len(stage.extension_starts()) == 1


def test_ends_by_itself_at_shutdown(aws: SampleAws) -> None:
    """SHUTDOWN is answered by an exit with status 0, well before Lambda would kill."""
    stage = Stage(PROBE, aws, DEBUG, attached=False)
    exits = stage.folder / "exits"
    stage.attach("sidekey", noting_its_status(extension_script(stage.folder), exits))

    with stage:
        stage.invoke({"read": API_KEY})
        seconds = stage.shut_down()
        status = exits.read_text()

    assert status == "0\n"
    assert seconds < SHUTDOWN_SECONDS


def test_lives_on_after_the_runtime_crashed(stage: Stage) -> None:
    """A crash of the function costs its event; the next one finds its secrets again."""
    before = stage.invoke({"read": API_KEY})
    crashed = stage.invoke({"crash": 3})
    after = stage.invoke({"read": API_KEY})

    assert before.json() == after.json()
    assert "Runtime.ExitError" in crashed.body.decode()
    assert "Extension.Crash" not in stage.log()


def test_lives_on_after_the_function_timed_out(aws: SampleAws) -> None:
    """A timeout ends the environment; the next event starts a fresh extension, which serves."""
    with Stage(PROBE, aws, {**DEBUG, "AWS_LAMBDA_FUNCTION_TIMEOUT": "1"}) as stage:
        stage.invoke()
        late = stage.invoke({"sleep": 20})
        after = stage.invoke({"read": API_KEY})

        assert "timed out" in late.body.decode()
        assert after.json()["read"]["body"] == "sample-api-key"
        assert len(stage.extension_starts()) >= 2  # on a busy machine a start may run out of its second, too


def test_answers_after_a_freeze_what_was_asked_during_it(stage: Stage) -> None:
    """A stopped process loses no request: whoever asked meanwhile gets an answer when it goes on."""
    stage.invoke()
    stage.signal_extension(signal.SIGSTOP)
    with stage.sandbox.connect(SIDEKEY_PORT) as link:
        link.sendall(f"GET {API_KEY} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: {stage.token}\r\n\r\n".encode())
        stage.signal_extension(signal.SIGCONT)

        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_killed_extension_costs_one_event(stage: Stage) -> None:
    """Lambda starts a fresh one for the next event, on the same port."""
    stage.invoke()
    stage.signal_extension(signal.SIGKILL)
    stage.invoke()

    assert stage.invoke({"read": API_KEY}).json()["read"]["status"] == 200
