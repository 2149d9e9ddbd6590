"""Secrets Manager as a source: one contract, held by our own fake and by moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.errors import Refused, Throttled, Unreachable, UpstreamError
from extension.core.model import Query, Secret
from extension.core.policy import Rotation
from extension.sources.secretsmanager import SecretsManager, parse_rotation, parse_secret, region_of, window_seconds
from tests.sources.recorder import Recorder

if TYPE_CHECKING:
    from tests.servers.fake_aws import FakeAws
    from tests.sources.conftest import Service

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-AbCdEf"
VALUE = '{"password":"plänted"}'


def secret(identifier: str, **options: str) -> Query:
    """Return the query for a secret."""
    return Query(service="secretsmanager", id=identifier, **options)


def text_of(found: Secret | UpstreamError) -> str:
    """Return a secret's text."""
    assert isinstance(found, Secret)
    assert found.text is not None
    return found.text.reveal()


@pytest.mark.parametrize("cut", [None, -7])
def test_a_secret_is_found_by_its_arn(secrets: SecretsManager, service: Service, cut: int | None) -> None:
    """The full ARN and the partial one name the same secret."""
    found = secrets.fetch(secret(service.arns["app/db"][:cut]))

    assert (found.arn, found.name) == (service.arns["app/db"], "app/db")
    assert text_of(found) == VALUE


def test_a_secret_comes_whole(secrets: SecretsManager) -> None:
    """Text, version, stages and date arrive; the text does not show."""
    found = secrets.fetch(secret("app/db"))

    assert text_of(found) == VALUE
    assert (found.stages, found.binary, bool(found.version_id)) == (("AWSCURRENT",), None, True)
    assert isinstance(found.created_at, int | float)
    assert "password" not in repr(found)


def test_a_binary_secret_stays_base64(secrets: SecretsManager) -> None:
    """Octets come as base64, and there is no text then."""
    found = secrets.fetch(secret("app/bytes"))

    assert found.binary is not None
    assert (found.binary.reveal(), found.text) == ("AP9wbGFudGVk", None)


def test_an_older_version_is_found_by_stage_and_id(secrets: SecretsManager) -> None:
    """The version before the last rotation can be had by its stage, and by its id."""
    by_stage = secrets.fetch(secret("app/db", version_stage="AWSPREVIOUS"))
    by_id = secrets.fetch(secret("app/db", version_id=by_stage.version_id))

    assert text_of(by_stage) == text_of(by_id) == '{"password":"old"}'


@pytest.mark.parametrize("options", [{}, {"version_stage": "NONE"}])
def test_what_does_not_exist_is_refused(secrets: SecretsManager, options: dict[str, str]) -> None:
    """The message names the reference, and what to check."""
    query = secret("app/db" if options else "app/nothing", **options)

    with pytest.raises(Refused, match=r"\(GetSecretValue in eu-west-1\): .*check the name and the region$") as caught:
        secrets.fetch(query)
    assert caught.value.message.startswith(query.label)
    assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 400)


def test_a_batch_is_matched_back(secrets: SecretsManager, service: Service) -> None:
    """Name, ARN and partial ARN each get their secret; what is missing gets its error."""
    arn = service.arns["app/db"]
    queries = [secret("app/bytes"), secret("app/db"), secret(arn), secret(arn[:-7]), secret("app/nothing")]

    found = secrets.fetch_batch(queries)

    assert list(found) == queries
    assert [text_of(found[query]) for query in queries[1:4]] == [VALUE] * 3
    assert isinstance(found[queries[0]], Secret)
    missing = found[queries[4]]
    assert isinstance(missing, Refused)
    assert missing.code == "ResourceNotFoundException"


def test_versions_are_described(secrets: SecretsManager) -> None:
    """The stages tell which version is current, without fetching it."""
    rotation = secrets.describe(secret("app/db"))

    assert rotation.version_of("AWSCURRENT") == secrets.fetch(secret("app/db")).version_id
    assert rotation.version_of("AWSPENDING") is None


def test_a_denied_secret_of_a_batch_does_not_take_the_others_along(fake: FakeAws, fake_secrets: SecretsManager) -> None:
    """Each secret of a batch has its own word."""
    fake.deny("secretsmanager:GetSecretValue", "app/bytes")

    found = fake_secrets.fetch_batch([secret("app/db"), secret("app/bytes")])

    denied = found[secret("app/bytes")]
    assert isinstance(denied, Refused)
    assert "allow it in the policy" in denied.message
    assert text_of(found[secret("app/db")]) == VALUE


def test_a_denied_batch_is_named(fake: FakeAws, fake_secrets: SecretsManager) -> None:
    """What is missing from the policy stands in the message."""
    fake.deny("secretsmanager:BatchGetSecretValue")

    with pytest.raises(Refused, match="secretsmanager:BatchGetSecretValue"):
        fake_secrets.fetch_batch([secret("app/db")])


def test_a_denied_description_is_named(fake: FakeAws, fake_secrets: SecretsManager) -> None:
    """Describing is a permission of its own."""
    fake.deny("secretsmanager:DescribeSecret")

    with pytest.raises(Refused, match="secretsmanager:DescribeSecret"):
        fake_secrets.describe(secret("app/db"))


def test_a_batch_is_tried_once() -> None:
    """A throttled batch is not tried again: its quota is small, and single calls are there."""
    caller = Recorder(Throttled("slow down"))

    with pytest.raises(Throttled):
        SecretsManager(caller, "eu-west-1").fetch_batch([secret("a"), secret("a"), secret("b")])
    assert caller.calls == [
        ("BatchGetSecretValue", {"SecretIdList": ["a", "b"]}, {"attempts": 1, "region": "eu-west-1"}),
    ]


def brought(*arns: str, errors: tuple[str, ...] = ()) -> Recorder:
    """Return a caller whose batch brings secrets called `db` (or by their ARN's end), and errors."""
    values = [{"ARN": arn, "Name": arn.rpartition(":")[2][:-7], "SecretString": arn} for arn in arns]
    return Recorder({"SecretValues": values, "Errors": [{"SecretId": name, "ErrorCode": "Gone"} for name in errors]})


OURS = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"
THEIRS = OURS.replace("111122223333", "999988887777")
TWIN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf-XyZ123"


@pytest.mark.parametrize(
    ("caller", "asked", "expected"),
    [
        (brought(THEIRS, OURS), [THEIRS, OURS], {THEIRS: THEIRS, OURS: OURS}),
        (brought(THEIRS, OURS), [THEIRS, "db"], {THEIRS: THEIRS}),
        (brought(THEIRS, errors=("db",)), [THEIRS, "db"], {THEIRS: THEIRS, "db": "Gone"}),
        (brought(TWIN, OURS), [OURS, "db-AbCdEf"], {OURS: OURS, "db-AbCdEf": TWIN}),
        (brought(TWIN, errors=(OURS,)), [OURS, "db-AbCdEf"], {OURS: "Gone", "db-AbCdEf": TWIN}),
        (brought(OURS, OURS), [OURS, "db", OURS[:-7]], {OURS: OURS, "db": OURS, OURS[:-7]: OURS}),
        (brought(), ["db"], {}),
    ],
)
def test_a_batch_is_matched_back_without_guessing(caller: Recorder, asked: list[str], expected: dict[str, str]) -> None:
    """Another account's secret of the same name, or one whose name looks like an ARN's end, is nobody else's value."""
    found = SecretsManager(caller, "eu-west-1").fetch_batch([secret(identifier) for identifier in asked])
    assert {query.id: each.arn if isinstance(each, Secret) else each.code for query, each in found.items()} == expected


@pytest.mark.parametrize(
    ("query", "region"),
    [
        (secret("app/db"), "eu-west-1"),
        (secret(ARN), "eu-central-1"),
        (secret(ARN).replace(regions=("us-east-1", "us-east-2")), "us-east-1"),
    ],
)
def test_region_is_the_querys_then_the_arns_then_ours(query: Query, region: str) -> None:
    """The nearest word on the region counts."""
    assert region_of(query, "eu-west-1") == region


def test_role_region_and_timeout_go_along() -> None:
    """The caller's region and timeout win over those of the source."""
    role = "arn:aws:iam::123456789012:role/r"
    caller = Recorder({"ARN": ARN, "Name": "app/db", "SecretString": "x"})
    source = SecretsManager(caller, "eu-west-1", timeout_seconds=7.0)

    queries = [secret("app/db", role_arn=role), secret("app/db")]

    source.fetch(queries[0])
    source.fetch(queries[1], region="us-east-1", timeout_seconds=3.0)

    assert [options for _, _, options in caller.calls] == [
        {"about": queries[0].label, "region": "eu-west-1", "role_arn": role, "timeout_seconds": 7.0},
        {"about": queries[1].label, "region": "us-east-1", "timeout_seconds": 3.0},
    ]


def test_an_answer_without_a_secret_is_broken() -> None:
    """A 200 that holds no secret is no answer."""
    with pytest.raises(Unreachable, match="the answer holds no secret"):
        parse_secret({"SecretString": "planted"}, secret("app/db"))


def test_rotation_is_read() -> None:
    """Date, window and stages come out of DescribeSecret's answer."""
    fields = {
        "NextRotationDate": 1_800_000_000.0,
        "RotationRules": {"AutomaticallyAfterDays": 30, "Duration": "3h"},
        "VersionIdsToStages": {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT", "AWSPENDING"]},
    }

    assert parse_rotation(fields) == Rotation(
        next_at=1_800_000_000.0,
        window_seconds=10_800.0,
        versions=(("AWSCURRENT", "v2"), ("AWSPENDING", "v2"), ("AWSPREVIOUS", "v1")),
    )


def test_a_secret_that_never_rotates_has_no_dates() -> None:
    """Every field of DescribeSecret's answer may be absent."""
    assert parse_rotation({}) == Rotation()


def test_what_is_to_be_deleted_has_no_version_that_counts() -> None:
    """DescribeSecret still lists versions then, but GetSecretValue refuses: the value must be asked for."""
    fields = {"VersionIdsToStages": {"v1": ["AWSCURRENT"]}, "DeletedDate": 1.7e9}

    assert parse_rotation(fields).versions == ()


@pytest.mark.parametrize(("duration", "seconds"), [("3h", 10_800.0), ("", 0.0), ("h", 0.0), ("3m", 0.0), ("-3h", 0.0)])
def test_window_is_in_hours(duration: str, seconds: float) -> None:
    """A window that is not written in hours is no window."""
    assert window_seconds(duration) == seconds
