"""`scripts/publish`: what can be asked, and what is said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import boto3

from layer.assembly import REPOSITORY
from layer.publication import Audience, Order, PublishError, publish, table


def main(arguments: list[str] | None = None) -> int:
    """Publish, print the table, and say what could not be published."""
    try:
        outcomes, problems = publish(order(_parser().parse_args(arguments)), boto3.client, progress)
    except PublishError as error:
        outcomes, problems = [], [str(error)]
    sys.stdout.write(f"{table(outcomes)}\n" if outcomes else "")
    for problem in problems:
        progress(f"publish: {problem}")
    return 1 if problems else 0


def order(asked: argparse.Namespace) -> Order:
    """Return the order that the command line makes."""
    return Order(
        dist=asked.dist,
        regions=tuple(dict.fromkeys(asked.region)),
        name=asked.name,
        audience=Audience(public=asked.public, organization=asked.organization),
        parameter=asked.parameter,
        dry_run=asked.dry_run,
    )


def progress(line: str) -> None:
    """Tell people, apart from the table."""
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/publish", description="Publish the built layers.")
    parser.add_argument("--region", action="append", required=True, help="where to publish; again for more regions")
    parser.add_argument("--name", default="sidekey", help="the layers are NAME-x86_64 and NAME-arm64")
    audience = parser.add_mutually_exclusive_group()
    audience.add_argument("--public", action="store_true", help="let every AWS account use them")
    audience.add_argument("--organization", metavar="ID", help="let this AWS organisation use them (o-...)")
    parser.add_argument("--parameter", default="/sidekey/layers", help="PARAMETER/x86_64/latest holds the newest ARN")
    parser.add_argument("--no-parameter", dest="parameter", action="store_const", const=None, help="store none")
    parser.add_argument("--dist", type=Path, default=REPOSITORY / "dist", help="where `make layer` put the zips")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    return parser
