"""Parameters, as the service gives them: selectors, decryption, references to secrets, and whole paths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.service.process import Service
    from tests.contract.service.upstream import Upstream

GET = "/systemsmanager/parameters/get?name="
BY_PATH = "/systemsmanager/parameters/by-path?path="
KEYS = ["ARN", "DataType", "LastModifiedDate", "Name", "Selector", "SourceResult", "Type", "Value", "Version"]


def test_a_parameter_in_the_extension_s_shape(service: Service, upstream: Upstream) -> None:
    """Every key in its order, the same with a trailing slash and by its ARN, from one call."""
    name = upstream.parameter("plain")
    replies = [service.get(target) for target in (GET + name, GET.replace("get", "get/") + name)]
    said = json.loads(replies[0].body)
    by_arn = service.get(GET + said["Parameter"]["ARN"])

    assert list(said) == ["Parameter", "ResultMetadata"]
    assert list(said["Parameter"]) == KEYS
    assert list(said["Parameter"].values())[3:] == [name, None, None, "String", "plain", 1]
    assert replies[0].body == replies[1].body == by_arn.body
    assert upstream.about(name) == ["GetParameter"]


def test_selectors(service: Service, upstream: Upstream) -> None:
    """As a parameter or behind the name; both given, the first counts; ARN and name never carry it."""
    name = upstream.parameter("one")
    upstream.parameter("two", name=name)
    upstream.client("ssm").label_parameter_version(Name=name, ParameterVersion=1, Labels=["Dev"])
    forms = ["", ":1", "&version=1", "&label=Dev", ":Dev", "&version=2&label=Dev", "&label=Dev&version=2"]
    found = [service.json(GET + name + form)["Parameter"] for form in forms]

    assert [each["Value"] for each in found] == ["two", "one", "one", "one", "one", "two", "one"]
    assert [each["Selector"] for each in found] == [None, ":1", ":1", ":Dev", ":Dev", ":2", ":Dev"]
    assert {each["Name"] for each in found} == {name}
    assert {each["ARN"].rpartition(":")[2] for each in found} == {f"parameter{name}"}
    assert len(upstream.about(name, f"{name}:1", f"{name}:2", f"{name}:Dev")) == 4


def test_a_secure_string_is_decrypted_where_that_is_asked(service: Service, upstream: Upstream) -> None:
    """The endpoint gives the ciphertext unless asked otherwise, a reference the text."""
    name = upstream.parameter("licence", kind="SecureString")
    forms = ["", "&withDecryption=false", "&withDecryption=true", "&withDecryption=True", "&withDecryption=1"]
    values = [service.json(GET + name + form)["Parameter"]["Value"] for form in forms]
    bare = [service.get(f"/value?ref=ssm://{name}{form}").body for form in ("", "%3FwithDecryption=false")]

    assert values == ["kms:alias/aws/ssm:licence"] * 2 + ["licence"] * 3
    assert bare == [b"licence", b"kms:alias/aws/ssm:licence"]
    assert upstream.about(name) == ["GetParameter"] * 2


def test_a_reference_to_a_secret(service: Service, upstream: Upstream) -> None:
    """Parameter Store's way to a secret: a SecureString whose source is a JSON text."""
    made = upstream.secret("by reference")
    said = service.json(f"{GET}/aws/reference/secretsmanager/{made.name}&withDecryption=true")["Parameter"]
    assert (said["Type"], said["Value"], said["Version"]) == ("SecureString", "by reference", 0)
    assert json.loads(said["SourceResult"])["ARN"] == made.arn


def test_a_reference_to_a_version_of_a_secret_is_passed_on(service: Service, upstream: Upstream) -> None:
    """Its selector is a version id, which may begin with a digit, or a stage."""
    made = upstream.secret("by reference")
    name = f"/aws/reference/secretsmanager/{made.name}:1{made.version[1:]}"
    service.get(f"{GET}{name}&withDecryption=true")
    assert upstream.about(name) == ["GetParameter"]


def test_a_path_comes_with_all_its_pages(service: Service, upstream: Upstream) -> None:
    """Below the path or all the way down; what came with it needs no call of its own."""
    root = f"/{upstream.new_name()}"
    names = [upstream.parameter(str(number), name=f"{root}/p{number:02}") for number in range(12)]
    deep = upstream.parameter("deep", kind="SecureString", name=f"{root}/sub/deep")
    flat = service.json(BY_PATH + root)["Parameters"]
    tree = service.json(f"{BY_PATH}{root}/&recursive=true&withDecryption=true")["Parameters"]
    single = service.get(f"{GET}{deep}&withDecryption=true")

    assert [each["Name"] for each in flat] == names
    assert sorted(each["Name"] for each in tree) == [*names, deep]
    assert list(tree[0]) == KEYS
    assert (single.headers["X-Sidekey-Cache"], json.loads(single.body)["Parameter"]["Value"]) == ("hit", "deep")
    assert upstream.about(root, f"{root}/", deep) == ["GetParametersByPath"] * 4


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/systemsmanager/parameters/get", "missing parameter name"),
        (GET + "/a&version=0", "version is a whole number from 1 on"),
        (GET + "/a&version=one", "version is a whole number from 1 on"),
        (GET + "/a&version=%C2%B2", "version is a whole number from 1 on"),
        (GET + "/a&label=9", "label has 1 to 100 letters"),
        (GET + "/a&label=", "label has 1 to 100 letters"),
        (GET + "/a:b:c", "more colons"),
        (GET + "/a:", "label has 1 to 100 letters"),
        (GET + "/a&withDecryption=perhaps", "invalid withDecryption value"),
        (GET + "/a&withDecryption=", "invalid withDecryption value"),
        (GET + "/a&WithDecryption=true", "unknown parameter: WithDecryption"),
        ("/systemsmanager/parameters/by-path", "missing parameter path"),
        (BY_PATH + "app", "starts with /"),
        (BY_PATH + "/app//x", "no empty part"),
        (BY_PATH + "/app&recursive=deep", "invalid recursive value"),
        (BY_PATH + "/app&name=x", "unknown parameter: name"),
    ],
)
def test_what_cannot_be_asked(service: Service, target: str, words: str) -> None:
    """An exact 400 that says what is allowed."""
    status, _code, message = service.refused(target)
    assert (status, words in message) == (400, True)


@pytest.mark.parametrize(
    ("form", "code"), [("", "ParameterNotFound"), (":7", "ParameterNotFound"), ("&label=X", "ParameterNotFound")]
)
def test_what_is_not_there(service: Service, upstream: Upstream, form: str, code: str) -> None:
    """AWS's type, and the name that was asked for."""
    name = f"/{upstream.new_name()}"
    status, said, message = service.refused(GET + name + form)
    assert (status, said, f"ssm://{name}" in message) == (400, code, True)
