"""The command line: ``vigibati <verb>``."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import click
import typer

from vigibati import __version__, cli_bench, cli_cadastre, cli_detect, cli_model, cli_pixels
from vigibati.configs.errors import VigibatiError

_INTERRUPTED = 130

app = typer.Typer(
    name="vigibati",
    help="Finds buildings in an orthophoto that the cadastre does not know. A person decides every case.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (cli_detect, cli_pixels, cli_cadastre, cli_model, cli_bench):
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
    click.get_current_context().obj = debug


def main() -> None:
    """Run the command line; exit 0, 2 for bad input, 3 for a partial result, 130 when interrupted."""
    sys.exit(_run())


def _run() -> int:
    try:
        # A verb that ends with typer.Exit makes its code the return value.
        code = app(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except VigibatiError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"vigibati: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        typer.echo("vigibati: interrupted; nothing that was finished is lost", err=True)
        return _INTERRUPTED
    return code if isinstance(code, int) else 0
