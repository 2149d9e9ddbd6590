"""Parameter Store as a source: one contract, held by our own fake and by moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.errors import Refused, Throttled, TimedOut, Unreachable, UpstreamError
from extension.core.model import Parameter, Query
from extension.sources.parameterstore import ParameterStore, parse_parameter
from tests.sources.recorder import Recorder

if TYPE_CHECKING:
    from tests.servers.fake_aws import FakeAws
    from tests.sources.conftest import Service

REFERENCE = "/aws/reference/secretsmanager/app/db"
FIELDS = {"Name": "/app/key", "Type": "String", "Value": "planted"}


def parameter(identifier: str, selector: str | None = None, **options: bool) -> Query:
    """Return the query for a parameter."""
    return Query(service="ssm", id=identifier, selector=selector, **options)


def path(identifier: str, *, recursive: bool = True) -> Query:
    """Return the query for all below a path."""
    return Query(service="ssm-path", id=identifier, recursive=recursive)


def value_of(found: Parameter | UpstreamError | None) -> str:
    """Return a parameter's value, or the code of its error."""
    return str(found.value and found.value.reveal()) if isinstance(found, Parameter) else f"{found and found.code}"


def test_a_parameter_comes_whole(parameters: ParameterStore, service: Service) -> None:
    """Value, type, version, date and ARN arrive; the value does not show."""
    found = parameters.fetch(parameter("/app/key"))

    assert (found.arn, found.name, found.version) == (service.arns["/app/key"], "/app/key", 2)
    assert (found.type, found.data_type, found.selector) == ("SecureString", "text", None)
    assert isinstance(found.modified_at, float)
    assert value_of(found) == "planted two"
    assert "planted" not in repr(found)


@pytest.mark.parametrize("name", ["/app/key", "plain"])
def test_a_parameter_is_found_by_its_arn(parameters: ParameterStore, service: Service, name: str) -> None:
    """The ARN names the same parameter, singly and in a batch."""
    query = parameter(service.arns[name])

    assert parameters.fetch(query).name == name
    assert isinstance(parameters.fetch_batch([query, parameter("/app/many/00")])[query], Parameter)


def test_a_selector_chooses_the_version(parameters: ParameterStore) -> None:
    """An older version can be had, and says by what it was asked."""
    found = parameters.fetch(parameter("/app/key", ":1"))

    assert (value_of(found), found.selector, found.name) == ("planted one", ":1", "/app/key")


@pytest.mark.parametrize("query", [parameter("/app/nothing"), parameter("/app/key", ":9")])
def test_what_does_not_exist_is_refused(parameters: ParameterStore, query: Query) -> None:
    """The message names the reference with its selector."""
    with pytest.raises(Refused, match=rf"^{query.label} ") as caught:
        parameters.fetch(query)
    assert (caught.value.code.startswith("Parameter"), caught.value.status) == (True, 400)


def test_a_batch_is_matched_back(parameters: ParameterStore) -> None:
    """Each of ten gets its value or its error."""
    queries = [parameter(name) for name in ("/app/many/01", "/app/nothing", "/app/key", "plain", "/app/many/02")]

    found = parameters.fetch_batch(queries)

    assert list(found) == queries
    assert [value_of(found[query]) for query in queries] == [
        "planted 1",
        "ParameterNotFound",
        "planted two",
        "planted plain",
        "planted 2",
    ]


def test_a_path_comes_with_all_its_pages(parameters: ParameterStore) -> None:
    """Twenty-three parameters, and the one below them, in pages of ten."""
    found = parameters.fetch_path(path("/app/many/")).parameters

    assert sorted(one.name for one in found) == [
        *(f"/app/many/{number:02}" for number in range(23)),
        "/app/many/below/deep",
    ]


def test_a_path_need_not_be_recursive(parameters: ParameterStore) -> None:
    """Without recursion only the level itself comes."""
    assert len(parameters.fetch_path(path("/app/many/", recursive=False)).parameters) == 23


def test_an_empty_path_is_an_empty_tree(parameters: ParameterStore) -> None:
    """A path without parameters is no error."""
    assert parameters.fetch_path(path("/app/none/")).parameters == ()


def test_versions_of_one_parameter_do_not_mix(fake_parameters: ParameterStore) -> None:
    """In one batch the plain name and two selectors of it get each their own."""
    queries = [parameter("/app/key", ":1"), parameter("/app/key"), parameter("/app/key", ":2")]

    found = fake_parameters.fetch_batch(queries)

    assert [value_of(found[query]) for query in queries] == ["planted one", "planted two", "planted two"]


def test_one_denied_does_not_take_the_others_along(fake: FakeAws, fake_parameters: ParameterStore) -> None:
    """AWS refuses all ten where one is denied; asked for singly, nine are there."""
    fake.deny("ssm:GetParameters", "plain")
    fake.deny("ssm:GetParameter", "plain")

    found = fake_parameters.fetch_batch([parameter("plain"), parameter("/app/key")])

    assert value_of(found[parameter("plain")]) == "AccessDeniedException"
    assert value_of(found[parameter("/app/key")]) == "planted two"


@pytest.mark.parametrize("denied", ["ssm:GetParameter", "ssm:GetParameters"])
def test_either_permission_suffices(fake: FakeAws, fake_parameters: ParameterStore, denied: str) -> None:
    """Policies made for AWS's extension allow ssm:GetParameter, others ssm:GetParameters."""
    fake.deny(denied)

    assert value_of(fake_parameters.fetch(parameter("/app/key"))) == "planted two"
    assert list(map(value_of, fake_parameters.fetch_batch([parameter("plain"), parameter("/app/key")]).values())) == [
        "planted plain",
        "planted two",
    ]


def test_without_either_permission_both_are_named(fake: FakeAws, fake_parameters: ParameterStore) -> None:
    """The message says what to allow."""
    fake.deny("ssm:GetParameter")
    fake.deny("ssm:GetParameters")

    with pytest.raises(Refused, match=r"ssm:GetParameter or ssm:GetParameters, either will do"):
        fake_parameters.fetch(parameter("/app/key"))


def test_what_the_second_way_says_counts(fake: FakeAws, fake_parameters: ParameterStore) -> None:
    """With ssm:GetParameters alone, a missing parameter is missing and not denied."""
    fake.deny("ssm:GetParameter")

    with pytest.raises(Refused) as caught:
        fake_parameters.fetch(parameter("/app/nothing"))
    assert caught.value.code == "ParameterNotFound"


def test_references_to_secrets_go_alone(fake: FakeAws, fake_parameters: ParameterStore) -> None:
    """A name below /aws/reference/ is asked for by GetParameter, the rest of its batch together."""
    fake.put_parameter(REFERENCE, "planted", "SecureString")

    found = fake_parameters.fetch_batch([parameter(REFERENCE), parameter("plain"), parameter("/app/key")])

    assert sorted(map(value_of, found.values())) == ["planted", "planted plain", "planted two"]
    assert sorted(fake.calls) == ["GetParameter", "GetParameters"]


def test_a_denied_reference_has_no_second_way(fake: FakeAws, fake_parameters: ParameterStore) -> None:
    """References need ssm:GetParameter."""
    fake.deny("ssm:GetParameter")

    with pytest.raises(Refused, match="ssm:GetParameter on"):
        fake_parameters.fetch(parameter(REFERENCE))
    assert fake.calls == ["GetParameter"]


def test_a_denied_path_is_refused(fake: FakeAws, fake_parameters: ParameterStore) -> None:
    """The message names the permission."""
    fake.deny("ssm:GetParametersByPath")

    with pytest.raises(Refused, match="ssm:GetParametersByPath"):
        fake_parameters.fetch_path(path("/app/"))


def test_what_passes_by_itself_is_not_asked_for_singly() -> None:
    """A throttled batch of ten does not become ten calls."""
    caller = Recorder(Throttled("slow down"))

    with pytest.raises(Throttled):
        ParameterStore(caller, "eu-west-1").fetch_batch([parameter("a"), parameter("b")])
    assert len(caller.calls) == 1


def test_pages_without_end_are_cut_off() -> None:
    """A service that always has a next page is not followed for ever."""
    caller = Recorder({"Parameters": [], "NextToken": "again"})

    with pytest.raises(Refused, match="more than 5000 parameters") as caught:
        ParameterStore(caller, "eu-west-1").fetch_path(path("/"))
    assert (caught.value.code, len(caller.calls)) == ("TooManyParameters", 500)


def test_decryption_and_options_go_along() -> None:
    """Each call says whether to decrypt, where, and for how long."""
    caller = Recorder({"Parameter": FIELDS}, {"Parameters": [FIELDS]}, {"Parameters": []})
    source = ParameterStore(caller, "eu-west-1", timeout_seconds=7.0)

    hidden = parameter("/app/key", ":3", decrypt=False)

    source.fetch(hidden)
    source.fetch_batch([parameter("/app/key"), parameter("b")], region="us-east-1", timeout_seconds=3.0)
    source.fetch_path(path("/app/"))

    assert caller.calls == [
        (
            "GetParameter",
            {"Name": "/app/key:3", "WithDecryption": False},
            {"about": hidden.label, "region": "eu-west-1", "timeout_seconds": 7.0},
        ),
        (
            "GetParameters",
            {"Names": ["/app/key", "b"], "WithDecryption": True},
            {"region": "us-east-1", "timeout_seconds": 3.0},
        ),
        (
            "GetParametersByPath",
            {"Path": "/app/", "Recursive": True, "WithDecryption": True, "MaxResults": 10},
            {"about": "ssm-path:///app/", "region": "eu-west-1", "timeout_seconds": 7.0},
        ),
    ]


def test_pages_share_one_timeout() -> None:
    """A path of many slow pages takes no longer than any other call."""
    caller = Recorder({"Parameters": [], "NextToken": "again"})
    caller.clock.step = 3.0

    with pytest.raises(TimedOut, match="ssm-path:///app/: no answer within 10 s"):
        ParameterStore(caller, "eu-west-1").fetch_path(path("/app/"))
    assert [options["timeout_seconds"] for _, _, options in caller.calls] == [7.0, 4.0, 1.0]


def test_a_source_result_is_hidden() -> None:
    """What a reference brings from Secrets Manager holds the secret, and does not show."""
    found = parse_parameter(FIELDS | {"SourceResult": '{"secretString":"planted"}'}, parameter(REFERENCE))

    assert found.source_result is not None
    assert "planted" in found.source_result.reveal()
    assert "planted" not in repr(found)


def test_an_answer_without_a_parameter_is_broken() -> None:
    """A 200 that holds no parameter is no answer."""
    with pytest.raises(Unreachable, match="the answer holds no parameter"):
        parse_parameter({"Name": "/app/key"}, parameter("/app/key"))


def test_a_reference_to_octets_has_no_value() -> None:
    """Parameter Store gives null, which is not the text of that name."""
    assert parse_parameter(FIELDS | {"Value": None}, parameter(REFERENCE)).value is None


OURS = "arn:aws:ssm:eu-west-1:111122223333:parameter/app/key"
THEIRS = OURS.replace("111122223333", "999988887777")


@pytest.mark.parametrize(
    ("brought", "unknown", "asked", "expected"),
    [
        ([THEIRS, OURS], [], [THEIRS, OURS], {THEIRS: THEIRS, OURS: OURS}),
        ([THEIRS, OURS], [], [THEIRS, "/app/key"], {THEIRS: THEIRS, "/app/key": "single"}),
        ([THEIRS], ["/app/key"], [THEIRS, "/app/key"], {THEIRS: THEIRS, "/app/key": "ParameterNotFound"}),
        ([OURS], [], [OURS, "/app/key"], {OURS: OURS, "/app/key": OURS}),
    ],
)
def test_ten_are_matched_back_without_guessing(
    brought: list[str], unknown: list[str], asked: list[str], expected: dict[str, str]
) -> None:
    """Another account's parameter of the same name is nobody else's value: what is not clear is asked for singly."""
    together = {"Parameters": [FIELDS | {"ARN": arn} for arn in brought], "InvalidParameters": unknown}
    caller = Recorder(together, {"Parameter": FIELDS | {"ARN": "single"}})
    found = ParameterStore(caller, "eu-west-1").fetch_batch([parameter(identifier) for identifier in asked])
    assert {
        query.id: each.arn if isinstance(each, Parameter) else each.code for query, each in found.items()
    } == expected
