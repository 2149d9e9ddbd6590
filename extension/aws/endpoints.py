"""Endpoints: from service and region to the host that answers, by AWS's own rules.

Law: pure; a region becomes part of a host name, so it is checked before. An override (`AWS_ENDPOINT_URL…`) changes
where a request goes, never what it is signed for.
"""

from __future__ import annotations

from extension.core.errors import Refused
from extension.core.record import Record
from extension.upstream.origin import Origin, parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTITIONS = (
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("", "amazonaws.com", "api.aws"),
)
"""Prefix of the regions, suffix of the hosts, and the same for IPv4 and IPv6 alike."""

_FIPS_BY_DEFAULT = ("ssm", "sts")
"""Services whose plain hosts are FIPS hosts in us-gov regions."""

_DUALSTACK_BY_DEFAULT = (("amazonaws.com", False), ("amazonaws.com", True), ("amazonaws.com.cn", False))
"""Suffixes, without and with FIPS, where Secrets Manager's plain hosts answer over IPv6 as well."""

_OVERRIDES = {
    "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "ssm": "AWS_ENDPOINT_URL_SSM",
    "sts": "AWS_ENDPOINT_URL_STS",
}
_REGION = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Endpoint(Record):
    """Where to send a request."""

    origin: Origin
    path: str = "/"


class EndpointSettings(Record):
    """What the environment says of endpoints."""

    fips: bool = False
    dualstack: bool = False
    overrides: Mapping[str, Endpoint] = {}

    @staticmethod
    def from_env(environment: Mapping[str, str]) -> tuple[EndpointSettings, tuple[str, ...]]:
        """Return the settings and a sentence for each value that cannot be used."""
        overrides, problems = {}, []
        ignored = _flag(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        for service, variable in () if ignored else _OVERRIDES.items():
            name = variable if environment.get(variable) else "AWS_ENDPOINT_URL"
            try:
                if environment.get(name):
                    origin, path = parse_url(environment[name])
                    overrides[service] = Endpoint(origin=origin, path=path)
            except ValueError as error:
                problems.append(f"{name} is not used: {error}")
        fips, dualstack = _flag(environment, "AWS_USE_FIPS_ENDPOINT"), _flag(environment, "AWS_USE_DUALSTACK_ENDPOINT")
        return EndpointSettings(fips=fips, dualstack=dualstack, overrides=overrides), tuple(dict.fromkeys(problems))


def resolve(service: str, region: str, settings: EndpointSettings) -> Endpoint:
    """Return the endpoint of `service` (secretsmanager, ssm, sts) in `region`; Refused for what is no region."""
    if not region or not _REGION.issuperset(region):
        msg = "no region to ask: set AWS_REGION, or name one in the reference, as region=eu-west-1"
        raise Refused(msg, code="InvalidRegion")
    if service in settings.overrides:
        return settings.overrides[service]
    host = host_of(service, region, fips=settings.fips, dualstack=settings.dualstack)
    return Endpoint(origin=Origin(scheme="https", host=host, port=443))


def host_of(service: str, region: str, *, fips: bool, dualstack: bool) -> str:
    """Return the host by AWS's endpoint rules."""
    suffixes = next(suffixes for prefix, *suffixes in _PARTITIONS if region.startswith(prefix))
    plain_is_fips = region.startswith("us-gov-") and service in _FIPS_BY_DEFAULT and not dualstack
    name = f"{service}-fips" if fips and not plain_is_fips else service
    plain_is_dual = service == "secretsmanager" and (suffixes[0], fips) in _DUALSTACK_BY_DEFAULT
    return f"{name}.{region}.{suffixes[dualstack and not plain_is_dual]}"


def _flag(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").strip().lower() == "true"
