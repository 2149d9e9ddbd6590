"""How a function starts with Sidekey attached, on AWS's own emulator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from scripts.stage.stage import SIDEKEY_PORT, Stage, extension_script
from tests.emulator.acts import API_KEY, DEBUG, PROBE, TAP_PORT, Tap, through_tap

if TYPE_CHECKING:
    from scripts.stage.aws import SampleAws


def test_listens_before_the_runtime_starts(stage: Stage) -> None:
    """Whoever asks can connect: the port is bound before we register, and Lambda starts the runtime only then."""
    stage.invoke()

    phases = stage.phases()
    assert phases["bound"] < phases["registered"]
    assert phases["bound"] < stage.runtime_starts()[0]


def test_the_runtime_waits_for_our_registration(aws: SampleAws) -> None:
    """While our call to register is held back, the port listens, and Lambda does not start the function."""
    stage = Stage(PROBE, aws, DEBUG, attached=False)
    stage.attach("sidekey", through_tap(extension_script(stage.folder)))

    with stage, stage.sandbox.listen(TAP_PORT) as held, ThreadPoolExecutor() as elsewhere:
        invoked = elsewhere.submit(stage.invoke)
        registering, _peer = held.accept()
        stage.sandbox.connect(SIDEKEY_PORT).close()
        before = stage.runtime_starts()
        registering.close()
        held.close()
        invoked.result()

    assert before == []


def test_answers_while_the_function_initialises(stage: Stage) -> None:
    """A read in the function's init code gets its value, prefetched or not."""
    answer = stage.invoke({"read": API_KEY})

    assert answer.json() == {
        "init": {"status": 200, "body": "sample-licence"},
        "read": {"status": 200, "body": "sample-api-key"},
    }


def test_registers_with_the_exact_name_of_its_file(aws: SampleAws) -> None:
    """Lambda refuses an extension that is called otherwise than its file."""
    stage = Stage(PROBE, aws, attached=False)
    stage.attach("side key.v2", extension_script(stage.folder))

    with stage:
        answer = stage.invoke({"read": API_KEY})

    assert answer.json()["read"]["body"] == "sample-api-key"


def test_registers_for_shutdown_alone_on_managed_instances(aws: SampleAws) -> None:
    """Managed Instances refuse INVOKE; everything else works as ever."""
    settings = {
        **DEBUG,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
        "SIDEKEY_PREFETCH": "ssm:///demo/licence",
    }
    stage = Stage(PROBE, aws, settings, attached=False)
    stage.attach("sidekey", through_tap(extension_script(stage.folder)))

    with stage, Tap(stage.sandbox) as tap:
        answer = stage.invoke({"read": API_KEY})

    assert b'{"events":["SHUTDOWN"]}' in tap.asked
    assert answer.json()["read"]["body"] == "sample-api-key"


def test_registers_for_shutdown_alone_without_a_prefetch_list(aws: SampleAws) -> None:
    """Where nothing is to be refreshed ahead, an invoke costs nothing."""
    stage = Stage(PROBE, aws, DEBUG, attached=False)
    stage.attach("sidekey", through_tap(extension_script(stage.folder)))

    with stage, Tap(stage.sandbox) as tap:
        stage.invoke()
        stage.invoke()

    assert b'{"events":["SHUTDOWN"]}' in tap.asked
    assert tap.asked.count(b"/event/next ") == 1


def test_two_functions_side_by_side_do_not_meet(aws: SampleAws) -> None:
    """Each environment has its own ports and processes."""
    with Stage(PROBE, aws) as one, Stage(PROBE, aws) as other:
        answers = [stage.invoke({"read": API_KEY}).json()["read"]["status"] for stage in (one, other)]

    assert answers == [200, 200]
