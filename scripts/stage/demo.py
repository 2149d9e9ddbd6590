"""`make run`: three functions in three languages read secrets through AWS's own emulator, and see a rotation.

Law: it tells what happened, not what should have; whatever fails ends it with a sentence and a status.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.stage.aws import SAMPLE_REFERENCES, SampleAws
from scripts.stage.emulator import EmulatorError
from scripts.stage.paint import Paint, Span, milliseconds
from scripts.stage.sandbox import SandboxError
from scripts.stage.stage import FUNCTIONS, Answer, Function, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DATABASE = "demo/database"
WARM_INVOKES = 20
SETTINGS = {
    "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "debug",  # it tells its phases
    "SIDEKEY_PREFETCH": ",".join(SAMPLE_REFERENCES),
}


class DemoError(Exception):
    """Something did not happen as it should; the message says what, and what the processes said."""


@dataclass(frozen=True)
class Language:
    """One of the three functions."""

    name: str
    needs: str
    function: Function

    @property
    def there(self) -> bool:
        """Whether this machine has what the function is run by."""
        return shutil.which(self.needs) is not None


LANGUAGES = (
    Language("sh + curl", "curl", Function(["./bootstrap", "handler"], FUNCTIONS / "sh")),
    Language(
        "Python", sys.executable, Function([sys.executable, "-m", "awslambdaric", "app.handler"], FUNCTIONS / "python")
    ),
    Language("Node", "node", Function(["node", "bootstrap.mjs", "handler"], FUNCTIONS / "node")),
)


@dataclass(frozen=True)
class Account:
    """What one language's run showed."""

    language: str
    spans: Sequence[Span]
    at_init: str
    in_event: str
    cold_seconds: float
    warm_seconds: float


def main() -> int:
    """Run the demo; say in a sentence what stood in the way, if anything did."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended
    paint = Paint.of(sys.stdout, os.environ)
    try:
        perform(paint, lambda *lines: print(*lines, sep="\n", flush=True))
    except (EmulatorError, SandboxError) as error:
        sys.stderr.write(f"{error}\n")
        return os.EX_UNAVAILABLE
    except (DemoError, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return os.EX_SOFTWARE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return os.EX_OK


def perform(paint: Paint, say: Callable[..., None]) -> None:
    """Play all acts in order."""
    say(*prologue(paint))
    with SampleAws() as aws:
        aws.fill()
        accounts = []
        for language in LANGUAGES:
            if language.there:
                accounts.append(cold_start(language, aws))
                say(*timeline(accounts[-1], paint))
            else:
                say(paint(f"  {language.name}", "bold") + f"  skipped: there is no `{language.needs}` here", "")
        say(*readings(accounts, paint))
        language = next(language for language in LANGUAGES if language.there)
        say(*served(language, aws, paint))
        say(*rotation(language, aws, paint))


def prologue(paint: Paint) -> list[str]:
    """Say what is on stage."""
    return [
        "",
        paint("  Sidekey", "bold") + paint("  secrets for Lambda functions in any language", "dim"),
        "",
        "  On stage: AWS's Runtime Interface Emulator, Sidekey attached as an extension, a sample AWS (moto).",
        f"  While a function starts, Sidekey prefetches {len(SAMPLE_REFERENCES)} references; all values are samples.",
        paint("  Times are milliseconds after the first invoke of a cold environment.", "dim"),
        "",
    ]


def cold_start(language: Language, aws: SampleAws) -> Account:
    """Start a function in a new environment, and invoke it once cold and many times warm."""
    with Stage(language.function, aws, SETTINGS) as stage:
        cold = stage.invoke()
        first = reading(stage, cold, "init")
        warm = [reading(stage, stage.invoke(), "event") for _ in range(WARM_INVOKES)]
        return Account(
            language=language.name,
            spans=spans(stage, cold, first),
            at_init=str(first["value"]),
            in_event=str(warm[-1]["value"]),
            cold_seconds=float(str(first["seconds"])),
            warm_seconds=statistics.median(float(str(one["seconds"])) for one in warm),
        )


def reading(stage: Stage, answer: Answer, moment: str) -> dict[str, object]:
    """Take what the function read at a moment (`init` or `event`) out of its answer."""
    try:
        read = answer.json()[moment]
        return {"value": read["value"], "seconds": read["seconds"], "asked_at": read["asked_at"]}
    except (ValueError, LookupError, TypeError):
        said = f"{answer.body.decode(errors='replace')}\n{stage.log()}\n{stage.extension_log()}"
        msg = f"The function {stage.function.command[0]} did not answer what it read:\n{said}"
        raise DemoError(msg) from None


def spans(stage: Stage, cold: Answer, first: dict[str, object]) -> list[Span]:
    """Lay the phases out on the time since the invoke."""
    phases, origin = stage.phases(), cold.sent_at
    missing = {"bound", "registered", "prefetched"} - phases.keys()
    if missing:
        msg = f"The extension did not tell when it was {' and '.join(sorted(missing))}:\n{stage.extension_log()}"
        raise DemoError(msg)
    bound, registered, prefetched = (phases[name] - origin for name in ("bound", "registered", "prefetched"))
    asked = float(str(first["asked_at"])) - origin
    return [
        Span("boot", 0, bound, "blue", "emulator and interpreter"),
        Span("register", bound, registered, "magenta", "now Lambda may start the function"),
        Span("prefetch", registered, prefetched, "cyan", f"{len(SAMPLE_REFERENCES)} references, at moto's pace"),
        Span("function", stage.runtime_starts()[0] - origin, asked, "yellow", "its runtime starts, meanwhile"),
        Span("first read", asked, asked + float(str(first["seconds"])), "green", "in its init code"),
    ]


def timeline(account: Account, paint: Paint) -> list[str]:
    """Show one cold start."""
    return [paint(f"  {account.language}", "bold"), *paint.timeline(account.spans), ""]


def readings(accounts: Iterable[Account], paint: Paint) -> list[str]:
    """Show what each language got, and how long it took."""
    head = ["language", "read at init", "read in an event", "cold", f"warm (median of {WARM_INVOKES})"]
    rows = [
        [one.language, one.at_init, one.in_event, milliseconds(one.cold_seconds), milliseconds(one.warm_seconds)]
        for one in accounts
    ]
    return [paint("  What each language got", "bold"), *paint.table([head, *rows]), ""]


def served(language: Language, aws: SampleAws, paint: Paint) -> list[str]:
    """Show what the endpoint answers for each prefetched reference."""
    with Stage(language.function, aws, SETTINGS) as stage:
        stage.invoke()
        rows = [[reference, *form(stage.read(f"/value?ref={reference}"))] for reference in SAMPLE_REFERENCES]
    return [paint("  GET /value?ref=…", "bold"), *paint.table([["reference", "cache", "value"], *rows]), ""]


def form(answer: Answer) -> list[str]:
    """Describe an answer: where it came from, and the (sample) value in one line."""
    try:
        text = answer.body.decode()
        text = text if text.isprintable() else f"{len(answer.body)} bytes"
    except UnicodeDecodeError:
        text = f"{len(answer.body)} bytes"
    return [answer.headers.get("X-Sidekey-Cache", f"status {answer.status}"), text]


def rotation(language: Language, aws: SampleAws, paint: Paint) -> list[str]:
    """Rotate the password twice: once the function asks for the new one, once the cache's time runs out."""
    arrow, lines = paint.mark("→", "->"), [paint("  Rotation", "bold")]
    with Stage(language.function, aws, {**SETTINGS, "SECRETS_MANAGER_TTL": "1"}) as stage:
        lines.append(f"  function reads        {arrow} {password(stage)}")
        aws.rotate(DATABASE, '{"user":"app","password":"sample-password-2"}')
        refreshed = stage.read(f"/secretsmanager/get?secretId={DATABASE}&refreshNow=true")
        how = refreshed.headers.get("X-Sidekey-Cache", f"status {refreshed.status}")
        lines.append(f"  rotated, refreshNow   {arrow} {how} in {milliseconds(refreshed.seconds).strip()}")
        lines.append(f"  function reads        {arrow} {seen(stage, 'sample-password-2', paint)}")
        aws.rotate(DATABASE, '{"user":"app","password":"sample-password-3"}')
        lines.append(f"  rotated, TTL of 1 s   {arrow} nobody asks, {waited(stage, 'sample-password-3'):.1f} s pass")
        lines.append(f"  function reads        {arrow} {seen(stage, 'sample-password-3', paint)}")
    return [*lines, ""]


def password(stage: Stage) -> str:
    """Invoke the function and take the password it read."""
    return str(reading(stage, stage.invoke(), "event")["value"])


def seen(stage: Stage, expected: str, paint: Paint) -> str:
    """Invoke the function, which must see the new password."""
    got = password(stage)
    if got != expected:
        msg = f"After the rotation the function read {got}, not {expected}."
        raise DemoError(msg)
    return paint(f"{got} {paint.mark('✓', '(new)')}", "green")


def waited(stage: Stage, expected: str) -> float:
    """Invoke the function now and then until it sees the new password; return how long that took."""
    begun = time.monotonic()
    while password(stage) != expected and time.monotonic() - begun < 10:  # noqa: PLR2004 - `seen` tells
        time.sleep(0.1)
    return time.monotonic() - begun
