"""Identity: which names one value has, and above all which it has not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.identity import Home, account_told_by, arn_part, id_in, other_names, partial_arn
from extension.core.model import ParameterTree, Query
from tests.samples import OTHER, OWN, parameter, parameter_query, secret, secret_arn, secret_query

ROLE = "arn:aws:iam::999988887777:role/reader"
HOME = Home(region="eu-west-1", configured={})


def ids(names: tuple[Query, ...]) -> list[str]:
    """Return the ids of queries."""
    return [name.id for name in names]


SECRET = Query(service="secretsmanager", id="a")
FOREIGN = Query(service="secretsmanager", id="arn:aws:secretsmanager:us-east-2:1:secret:a-AbCdEf")


@pytest.mark.parametrize(
    ("query", "failover", "regions"),
    [
        (Query(service="ssm", id="/a"), (), ("eu-west-1",)),
        (Query(service="ssm", id="arn:aws:ssm:us-east-2:1:parameter/a"), (), ("us-east-2",)),
        (Query(service="ssm", id="arn:aws:ssm::1:parameter/a"), (), ("eu-west-1",)),
        (SECRET, ("eu-central-1", "eu-west-1"), ("eu-west-1", "eu-central-1")),
        (SECRET.replace(regions=("us-east-1",)), ("eu-central-1",), ("us-east-1",)),
        (FOREIGN, ("us-east-2", "eu-west-1"), ("us-east-2", "eu-west-1")),
    ],
)
def test_a_query_finds_its_regions(query: Query, failover: tuple[str, ...], regions: tuple[str, ...]) -> None:
    """Its own, else its ARN's, else the default; then those to fail over to."""
    assert HOME.replace(failover=failover).resolve(query).regions == regions


@pytest.mark.parametrize("service", ["ssm", "ssm-path"])
def test_parameters_fail_over_only_where_the_reference_says_so(service: Any) -> None:
    """AWS replicates secrets, and no parameter."""
    home, query = HOME.replace(failover=("eu-central-1",)), Query(service=service, id="/a")
    both = query.replace(regions=("eu-west-1", "eu-central-1"))
    assert [home.resolve(each).regions for each in (query, both)] == [("eu-west-1",), both.regions]


def test_without_any_region_there_is_none() -> None:
    """The source says so when it is asked."""
    assert HOME.replace(region="", failover=("eu-central-1",)).resolve(Query(service="ssm", id="/a")).regions == ()


def test_the_configuration_gives_a_plain_name_its_role() -> None:
    """And to that name alone: the same secret by its ARN is not fetched with the role."""
    plain = Query(service="secretsmanager", id="prod/db")
    home = HOME.replace(configured={plain: plain.replace(role_arn=ROLE)})
    assert home.resolve(plain) == plain.replace(role_arn=ROLE, regions=("eu-west-1",))
    assert home.resolve(plain.replace(id=secret_arn())).role_arn is None
    assert home.resolve(plain.replace(version_stage="AWSPREVIOUS")).role_arn is None


@pytest.mark.parametrize(
    ("identifier", "region", "account"),
    [
        (secret_arn(), "eu-west-1", OWN),
        ("arn:aws:ssm:eu-west-1::parameter/aws/service/x", "eu-west-1", ""),
        ("prod/db", "", ""),
        ("a:b:c:d:e", "", ""),
        ("arn:aws", "", ""),
        ("", "", ""),
    ],
)
def test_reads_the_parts_of_an_arn(identifier: str, region: str, account: str) -> None:
    """A name has none, whatever colons it holds."""
    assert (arn_part(identifier, 3), arn_part(identifier, 4)) == (region, account)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("prod/db", "prod/db"),
        (secret_arn(), secret_arn().replace("eu-west-1", "us-east-2")),
        (secret_arn("x:eu-west-1:y"), secret_arn("x:eu-west-1:y").replace("eu-west-1", "us-east-2", 1)),
        ("arn:aws:ssm::1:parameter/x", "arn:aws:ssm::1:parameter/x"),
    ],
)
def test_a_replica_has_its_region_in_its_arn(identifier: str, expected: str) -> None:
    """In the one place that names it; a bare name is the same everywhere."""
    assert id_in("us-east-2", identifier) == expected


def test_our_own_secret_has_three_names() -> None:
    """The full ARN first, the partial ARN, the name."""
    names = other_names(secret_query(), secret(), OWN)
    assert ids(names) == [secret_arn(), secret_arn(suffix=""), "prod/db"]


@pytest.mark.parametrize(
    ("query", "account", "own_account"),
    [
        (secret_query(secret_arn(account=OTHER)), OTHER, OWN),
        (secret_query(secret_arn()), OWN, None),
        (secret_query(secret_arn(account="")), "", ""),
        (secret_query("prod/db", role_arn=ROLE), OTHER, None),
    ],
)
def test_a_secret_that_is_not_known_to_be_ours_has_no_bare_name(
    query: Query, account: str, own_account: str | None
) -> None:
    """Another account's, or one of we do not know whose: a bare name would be ours."""
    value = secret(arn=secret_arn(account=account))
    names = other_names(query, value, own_account)
    assert all(identifier.startswith("arn:") for identifier in ids(names))


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"version_id": "v1"}, secret()),
        ({"version_stage": "AWSPREVIOUS"}, secret()),
        ({"role_arn": ROLE}, secret()),
        ({"regions": ("us-east-1",)}, secret()),
        ({"selector": ":3"}, parameter()),
        ({"decrypt": False}, parameter()),
        ({"role_arn": ROLE}, parameter()),
    ],
)
def test_every_name_keeps_what_the_value_was_asked_by(change: dict[str, Any], value: Any) -> None:
    """A version, a role, a region or a ciphertext is never reachable as the plain value, nor the other way round."""
    query = secret_query(**change)
    names = other_names(query, value, OWN)
    assert len(names) > 1
    assert {name.replace(id="") for name in names} == {query.replace(id="")}


@pytest.mark.parametrize("name", ["db-AbCdEf", "my-secret", "a-000000", "x-ÄöüÄöü"])
def test_a_partial_arn_that_looks_whole_is_no_name(name: str) -> None:
    """AWS takes it for the full ARN of another secret, and so it may be one."""
    assert partial_arn(secret_arn(name)) is None
    assert ids(other_names(secret_query(name), secret(name), OWN)) == [secret_arn(name), name]


@pytest.mark.parametrize("name", ["prod/db", "db-AbCdE", "db-AbCdEfG", "db-Ab_dEf", "dbAbCdEfg"])
def test_other_partial_arns_are_names(name: str) -> None:
    """One random character more or less, or one that no suffix has, and it cannot be mistaken."""
    assert partial_arn(secret_arn(name)) == secret_arn(name, suffix="")


@given(st.text(min_size=1), st.text(alphabet="abAB09", min_size=6, max_size=6))
def test_no_partial_arn_is_the_full_arn_of_another_secret(name: str, suffix: str) -> None:
    """Whatever a secret is called: it shares no name with one whose full ARN ends where its own name does."""
    twin = secret(f"{name}-{suffix}")
    assert secret_arn(name, suffix=f"-{suffix}") not in ids(other_names(secret_query(twin.name), twin, OWN))


def test_our_own_parameter_has_two_names() -> None:
    """The ARN and the name."""
    assert ids(other_names(parameter_query(), parameter(), OWN)) == [parameter().arn, "/app/key"]


def test_what_a_reference_leads_to_is_no_parameter_of_its_name() -> None:
    """A secret that Parameter Store passes through answers to its own name, which a parameter may have as well."""
    query = parameter_query("/aws/reference/secretsmanager/app/key")
    assert "/app/key" not in ids(other_names(query, parameter("/app/key"), OWN))


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (parameter(account=OTHER), ["arn:aws:ssm:eu-west-1:999988887777:parameter/app/key"]),
        (parameter(account=""), ["arn:aws:ssm:eu-west-1::parameter/app/key"]),
        (parameter(arn=""), []),
        (ParameterTree(parameters=(parameter(),)), []),
    ],
)
def test_a_parameter_of_others_has_no_bare_name(value: Any, names: list[str]) -> None:
    """Shared and public ones by their ARN; a tree has no name but its path."""
    assert ids(other_names(parameter_query(), value, OWN)) == names


@pytest.mark.parametrize(
    ("query", "value", "account"),
    [
        (secret_query(), secret(), OWN),
        (parameter_query(), parameter(), OWN),
        (parameter_query("/aws/service/x"), parameter("/aws/service/x", account=""), None),
        (secret_query(secret_arn(account=OTHER)), secret(arn=secret_arn(account=OTHER)), None),
        (secret_query(role_arn=ROLE), secret(arn=secret_arn(account=OTHER)), None),
        (Query(service="ssm-path", id="/app/"), ParameterTree(parameters=()), None),
    ],
)
def test_a_bare_name_tells_our_account(query: Query, value: Any, account: str | None) -> None:
    """Only a fetch with our own credentials and by a name does; public parameters belong to nobody."""
    assert account_told_by(query, value) == account
