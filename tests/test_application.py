"""The application: what a request gets, at once or later, exactly once, and never with a word too many."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension import application as subject
from extension.application import Application, render
from extension.core.answer import Answer
from extension.core.config import Wish
from extension.core.errors import Refused, Throttled, Unavailable
from extension.core.identity import Home
from extension.core.model import ParameterTree, Query, Sensitive
from extension.core.reference import parse_reference
from extension.core.routes import Operation
from extension.memo import Memo
from extension.prefetch import Prefetch
from tests.samples import (
    PLANTED,
    TOKEN,
    entry,
    parameter,
    parameter_query,
    request,
    secret,
    secret_arn,
    secret_query,
)
from tests.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.wire import Response

DOWN = Unavailable("prod/db: down")
DENIED = Refused("prod/db: denied", code="AccessDeniedException")
SECRET = b"/secretsmanager/get?secretId=prod/db"


class Renewal:
    """Says whether it asks for newer tokens, and keeps what is to be called then."""

    def __init__(self, *, asks: bool) -> None:
        """Ask, or know already."""
        self.asks = asks
        self.then: list[Callable[[], None]] = []

    def request(self, then: Callable[[], None]) -> bool:
        """Take what is to be called; whoever looks again is told that nothing newer is to be had."""
        self.then.append(then)
        asks, self.asks = self.asks, False
        return asks


class Desk:
    """An application on a workbench; late responses gather in `late`."""

    def __init__(self, *wishes: str, shape: str = "extension", renewal: Renewal | None = None) -> None:
        """Let `/app/key` and `/app/` be Parameter Store's."""
        self.bench = Workbench()
        self.bench.upstream |= {"/app/key": parameter(), "/app/": ParameterTree(parameters=(parameter(),))}
        self.late: list[Response] = []
        self.tokens: tuple[bytes, ...] = (TOKEN,)
        home = Home(region="eu-west-1", configured={})
        wanted = tuple(Wish(reference=parse_reference(wish)).resolved(home) for wish in wishes)
        self.prefetch = Prefetch(self.bench.store, wanted, self.bench.report)
        self.application = Application(
            self.bench.store,
            home,
            self.prefetch,
            shape=shape,  # type: ignore[arg-type]
            tokens=lambda: self.tokens,
            memo=Memo(),
            renewal=renewal,  # type: ignore[arg-type]
        )

    def ask(self, target: bytes, method: bytes = b"GET", **headers: bytes) -> Response | None:
        """Ask now."""
        return self.application.answer(request(target, method, **headers), self.bench.clock(), self.late.append)

    def got(self, target: bytes, method: bytes = b"GET", **headers: bytes) -> Response:
        """Ask, run what waits, and return the one response."""
        response = self.ask(target, method, **headers)
        self.bench.run()
        late, self.late = self.late, []
        (only,) = [*([response] if response else []), *late]
        return only


def shown(response: Response) -> tuple[int, Any]:
    """Return status and JSON body."""
    return response.status, json.loads(response.body)


def headers(response: Response) -> dict[str, str]:
    """Return the response's own headers."""
    return dict(response.headers)


def test_a_miss_comes_later_and_a_hit_at_once() -> None:
    """The same bytes, but for how they came."""
    desk = Desk()
    assert desk.ask(SECRET) is None
    desk.bench.run()
    hit = desk.ask(SECRET)
    assert hit is not None
    assert (desk.late[0].status, hit.status, hit.body) == (200, 200, desk.late[0].body)
    assert (headers(desk.late[0])["X-Sidekey-Cache"], headers(hit)["X-Sidekey-Cache"]) == ("miss", "hit")
    assert (desk.late[0].lease, hit.lease) == (None, desk.bench.shelf.cache.find(secret_query()))


def test_a_known_target_needs_no_look_into_the_cache() -> None:
    """Whatever the headers: it gets the response there is, and the hit counts."""
    desk = Desk()
    desk.got(SECRET)
    first, second = desk.got(SECRET), desk.got(SECRET, accept=b"*/*")
    found = desk.bench.shelf.cache.find(secret_query())
    assert second is first
    assert found is not None
    assert found.hits == 2


def test_a_known_target_is_still_guarded() -> None:
    """Who has no token gets nothing, however often others got it."""
    desk = Desk()
    desk.got(SECRET)
    desk.got(SECRET)
    assert desk.got(SECRET, **{"x-aws-parameters-secrets-token": b"wrong"}).status == 401


def test_a_known_target_gets_the_new_value_when_there_is_one() -> None:
    """The response ends with the entry that it was made from."""
    desk = Desk()
    desk.got(SECRET)
    old = desk.got(SECRET)
    desk.got(SECRET + b"&refreshNow=true")
    new = desk.got(SECRET)
    assert new is not old
    assert new.lease is desk.bench.shelf.cache.find(secret_query())


@pytest.mark.parametrize(
    "target",
    [
        SECRET,
        b"/secretsmanager/get?secretId=" + secret_arn().encode(),
        b"/secretsmanager/get?secretId=" + secret_arn(suffix="").encode(),
        b"/secretsmanager/get?secretId=prod/db&region=eu-west-1",
        b"/v1/prod/db",
        b"/value?ref=secretsmanager://prod/db",
        b"/values?ref=secretsmanager://prod/db",
    ],
)
def test_one_secret_is_fetched_once_by_whatever_route_and_name(target: bytes) -> None:
    """Every way to say it is a hit after the first."""
    desk = Desk()
    desk.got(SECRET)
    assert headers(desk.got(target))["X-Sidekey-Cache"] == "hit"
    assert len(desk.bench.jobs) == 1


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/value?ref=secretsmanager://prod/db", PLANTED.encode()),
        (b"/value?ref=ssm:///app/key", PLANTED.encode()),
        (b"/value?ref=ssm-path:///app/", b'{"/app/key":"' + PLANTED.encode() + b'"}'),
        (b"/ping", b"healthy"),
        (b"/ready", b"ready"),
    ],
)
def test_answers_in_plain_words(target: bytes, expected: bytes) -> None:
    """The bare value, for shells; health, for people."""
    response = Desk().got(target)
    assert (response.status, response.body) == (200, expected)


def test_answers_parameters_and_paths() -> None:
    """As AWS's extension does, and as GetParametersByPath would."""
    desk = Desk()
    _, single = shown(desk.got(b"/systemsmanager/parameters/get?name=/app/key"))
    _, tree = shown(desk.got(b"/systemsmanager/parameters/by-path?path=/app/"))
    assert single["Parameter"]["Value"] == PLANTED
    assert tree == {"Parameters": [single["Parameter"]]}


def test_the_endpoints_do_not_decrypt_unless_they_are_asked_to() -> None:
    """References do; each is its own entry."""
    desk = Desk()
    desk.got(b"/systemsmanager/parameters/get?name=/app/key")
    desk.got(b"/systemsmanager/parameters/get?name=/app/key&withDecryption=true")
    assert headers(desk.got(b"/value?ref=ssm:///app/key"))["X-Sidekey-Cache"] == "hit"
    assert [job.queries[0].decrypt for job in desk.bench.jobs] == [False, True]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DENIED, 400, "AccessDeniedException"),
        (DOWN, 502, "InternalServiceError"),
        (Throttled("x"), 429, "ThrottlingException"),
    ],
)
def test_an_upstream_error_is_told_as_it_is(error: Exception, status: int, code: str) -> None:
    """First from a worker, then from memory, in the same words."""
    desk = Desk()
    desk.bench.upstream["prod/db"] = error
    first, second = desk.got(SECRET), desk.got(SECRET)
    assert shown(first) == shown(second) == (status, {"__type": code, "message": str(error)})
    assert len(desk.bench.jobs) == 1


def test_a_stale_value_says_so_and_why() -> None:
    """Each time, and its bytes are not sent again without asking."""
    desk = Desk()
    desk.got(SECRET)
    desk.bench.upstream["prod/db"] = DOWN
    desk.bench.clock.now += 100
    first, second = desk.got(SECRET), desk.got(SECRET)
    assert headers(first) == headers(second)
    assert (headers(first)["X-Sidekey-Cache"], headers(first)["X-Sidekey-Stale-Reason"]) == (
        "stale",
        "InternalServiceError",
    )
    assert (first.lease, second.lease) == (None, None)


def test_a_refused_version_is_heard_each_time() -> None:
    """Its answer is a hit like others, but without a lease: the same bytes must not answer the next report."""
    desk = Desk()
    desk.got(SECRET)
    response = desk.got(SECRET + b"&failedVersionId=v0")
    assert (headers(response)["X-Sidekey-Cache"], response.lease) == ("hit", None)


def test_refresh_now_is_a_fetch_each_time() -> None:
    """The remembered operation does not make a hit of it."""
    desk = Desk()
    states = [headers(desk.got(SECRET + b"&refreshNow=true"))["X-Sidekey-Cache"] for _ in range(2)]
    assert (states, len(desk.bench.jobs)) == (["refreshed", "refreshed"], 2)


@pytest.mark.parametrize(
    ("target", "method", "given_headers", "status"),
    [
        (SECRET, b"GET", {"x_aws_parameters_secrets_token": b"no"}, 401),
        (SECRET, b"GET", {"x_forwarded_for": b"1.2.3.4"}, 400),
        (SECRET, b"GET", {"origin": b"null"}, 403),
        (SECRET, b"DELETE", {}, 405),
        (b"/secretsmanager/get", b"GET", {}, 400),
        (b"/nowhere", b"GET", {}, 404),
    ],
)
def test_what_is_not_let_in_starts_nothing(
    target: bytes, method: bytes, given_headers: dict[str, bytes], status: int
) -> None:
    """The refusal comes at once."""
    desk = Desk()
    response = desk.ask(target, method, **given_headers)
    assert response is not None
    assert (response.status, desk.bench.waiting) == (status, [])


def test_a_known_target_is_guarded_each_time() -> None:
    """Knowing what it means is not being allowed to ask it."""
    desk = Desk()
    desk.got(SECRET)
    assert desk.got(SECRET, x_aws_parameters_secrets_token=b"no").status == 401
    desk.tokens = (b"newer",)
    assert desk.got(SECRET).status == 401
    assert desk.got(SECRET, x_aws_parameters_secrets_token=b"newer").status == 200


def test_the_dialect_is_the_operators_choice() -> None:
    """The agent's shape, and its word for a bad token."""
    desk = Desk(shape="agent")
    assert b'"CreatedDate":"1668586960.499"' in desk.got(SECRET).body
    assert desk.got(SECRET, x_aws_parameters_secrets_token=b"no").status == 403


def test_a_token_that_is_not_known_is_asked_about_before_it_is_refused() -> None:
    """There may be a newer one: the request waits, and is looked at again."""
    renewal = Renewal(asks=True)
    desk = Desk(renewal=renewal)
    assert desk.ask(SECRET, x_vault_token=b"newer", x_aws_parameters_secrets_token=b"") is None
    desk.tokens = (TOKEN, b"newer")
    renewal.then[0]()
    desk.bench.run()
    assert [response.status for response in desk.late] == [200]


@pytest.mark.parametrize("asks", [True, False])
def test_a_token_that_stays_unknown_is_refused_once(asks: bool) -> None:
    """At once where nothing newer is to be had, later where that had to be asked for."""
    renewal = Renewal(asks=asks)
    desk = Desk(renewal=renewal)
    at_once = desk.ask(SECRET, x_aws_parameters_secrets_token=b"no")
    calls = list(renewal.then) if asks else []
    assert [call() for call in calls] == [None] * len(calls)
    assert [response.status for response in [*([at_once] if at_once else []), *desk.late]] == [401]


def test_a_fault_while_looking_again_is_still_an_answer() -> None:
    """In a thread of its own nobody else would give one."""
    renewal = Renewal(asks=True)
    desk = Desk(renewal=renewal)
    desk.ask(SECRET, x_aws_parameters_secrets_token=b"no")
    desk.tokens = (5,)  # type: ignore[assignment]
    renewal.then[0]()
    assert [response.status for response in desk.late] == [500]


VALUES = b"/values?ref=secretsmanager://prod/db%23user&ref=secretsmanager://prod/db&ref=ssm:///app/key"
DOCUMENT = secret(text=Sensitive('{"user":"u"}'))


def test_several_are_gathered_and_answered_once() -> None:
    """Each under its text, though two of them are one fetch; then at once, as hits."""
    desk = Desk()
    desk.bench.upstream["prod/db"] = DOCUMENT
    response = desk.got(VALUES)
    values = {
        "secretsmanager://prod/db#user": "u",
        "secretsmanager://prod/db": '{"user":"u"}',
        "ssm:///app/key": PLANTED,
    }
    assert shown(response) == (200, {"values": values, "errors": {}})
    assert headers(response)["X-Sidekey-Cache"] == "miss"
    again = desk.ask(VALUES)
    assert again is not None
    assert (again.body, headers(again)["X-Sidekey-Cache"], len(desk.bench.jobs)) == (response.body, "hit", 2)


def test_several_may_fail_each_for_itself() -> None:
    """A key that is not there, a value that is no JSON, a refusal: beside what could be had."""
    desk = Desk()
    desk.bench.upstream["other"] = DENIED
    target = VALUES + b"&ref=secretsmanager://other&ref=ssm:///app/key%23k"
    _, body = shown(desk.got(target))
    assert set(body["values"]) == {"secretsmanager://prod/db", "ssm:///app/key"}
    assert {text: error["__type"] for text, error in body["errors"].items()} == {
        "secretsmanager://prod/db#user": "NotJson",
        "secretsmanager://other": "AccessDeniedException",
        "ssm:///app/key#k": "NotJson",
    }


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_last_of_several_brings_the_answer(order: list[int]) -> None:
    """Whichever service is slower."""
    desk = Desk()
    assert desk.ask(VALUES) is None
    first, second = (desk.bench.waiting[position][1] for position in order)
    first()
    assert desk.late == []
    second()
    assert len(desk.late) == 1


@pytest.mark.parametrize(("option", "state"), [(b"refreshNow=1", "refreshed"), (b"failedVersionId=v1", "refreshed")])
def test_several_can_be_refreshed(option: bytes, state: str) -> None:
    """One that needs no fetch is answered beside those that do."""
    desk = Desk()
    desk.got(VALUES)
    response = desk.got(VALUES + b"&" + option)
    assert (response.status, headers(response)["X-Sidekey-Cache"]) == (200, state)


def test_several_tell_the_worst_of_their_states() -> None:
    """One stale value among hits is said."""
    desk = Desk()
    desk.got(VALUES)
    desk.bench.upstream["prod/db"] = DOWN
    desk.bench.clock.now += 100
    assert headers(desk.got(VALUES))["X-Sidekey-Cache"] == "stale"


def nested(depth: int) -> str:
    """Return JSON that is nested."""
    return "[" * depth + "]" * depth


UNFIT = [
    ("secret", "secretsmanager://x", secret(created_at=float("nan"))),
    ("secret", "secretsmanager://x", secret(created_at=1e300)),
    ("secret", "secretsmanager://x", secret(created_at="yesterday")),
    ("value", "secretsmanager://x", secret(text=None, binary=Sensitive("é"))),
    ("value", "secretsmanager://x", secret(text=None, binary=Sensitive("a"))),
    ("parameter", "ssm:///x", parameter(version=object())),
]


@pytest.mark.parametrize(("kind", "reference", "value"), UNFIT)
def test_a_value_that_fits_no_answer_is_an_error_that_says_so(kind: str, reference: str, value: object) -> None:
    """Whoever waits in a worker is answered all the same, and the value is not shown."""
    operation = Operation(kind=kind, references=(parse_reference(reference),))  # type: ignore[arg-type]
    response = render(operation, Answer("miss", entry(value=value)))  # type: ignore[arg-type]
    assert response.status == 500
    assert json.loads(response.body)["__type"] == "UnfitValue"
    assert PLANTED.encode() not in response.body


@pytest.mark.parametrize("depth", range(940, 1000, 5))
def test_deep_json_is_answered_or_refused(depth: int) -> None:
    """Near Python's own limit the picked value may be read and yet not be written into the larger answer."""
    desk = Desk()
    desk.bench.upstream["prod/db"] = secret(text=Sensitive('{"k":' + nested(depth) + "}"))
    assert desk.got(b"/values?ref=secretsmanager://prod/db%23k").status in (200, 500)
    assert desk.got(b"/value?ref=secretsmanager://prod/db%23k").status in (200, 400, 500)


def test_several_of_which_one_fits_no_answer_are_an_error() -> None:
    """Nobody waits for an answer that cannot be written."""
    desk = Desk()
    desk.bench.upstream["prod/db"] = secret(text=Sensitive(object()))  # type: ignore[arg-type]
    response = desk.got(VALUES)
    assert (response.status, json.loads(response.body)["__type"]) == (500, "UnfitValue")


def test_ready_says_what_is_missing() -> None:
    """503 until everything has come."""
    desk = Desk("secretsmanager://prod/db")
    desk.prefetch.start()
    before = desk.got(b"/ready")
    assert (before.status, before.body) == (503, f"missing: {secret_query().label} (under way)".encode())
    assert desk.got(b"/ready").status == 200


@pytest.mark.parametrize("target", [b"/status", b"/metrics", b"/ready"])
def test_what_is_told_about_ourselves_has_no_value(target: bytes) -> None:
    """With values in the cache, one of them stale, and a failure noted."""
    desk = Desk("secretsmanager://prod/db")
    desk.got(VALUES)
    desk.bench.upstream["prod/db"] = DOWN
    desk.bench.clock.now += 100
    desk.got(VALUES)
    response = desk.got(target)
    assert response.status in (200, 503)
    assert PLANTED.encode() not in response.body
    assert TOKEN not in response.body


def test_counts_the_reads() -> None:
    """Two misses and one hit of a read of two, then of one."""
    desk = Desk()
    desk.got(b"/values?ref=secretsmanager://prod/db&ref=ssm:///app/key")
    desk.got(SECRET)
    body = desk.got(b"/metrics").body
    assert b"\nsidekey_hits_total 1\n" in body
    assert b"\nsidekey_misses_total 2\n" in body


def test_remembers_a_bounded_number_of_targets() -> None:
    """Whoever asks for something else each time does not fill the memory."""
    desk = Desk()
    targets = [b"/v1/s%d" % number for number in range(subject.MAX_TARGETS + 5)]
    assert all(desk.got(target).status == 200 for target in targets)
    assert len(desk.application._operations) <= subject.MAX_TARGETS


TARGETS = st.sampled_from(
    [SECRET + b"&", b"/value?ref=", b"/values?ref=secretsmanager://prod/db&", b"/v1/", b"/status?", b"/"]
)


@given(
    TARGETS,
    st.binary(max_size=40) | st.text(alphabet="&=%:/.-0#aé?", max_size=40).map(str.encode),
    st.binary(max_size=9),
)
def test_no_request_is_a_fault_of_ours(start: bytes, rest: bytes, host: bytes) -> None:
    """Any target and any Host: one answer, and no 500."""
    desk = Desk()
    assert desk.got(start + rest).status < 500
    assert desk.got(start + rest, host=host).status < 500


@pytest.mark.parametrize(
    ("query", "reference"),
    [
        (parameter_query("/app/key", selector=":1"), b"ssm:///app/key"),
        (parameter_query("/app/key", decrypt=False), b"ssm:///app/key"),
        (parameter_query("/app/key", regions=("us-east-1",)), b"ssm:///app/key"),
        (parameter_query("/app/key", role_arn="arn:aws:iam::999988887777:role/r"), b"ssm:///app/key"),
        (secret_query(version_stage="AWSPREVIOUS"), b"secretsmanager://prod/db"),
        (secret_query(version_id="v0"), b"secretsmanager://prod/db"),
    ],
)
def test_a_value_asked_for_otherwise_is_never_a_hit(query: Query, reference: bytes) -> None:
    """Another version, decryption, region, role or stage of the same name is another thing."""
    desk = Desk()
    desk.bench.got(query)
    assert headers(desk.got(b"/value?ref=" + reference))["X-Sidekey-Cache"] == "miss"


def test_an_error_has_no_value_and_is_the_callers_where_it_is() -> None:
    """A key that a secret does not have: 400, from a worker as from the cache."""
    desk = Desk()
    responses = [desk.got(b"/value?ref=secretsmanager://prod/db%23k") for _ in range(2)]
    assert [response.status for response in responses] == [400, 400]
    assert PLANTED.encode() not in b"".join(response.body for response in responses)
