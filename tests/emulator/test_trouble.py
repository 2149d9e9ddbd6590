"""What a function and its owner see when something is wrong, on AWS's own emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.stage.aws import CREDENTIALS
from scripts.stage.stage import SIDEKEY_PORT, Stage, extension_script
from tests.emulator.acts import API_KEY, DEBUG, PROBE, Tap, through_tap

if TYPE_CHECKING:
    from scripts.stage.aws import SampleAws

PLANTED = ("sample-", *CREDENTIALS.values())


def test_a_taken_port_is_named(aws: SampleAws) -> None:
    """The other extension on our port ends init with a message that names port and suspect."""
    stage = Stage(PROBE, aws, attached=False)
    stage.attach("sidekey", through_tap(extension_script(stage.folder)))

    with stage, stage.sandbox.listen(SIDEKEY_PORT), Tap(stage.sandbox) as tap:
        answer = stage.invoke()

    assert answer.status == 502
    assert b"/extension/init/error" in tap.asked
    assert b"2773" in tap.asked
    assert b"AWS" in tap.asked.partition(b"errorMessage")[2]


def test_bad_settings_are_told_together_and_what_is_sound_is_served(aws: SampleAws) -> None:
    """Two mistakes are two sentences in one log, and the function reads its secrets."""
    settings = {"SECRETS_MANAGER_TTL": "soon", "SIDEKEY_PREFETCHED": "x"}

    with Stage(PROBE, aws, settings) as stage:
        answer = stage.invoke({"read": API_KEY})
        said = stage.extension_log()

    assert answer.json()["read"]["status"] == 200
    assert "SECRETS_MANAGER_TTL" in said
    assert "SIDEKEY_PREFETCHED is unknown: did you mean SIDEKEY_PREFETCH?" in said


def test_a_missing_required_reference_fails_init_with_its_reason(aws: SampleAws) -> None:
    """Who marks a reference as required would rather not start than start without it."""
    stage = Stage(PROBE, aws, {}, attached=False)
    stage.attach("sidekey", through_tap(extension_script(stage.folder)))
    config = stage.folder / "sidekey.toml"
    config.write_text('[prefetch."secretsmanager://demo/absent"]\nrequired = true\n')
    stage.settings = {"SIDEKEY_CONFIG": str(config)}

    with stage, Tap(stage.sandbox) as tap:
        answer = stage.invoke()
        log = stage.log()

    said = tap.asked.partition(b"errorMessage")[2]
    assert answer.status == 502
    assert "Extension.InitError" in log
    assert b"secretsmanager://demo/absent" in said
    assert b"can't find the specified secret" in said


def test_what_could_not_be_prefetched_is_told_and_fetched_on_demand(aws: SampleAws) -> None:
    """A secret that comes into being later is read then."""
    with Stage(PROBE, aws, {"SIDEKEY_PREFETCH": "secretsmanager://demo/late"}) as stage:
        stage.invoke()
        aws.client("secretsmanager").create_secret(Name="demo/late", SecretString="sample-late")
        answer = stage.read("/secretsmanager/get?secretId=demo/late&refreshNow=true")
        said = stage.extension_log()

    assert answer.json()["SecretString"] == "sample-late"
    assert "secretsmanager://demo/late" in said


def test_an_unreachable_service_neither_fails_init_nor_hangs(aws: SampleAws) -> None:
    """Without Secrets Manager a function starts, and its read fails with a reason."""
    settings = {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:9",
        "SIDEKEY_DEADLINE_MS": "300",
        "SIDEKEY_PREFETCH": "secretsmanager://demo/api-key,ssm:///demo/licence",
        "SIDEKEY_PREFETCH_TIMEOUT_MS": "300",
        "PROBE_INIT": "/value?ref=ssm:///demo/licence",
    }
    with Stage(PROBE, aws, settings) as stage:
        answer = stage.invoke({"read": API_KEY}).json()

    assert answer["init"] == {"status": 200, "body": "sample-licence"}
    assert answer["read"]["status"] in {502, 504}  # refused, or out of time between two attempts
    assert "__type" in answer["read"]["body"]


def test_no_value_and_no_token_is_ever_written(aws: SampleAws) -> None:
    """Neither what is served nor what is refused leaves a trace of a value in the log, at debug."""
    targets = (
        API_KEY,
        "/value?ref=ssm:///demo/licence",
        "/secretsmanager/get?secretId=absent",
        "/value?ref=sample-x",
        "/status",
    )
    with Stage(PROBE, aws, {**DEBUG, "SIDEKEY_PREFETCH": "secretsmanager://demo/database"}) as stage:
        stage.invoke({"read": API_KEY})
        statuses = [stage.read(target).status for target in targets]
        refused = stage.read(API_KEY, **{"X-Aws-Parameters-Secrets-Token": "sample-wrong"})
        stage.shut_down()
        written = stage.log() + stage.extension_log()

    assert statuses == [200, 200, 400, 400, 200]
    assert refused.status == 401
    assert [planted for planted in PLANTED if planted in written] == []
