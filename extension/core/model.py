"""What is asked for and what comes back: queries, secrets, parameters.

Law: whatever must not be seen is `Sensitive`, from the moment it is parsed to the moment it is rendered.
"""

from __future__ import annotations

from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NoReturn, TypeAlias

    Service = Literal["secretsmanager", "ssm", "ssm-path"]
    Value: TypeAlias = "Secret | Parameter | ParameterTree"

DEFAULT_STAGE = "AWSCURRENT"


class Sensitive:
    """A string that never shows itself: `repr`, `str` and format give `<redacted>`, `reveal()` the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hide `text`."""
        self._text = text

    def reveal(self) -> str:
        """Return the text, to be rendered, signed or sent at once and kept nowhere."""
        return self._text

    def __repr__(self) -> str:
        """Show nothing."""
        return "<redacted>"

    def __format__(self, _spec: str) -> str:
        """Show nothing."""
        return "<redacted>"

    def __eq__(self, other: object) -> bool:
        """Compare the texts (to tell a changed value from the same one; tokens go through compare_digest)."""
        return isinstance(other, Sensitive) and self._text == other._text

    def __hash__(self) -> int:
        """Hash the text."""
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied to disk."""
        msg = "a sensitive value is not pickled"
        raise TypeError(msg)


class Query(Record):
    """One thing to fetch from one service: the identity of a cache entry.

    `id` is a name, an ARN, a partial ARN or (ssm-path) a path, without a selector. `selector` is Parameter Store's
    `:<version>` or `:<label>`. `regions` are tried in order; empty means the default region, or the ARN's own.
    """

    service: Service
    id: str
    version_id: str | None = None
    version_stage: str | None = None
    selector: str | None = None
    decrypt: bool = True
    recursive: bool = False
    role_arn: str | None = None
    regions: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The query as people know it, a reference without its regions: for messages, `/status` and logs."""
        given = (
            ("versionStage", self.version_stage),
            ("versionId", self.version_id),
            ("withDecryption", None if self.decrypt else "false"),
            ("recursive", "false" if self.service == "ssm-path" and not self.recursive else None),
            ("roleArn", self.role_arn),
        )
        options = "&".join([f"{name}={value}" for name, value in given if value is not None])
        return f"{self.service}://{self.id}{self.selector or ''}" + (f"?{options}" if options else "")


class Secret(Record):
    """A secret version, as GetSecretValue answers it. Exactly one of `text` and `binary` (base64) is set."""

    arn: str
    name: str
    version_id: str
    stages: tuple[str, ...]
    created_at: float | None
    text: Sensitive | None = None
    binary: Sensitive | None = None


class Parameter(Record):
    """A parameter, as GetParameters answers it. ARN and name never carry the selector.

    `value` is None for a reference to a binary secret, whose octets are in the `source_result` alone.
    """

    arn: str
    name: str
    type: str
    value: Sensitive | None
    version: int
    modified_at: float | None
    data_type: str | None = "text"
    selector: str | None = None
    source_result: Sensitive | None = None


class ParameterTree(Record):
    """All parameters below a path, in the order of the service's pages."""

    parameters: tuple[Parameter, ...]
