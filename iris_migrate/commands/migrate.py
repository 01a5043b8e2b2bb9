"""`migrate`: a run. With --auto without a terminal, else at the frontend that fits the terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.exits import INTERRUPTED, MISSING, WAITING, WRONG

if TYPE_CHECKING:
    from iris_migrate.auto import AutoOperator
    from iris_migrate.engine.results import CheckResult


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    auto_arguments(parser)


def auto_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that can run without a terminal takes."""
    parser.add_argument("--auto", action="store_true", help="no questions: consent to what costs or interrupts")
    parser.add_argument("--answers", metavar="FILE", help="YAML: step id to the operator's answer")
    parser.add_argument("--confirm", metavar="PHRASE", default="", help="agree to what destroys")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--plain", action="store_true", help="the numbered frontend")


def run(args: argparse.Namespace) -> int:
    import asyncio

    if getattr(args, "auto", False):
        return asyncio.run(auto(args))
    from iris_migrate.plain import guided

    return asyncio.run(guided(args))


async def auto(args: argparse.Namespace, environment: dict[str, str] | None = None) -> int:
    """A run that consents by rule; narration on standard error, the result on standard output."""
    from iris_migrate.auto import AutoOperator
    from iris_migrate.commands.session import options
    from iris_migrate.engine.session import Session
    from iris_migrate.narration import Narrator
    from iris_migrate.reports.show import show

    operator = AutoOperator(say=_say, answers=_answers(args.answers), phrase=args.confirm)
    session = await Session(options(args, environment), operator).open()
    session.listen(Narrator(_say, session.checklist))
    try:
        result = await session.run()
    finally:
        await session.close()
    show(result, args.format)
    return _code(operator, result)


def _code(operator: AutoOperator, result: CheckResult) -> int:
    stopped = {"changed": WAITING, "destroys": WAITING, "operator": WAITING, "failed": WRONG, "host-key": MISSING}
    return stopped.get(operator.stopped, result.exit_code)


def _answers(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    from iris_migrate.exits import UsageError

    try:
        found = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: the answers cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path}: expected a mapping of step id to answer")
    return {str(step): str(answer) for step, answer in found.items()}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


__all__ = ["INTERRUPTED", "arguments", "auto", "auto_arguments", "run"]
