"""The command line: ``vigibati <verb>``."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from vigibati import __version__
from vigibati.cli import adapt as cli_adapt
from vigibati.cli import bench as cli_bench
from vigibati.cli import cadastre as cli_cadastre
from vigibati.cli import chips as cli_chips
from vigibati.cli import detect as cli_detect
from vigibati.cli import export as cli_export
from vigibati.cli import model as cli_model
from vigibati.cli import pixels as cli_pixels
from vigibati.cli import prepare as cli_prepare
from vigibati.cli import segment as cli_segment
from vigibati.configs.errors import VigibatiError
from vigibati.configs.extras import extras_told

# As shells report it: 130 for Ctrl-C, 143 for SIGTERM.
_SIGNALLED = 128

app = typer.Typer(
    name="vigibati",
    help="Finds buildings in an orthophoto that the cadastre does not know. A person decides every case.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_MODULES = (
    cli_detect,
    cli_prepare,
    cli_segment,
    cli_pixels,
    cli_cadastre,
    cli_chips,
    cli_model,
    cli_adapt,
    cli_export,
    cli_bench,
)
for module in _MODULES:
    module.add_to(app)


def _version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[  # noqa: ARG001  (eager: its callback answers)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show what the stages log, and tracebacks.")] = False,
) -> None:
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, stream=sys.stderr)


class _Interrupted(BaseException):
    """A signal asked the process to stop; no stage catches it by mistake."""


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise _Interrupted(number)


def main() -> None:
    """Run the command line; exit 0, 2 for bad input, 3 for a partial result, 130 when interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with extras_told():
            app()
    except VigibatiError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"vigibati: {error}", err=True)
        sys.exit(error.exit_code)
    except _Interrupted as signalled:
        typer.echo("vigibati: interrupted; what was finished is kept", err=True)
        sys.exit(_SIGNALLED + signalled.args[0])
