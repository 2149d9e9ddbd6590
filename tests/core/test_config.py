"""The configuration file: wishes, problems by their place, and the rules made from both."""

from __future__ import annotations

import pytest

from extension.core.config import Wish, parse_config, rules
from extension.core.identity import Home
from extension.core.model import Query
from extension.core.policy import Freshness
from extension.core.reference import parse_reference
from extension.core.settings import Settings
from tests.samples import PLANTED

ROLE = "arn:aws:iam::123456789012:role/reader"
FULL = f"""
[prefetch."secretsmanager://prod/db"]
ttl = 600
max_stale = 86400
required = true
role = "{ROLE}"
region = ["eu-west-1", "eu-central-1"]

[prefetch."ssm:///app/key"]
"""


def test_reads_every_key() -> None:
    """Times, required, role and regions; an empty table is a plain wish."""
    wishes, problems = parse_config(FULL)
    first = parse_reference("secretsmanager://prod/db")
    configured = first.query.replace(role_arn=ROLE, regions=("eu-west-1", "eu-central-1"))
    assert problems == ()
    assert wishes == (
        Wish(reference=first, ttl=600, max_stale=86400, required=True, configured=configured),
        Wish(reference=parse_reference("ssm:///app/key")),
    )


@pytest.mark.parametrize(
    ("line", "regions", "role"),
    [
        ('region = "eu-west-1"', ("eu-west-1",), "arn:aws:iam::123456789012:role/old"),
        ('region = "eu-west-1,eu-central-1"', ("eu-west-1", "eu-central-1"), "arn:aws:iam::123456789012:role/old"),
        (f'role = "{ROLE}"', ("us-east-1",), ROLE),
    ],
)
def test_what_the_table_leaves_out_the_reference_says(line: str, regions: tuple[str, ...], role: str) -> None:
    """Region and role of the table count before those of the reference."""
    name = "ssm:///a?region=us-east-1&roleArn=arn:aws:iam::123456789012:role/old"
    wishes, problems = parse_config(f'[prefetch."{name}"]\n{line}')
    assert problems == ()
    assert wishes[0].configured is not None
    assert (wishes[0].configured.regions, wishes[0].configured.role_arn) == (regions, role)


TTL = "is a whole number of seconds from 0 to 604800"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ttl = -1", f"ttl {TTL}"),
        ("ttl = 1.5", f"ttl {TTL}"),
        ("ttl = true", f"ttl {TTL}"),
        ('ttl = "60"', f"ttl {TTL}"),
        ("max_stale = 604801", f"max_stale {TTL}"),
        ('required = "yes"', "required is true or false"),
        ("role = 5", "role is a text, region a text or a list of texts"),
        ("region = 5", "role is a text, region a text or a list of texts"),
        ("region = [5]", "role is a text, region a text or a list of texts"),
        ('region = "mars"', "region is one region or several with commas, as eu-west-1,eu-central-1"),
        ('role = "me"', "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"),
        ("tll = 5", "a reference has the keys ttl, max_stale, required, role, region and no others"),
    ],
)
def test_a_wrong_entry_is_named_by_its_place_and_the_others_count(line: str, said: str) -> None:
    """The second table is wrong; the first and the third are wishes."""
    text = f'[prefetch."ssm:///a"]\n[prefetch."ssm:///b"]\n{line}\n[prefetch."ssm:///c"]'
    wishes, problems = parse_config(text)
    assert [wish.reference.text for wish in wishes] == ["ssm:///a", "ssm:///c"]
    assert problems == (f"SIDEKEY_CONFIG, [prefetch] table 2: {said}",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[prefetch", "SIDEKEY_CONFIG is not TOML: "),
        ("x = " + "9" * 5000, "SIDEKEY_CONFIG is not TOML: "),
        ("x = " + "[" * 5000, "SIDEKEY_CONFIG is not TOML: "),
        ("prefetch = 5", 'SIDEKEY_CONFIG: [prefetch."<reference>"] has one table for each reference'),
        ('[prefetch]\n"ssm:///a" = 5', "SIDEKEY_CONFIG, [prefetch] table 1: a reference has the keys ttl,"),
        ("[cache]", "SIDEKEY_CONFIG: unknown table cache; there is [prefetch]"),
        (f'[prefetch."{PLANTED}"]', "SIDEKEY_CONFIG, [prefetch] table 1: a reference starts with one of"),
    ],
)
def test_no_text_is_more_than_a_problem(text: str, problem: str) -> None:
    """Broken TOML, numbers and nesting beyond Python's limits, tables of other shapes: each is a sentence."""
    wishes, problems = parse_config(text)
    assert wishes == ()
    assert problems[0].startswith(problem)
    assert PLANTED not in problems[0]


def test_a_wish_is_resolved_like_a_request() -> None:
    """Its query has the configured role and regions, so that a request for the plain name finds it."""
    wishes, _ = parse_config(FULL)
    assert wishes[0].configured is not None
    home = Home(region="us-east-1", configured={wishes[0].reference.query: wishes[0].configured})
    resolved = [wish.resolved(home).reference.query for wish in wishes]
    assert resolved == [wishes[0].configured, wishes[1].reference.query.replace(regions=("us-east-1",))]


def freshness(query: Query, wishes: tuple[Wish, ...]) -> Freshness:
    """Return what the rules of an environment and `wishes` say of `query`."""
    settings, _ = Settings.from_env(
        {"SECRETS_MANAGER_TTL": "60", "SSM_PARAMETER_STORE_TTL": "30", "SIDEKEY_MAX_STALE": "9"}
    )
    return rules(settings, wishes).freshness_of(query)


def secret(name: str) -> Query:
    """Return a secret's query."""
    return Query(service="secretsmanager", id=name)


@pytest.mark.parametrize(
    ("query", "ttl", "max_stale"),
    [
        (secret("plain"), 60, 9),
        (secret("own"), 0, 9),
        (secret("stale"), 60, 0),
        (Query(service="ssm", id="/a"), 30, 9),
        (Query(service="ssm-path", id="/a"), 7, 8),
    ],
)
def test_rules_are_the_services_unless_a_wish_has_its_own(query: Query, ttl: float, max_stale: float) -> None:
    """A zero is a choice too, and not mistaken for none."""
    wishes = (
        Wish(reference=parse_reference("secretsmanager://own"), ttl=0),
        Wish(reference=parse_reference("secretsmanager://stale"), max_stale=0),
        Wish(reference=parse_reference("ssm-path:///a?recursive=false"), ttl=7, max_stale=8),
    )
    assert freshness(query, wishes) == Freshness(ttl_seconds=ttl, max_stale_seconds=max_stale)


@pytest.mark.parametrize(
    ("names", "ttl", "max_stale"),
    [
        (["plain", "other"], 60, 9),
        (["plain", "long"], 600, 9),
        (["long", "short"], 5, 8),
        (["short", "long"], 5, 8),
    ],
)
def test_a_value_of_several_names_lives_by_the_strictest_of_their_own_rules(
    names: list[str], ttl: float, max_stale: float
) -> None:
    """Whichever of them it is read by first; the service's rule counts where none has its own."""
    wishes = (
        Wish(reference=parse_reference("secretsmanager://long"), ttl=600),
        Wish(reference=parse_reference("secretsmanager://short"), ttl=5, max_stale=8),
    )
    settings, _ = Settings.from_env({"SECRETS_MANAGER_TTL": "60", "SIDEKEY_MAX_STALE": "9"})
    found = rules(settings, wishes).strictest([secret(name) for name in names])
    assert found == Freshness(ttl_seconds=ttl, max_stale_seconds=max_stale)
