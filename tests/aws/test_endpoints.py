"""Endpoints, against botocore's own rule sets for every region it knows."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

from extension.aws.endpoints import EndpointSettings, host_of, resolve
from extension.core.errors import Refused
from extension.upstream.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTITIONS: Any = Loader().load_data("partitions")
KNOWN = [region for one in PARTITIONS["partitions"] for region in one["regions"] if not region.endswith("-global")]
REGIONS = [*KNOWN, "eu-future-9"]


@cache
def rules(service: str) -> EndpointProvider:
    """Return botocore's rule set for a service."""
    return EndpointProvider(Loader().load_service_model(service, "endpoint-rule-set-1"), PARTITIONS)


@pytest.mark.parametrize(
    ("service", "fips", "dualstack"), list(product(("secretsmanager", "ssm", "sts"), (False, True), (False, True)))
)
def test_hosts_are_botocores(service: str, fips: bool, dualstack: bool) -> None:
    """Plain, FIPS and dual-stack hosts are those of AWS's rules, for every known region and one unknown."""
    ours = {region: f"https://{host_of(service, region, fips=fips, dualstack=dualstack)}" for region in REGIONS}

    resolve_endpoint = rules(service).resolve_endpoint
    assert ours == {
        region: resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack).url for region in REGIONS
    }


def settings(environment: Mapping[str, str]) -> EndpointSettings:
    """Return the settings of an environment that has no problems."""
    found, problems = EndpointSettings.from_env(environment)
    assert problems == ()
    return found


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({}, "ssm.eu-west-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "TRUE"}, "ssm-fips.eu-west-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "ssm.eu-west-1.api.aws"),
        ({"AWS_USE_FIPS_ENDPOINT": "false"}, "ssm.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "https://all.example"}, "all.example"),
        ({"AWS_ENDPOINT_URL": "https://all.example", "AWS_ENDPOINT_URL_SSM": "https://ssm.example"}, "ssm.example"),
        ({"AWS_ENDPOINT_URL": "https://all.example", "AWS_ENDPOINT_URL_STS": "https://sts.example"}, "all.example"),
        ({"AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://sm.example"}, "ssm.eu-west-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "https://all.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "ssm.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_environment_chooses_the_host(environment: dict[str, str], host: str) -> None:
    """The service's own override wins over the one for all, and either over the rules."""
    assert resolve("ssm", "eu-west-1", settings(environment)).origin == Origin(scheme="https", host=host, port=443)


def test_override_may_have_a_path() -> None:
    """A gateway in front of AWS may live below a path."""
    endpoint = resolve("sts", "eu-west-1", settings({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:4566/aws"}))

    assert (endpoint.origin.port, endpoint.path) == (4566, "/aws")


def test_every_unusable_override_is_reported_by_its_name() -> None:
    """A URL that cannot be used is named, not repeated, and the rules stand in."""
    found, problems = EndpointSettings.from_env(
        {"AWS_ENDPOINT_URL": "ftp://planted", "AWS_ENDPOINT_URL_SSM": "https://planted/?x"}
    )

    assert [problem.partition(" ")[0] for problem in problems] == ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"]
    assert "planted" not in "".join(problems)
    assert resolve("ssm", "eu-west-1", found).origin.host == "ssm.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("region", ["", "eu-west-1.evil.example/", "EU", "eu west", "a@b"])
def test_a_region_that_is_none_never_becomes_a_host(region: str) -> None:
    """What stands where an ARN has its region must not choose another host."""
    with pytest.raises(Refused, match="AWS_REGION"):
        resolve("ssm", region, EndpointSettings())
