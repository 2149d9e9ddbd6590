"""The model shows what may be seen, and nothing else."""

from __future__ import annotations

import copy
import pickle

import pytest

from extension.core.model import ParameterTree, Query, Sensitive
from tests.samples import PLANTED, parameter, secret


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>40}".format, "%s".__mod__, lambda it: f"{it:>20}"])
def test_a_sensitive_text_never_shows_itself(show: object) -> None:
    """Neither str, repr, format nor % give the text away."""
    assert PLANTED not in show(Sensitive(PLANTED))  # type: ignore[operator]


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_sensitive_text_does_not_leave_the_process(leave: object) -> None:
    """It is neither pickled nor copied."""
    with pytest.raises(TypeError, match="not pickled") as caught:
        leave(Sensitive(PLANTED))  # type: ignore[operator]
    assert PLANTED not in str(caught.value)


def test_reveals_on_request() -> None:
    """There is one way to the text."""
    assert Sensitive(PLANTED).reveal() == PLANTED


def test_compares_by_text() -> None:
    """A changed value is told from the same one, and a text is no sensitive one."""
    assert Sensitive("a") == Sensitive("a")
    assert Sensitive("a") != Sensitive("b")
    assert Sensitive("a") != "a"
    assert len({Sensitive("a"), Sensitive("a")}) == 1


@pytest.mark.parametrize(
    "value",
    [
        secret(),
        secret(text=None, binary=Sensitive(PLANTED)),
        parameter(source_result=Sensitive(PLANTED)),
        ParameterTree(parameters=(parameter(source_result=Sensitive(PLANTED)),)),
    ],
)
def test_no_value_shows_what_it_holds(value: object) -> None:
    """The repr of every kind of value is redacted, the source's answer in a parameter included."""
    assert PLANTED not in repr(value)


@pytest.mark.parametrize(
    ("query", "label"),
    [
        (Query(service="secretsmanager", id="prod/db", regions=("eu-west-1",)), "secretsmanager://prod/db"),
        (
            Query(service="secretsmanager", id="prod/db", version_stage="AWSPENDING", role_arn="arn:r"),
            "secretsmanager://prod/db?versionStage=AWSPENDING&roleArn=arn:r",
        ),
        (Query(service="secretsmanager", id="prod/db", version_id="v1"), "secretsmanager://prod/db?versionId=v1"),
        (Query(service="ssm", id="/app/key", selector=":3"), "ssm:///app/key:3"),
        (Query(service="ssm", id="/app/key", decrypt=False), "ssm:///app/key?withDecryption=false"),
        (Query(service="ssm-path", id="/app/", recursive=True), "ssm-path:///app/"),
        (Query(service="ssm-path", id="/app/"), "ssm-path:///app/?recursive=false"),
    ],
)
def test_a_query_has_a_label(query: Query, label: str) -> None:
    """People see the reference; its regions are told beside it."""
    assert query.label == label
