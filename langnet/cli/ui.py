"""`langnet ui`: pages of runs that follow them as they go on, and take what people say."""

from __future__ import annotations

import sys
import webbrowser
from functools import partial

import anyio
import click

from langnet.cli.group import Command, common, note, print_json, run_async

__all__ = ["ui_command"]


@click.command("ui", cls=Command)
@click.argument("runs", nargs=-1, metavar="[RUNS]…", type=click.Path(file_okay=False))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen: on loopback. From elsewhere, go through an SSH tunnel.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Where to listen; 0 takes any that is free.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@common
def ui_command(runs: tuple[str, ...], host: str, port: int, *, opens: bool, as_json: bool) -> None:
    """Show runs in a browser while they go on, and steer them from there.

    RUNS are run directories or folders that hold some, by default runs; what appears in them later
    is shown as well. The address that is printed holds a secret: whoever has it can see and steer
    the runs. Ctrl-C and SIGTERM end the viewer, and no fit.

    Examples:
        langnet ui
        langnet ui runs/dln2-subjectivity-seed0 --open
        langnet ui runs /tmp/other --port 8322
        ssh -L 8322:127.0.0.1:8322 MACHINE
    """
    work = partial(_show, runs or ("runs",), host, port, opens=opens, as_json=as_json)
    try:
        run_async(work)
    except KeyboardInterrupt:  # this is how a viewer ends
        note("The viewer has ended.")


async def _show(runs: tuple[str, ...], host: str, port: int, *, opens: bool, as_json: bool) -> None:
    from langnet.ui import viewing  # noqa: PLC0415 - others need no server

    async with viewing(runs, host=host, port=port) as address:
        if as_json:
            print_json({"url": address, "runs": list(runs)})
        else:
            click.echo(address)
            note(f"Shows {', '.join(runs)}; Ctrl-C ends it.")
        sys.stdout.flush()
        if opens:
            webbrowser.open(address)
        await anyio.sleep_forever()
