"""Parameter Store: parameters singly and in tens, and all below a path.

Law: no caching, no policy. What is denied or invalid among ten must not take the other nine along: such a batch is
asked for again one by one. GetParameter and GetParameters are permissions of their own, and either suffices.
"""

from __future__ import annotations

from extension.aws.faults import refusal
from extension.core.errors import Refused, Unreachable, UpstreamError
from extension.core.identity import REFERENCE_PREFIX
from extension.core.model import Parameter, ParameterTree, Sensitive
from extension.core.record import Record
from extension.sources.secretsmanager import region_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from typing import Any

    from extension.aws.retry import Deadline
    from extension.core.model import Query
    from extension.sources.secretsmanager import Caller

_SERVICE = "ssm"
_MOST_PAGES = 500
_DENIED = "AccessDeniedException"


class ParameterStore:
    """Fetches parameters; `timeout_seconds` bounds all calls of one fetch, where the caller names no other."""

    def __init__(self, caller: Caller, default_region: str, *, timeout_seconds: float | None = None) -> None:
        """Ask in `default_region` where neither query nor ARN names one."""
        self._caller = caller
        self._default_region = default_region
        self._timeout_seconds = timeout_seconds

    def fetch(self, query: Query, *, region: str | None = None, timeout_seconds: float | None = None) -> Parameter:
        """Return one parameter: by GetParameter, or by GetParameters where only that is allowed."""
        return self._fetch_single(query, self._terms(query, region, timeout_seconds))

    def fetch_batch(
        self, queries: Sequence[Query], *, region: str | None = None, timeout_seconds: float | None = None
    ) -> dict[Query, Parameter | UpstreamError]:
        """Return a parameter or an error for each of up to ten queries that differ in name and selector alone.

        A transient error of the call is raised; a refusal is looked at one by one.
        """
        terms = self._terms(queries[0], region, timeout_seconds)
        together = [query for query in queries if not query.id.startswith(REFERENCE_PREFIX)]
        found: dict[Query, Parameter | UpstreamError] = {}
        if len(together) > 1:
            try:
                found = self._fetch_together(together, terms)
            except Refused:
                found = {}
        return {query: found.get(query) or self._fetch_or_error(query, terms) for query in queries}

    def fetch_path(
        self, query: Query, *, region: str | None = None, timeout_seconds: float | None = None
    ) -> ParameterTree:
        """Return all parameters below a path (GetParametersByPath, every page)."""
        terms = self._terms(query, region, timeout_seconds)
        payload: dict[str, Any] = {"Path": query.id, "Recursive": query.recursive, "WithDecryption": query.decrypt}
        found: list[Parameter] = []
        for _ in range(_MOST_PAGES):
            answer = self._call("GetParametersByPath", payload | {"MaxResults": 10}, terms, query.label)
            found += [parse_parameter(fields, query) for fields in answer.get("Parameters") or ()]
            token = answer.get("NextToken")
            if not token:
                return ParameterTree(parameters=tuple(found))
            payload["NextToken"] = token
        msg = f"{query.label}: more than {_MOST_PAGES * 10} parameters; name a narrower path"
        raise Refused(msg, code="TooManyParameters")

    def _fetch_single(self, query: Query, terms: Terms) -> Parameter:
        payload = {"Name": selected(query), "WithDecryption": query.decrypt}
        try:
            answer = self._call("GetParameter", payload, terms, query.label)
        except Refused as error:
            if error.code != _DENIED or query.id.startswith(REFERENCE_PREFIX):
                raise
            return self._fetch_otherwise(query, terms, error)
        return _as_asked(parse_parameter(answer.get("Parameter") or {}, query), query)

    def _fetch_otherwise(self, query: Query, terms: Terms, denial: Refused) -> Parameter:
        """Return the parameter by GetParameters, for roles that may only do that."""
        try:
            found = self._fetch_together([query], terms)[query]
        except Refused as error:
            if error.code != _DENIED:
                raise
            msg = f"{denial.message} (ssm:GetParameter or ssm:GetParameters, either will do)"
            raise Refused(msg, code=_DENIED) from error
        if isinstance(found, UpstreamError):
            raise found
        return found

    def _fetch_together(self, queries: Sequence[Query], terms: Terms) -> dict[Query, Parameter | UpstreamError]:
        names = list(dict.fromkeys(selected(query) for query in queries))
        about = queries[0].label if len(names) == 1 else ""
        payload = {"Names": names, "WithDecryption": queries[0].decrypt}
        answer = self._call("GetParameters", payload, terms, about)
        found = [parse_parameter(fields, queries[0]) for fields in answer.get("Parameters") or ()]
        unknown = frozenset(answer.get("InvalidParameters") or ())
        matched = {query: _match(query, found, unknown) for query in queries}
        return {query: each for query, each in matched.items() if each is not None}

    def _fetch_or_error(self, query: Query, terms: Terms) -> Parameter | UpstreamError:
        try:
            return self._fetch_single(query, terms)
        except UpstreamError as error:
            return error

    def _terms(self, query: Query, region: str | None, timeout_seconds: float | None) -> Terms:
        return Terms(
            region=region or region_of(query, self._default_region),
            role_arn=query.role_arn,
            deadline=self._caller.deadline(timeout_seconds or self._timeout_seconds),
        )

    def _call(self, action: str, payload: dict[str, Any], terms: Terms, about: str) -> dict[str, Any]:
        return self._caller.call(
            _SERVICE,
            action,
            payload,
            region=terms.region,
            role_arn=terms.role_arn,
            timeout_seconds=terms.deadline.attempt(terms.deadline.seconds, about or action),
            about=about,
        )


class Terms(Record):
    """What all calls of one fetch share."""

    region: str
    role_arn: str | None
    deadline: Deadline


def selected(query: Query) -> str:
    """Return the name as the service takes it, with its version or label."""
    return f"{query.id}{query.selector or ''}"


def parse_parameter(fields: Mapping[str, Any], query: Query) -> Parameter:
    """Read a parameter as all three calls give it."""
    source = fields.get("SourceResult")
    try:
        value = fields["Value"]
        return Parameter(
            arn=str(fields.get("ARN") or ""),
            name=str(fields["Name"]),
            type=str(fields["Type"]),
            value=Sensitive(str(value)) if value is not None else None,
            version=int(fields.get("Version") or 0),
            modified_at=fields.get("LastModifiedDate"),
            data_type=fields.get("DataType"),
            selector=fields.get("Selector"),
            source_result=Sensitive(source) if source is not None else None,
        )
    except KeyError:
        msg = f"{query.label}: the answer holds no parameter"
    raise Unreachable(msg)


def _as_asked(parameter: Parameter, query: Query) -> Parameter:
    """Return the parameter with the selector it was asked by, which not every answer repeats."""
    return parameter if parameter.selector == query.selector else parameter.replace(selector=query.selector)


def _match(query: Query, found: Sequence[Parameter], unknown: Container[str]) -> Parameter | UpstreamError | None:
    """Return the answer's word on one query: what it calls unknown or leaves out does not exist.

    None where that is not clear: two accounts' parameters may have one name.
    """
    fitting = {} if selected(query) in unknown else {each.arn: each for each in reversed(found) if _fits(each, query)}
    if not fitting:
        return refusal("ParameterNotFound", "Parameter Store knows no such parameter, version or label", query.label)
    matched = fitting.get(query.id) or (next(iter(fitting.values())) if len(fitting) == 1 else None)
    return matched and _as_asked(matched, query)


def _fits(parameter: Parameter, query: Query) -> bool:
    selectors = (parameter.selector,) if parameter.selector else (None, f":{parameter.version}")
    return query.id in (parameter.name, parameter.arn) and query.selector in selectors
