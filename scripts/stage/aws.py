"""A sample AWS: moto in this process, with secrets and parameters whose values are samples and say so.

Law: one moto serves every listener it is given, whichever network namespace that listens in.
"""

from __future__ import annotations

import json
import logging
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

REGION = "eu-central-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIASAMPLESAMPLESAMP",
    "AWS_SECRET_ACCESS_KEY": "sample-secret-access-key",
    "AWS_SESSION_TOKEN": "sample-session-token",
}

SAMPLE_SECRETS: dict[str, str | bytes] = {
    "demo/database": json.dumps({"user": "app", "password": "sample-password-1"}, separators=(",", ":")),
    "demo/api-key": "sample-api-key",
    "demo/keystore": bytes(range(16)),
}
SAMPLE_PARAMETERS = {
    "/demo/greeting": ("String", "sample-greeting"),
    "/demo/licence": ("SecureString", "sample-licence"),
    "/demo/limits/requests": ("String", "100"),
    "/demo/limits/seconds": ("String", "60"),
}
SAMPLE_REFERENCES = (
    "secretsmanager://demo/database",
    "secretsmanager://demo/api-key",
    "secretsmanager://demo/keystore",
    "ssm:///demo/greeting",
    "ssm:///demo/licence",
    "ssm-path:///demo/limits/",
)


class Door:
    """Moto behind one listening socket, until `close`."""

    def __init__(self, listener: socket.socket, application: Any) -> None:
        """Answer on `listener`, which becomes ours."""
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        host, port = listener.getsockname()[:2]
        with listener:  # the server works on a duplicate
            self._server = make_server(
                host, port, application, threaded=True, fd=listener.fileno(), request_handler=MotoRequestHandler
            )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class SampleAws:
    """Secrets Manager, Parameter Store and the rest of moto, over plain HTTP on loopback."""

    def __init__(self) -> None:
        """Load moto and open one door of our own, on a free port of this machine's loopback."""
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line per request
        self._application = DomainDispatcherApplication(create_backend_app)
        listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._own = self.serve(listener)

    def __enter__(self) -> Self:
        """Serve from the start."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Close our own door."""
        self._own.close()

    def serve(self, listener: socket.socket) -> Door:
        """Open another door to the same contents; the caller closes it."""
        return Door(listener, self._application)

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a boto3 client that talks to us."""
        import boto3

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def fill(self) -> None:
        """Put the samples in, or back: every moto of one process shares its contents."""
        manager, store = self.client("secretsmanager"), self.client("ssm")
        for name, value in SAMPLE_SECRETS.items():
            kind = "SecretString" if isinstance(value, str) else "SecretBinary"
            try:
                manager.create_secret(Name=name, **{kind: value})
            except manager.exceptions.ResourceExistsException:
                manager.put_secret_value(SecretId=name, **{kind: value})
        for name, (kind, text) in SAMPLE_PARAMETERS.items():
            store.put_parameter(Name=name, Type=kind, Value=text, Overwrite=True)

    def rotate(self, name: str, value: str) -> str:
        """Give a secret a new current version; return its id."""
        return str(self.client("secretsmanager").put_secret_value(SecretId=name, SecretString=value)["VersionId"])
