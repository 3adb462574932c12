"""`netloom serve` and `netloom demo`: the workbench, and a walk through it."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netloom.cli.common import data_option, settings_for
from netloom.errors import BadSettings, NetloomError

if TYPE_CHECKING:
    from fastapi import FastAPI


@click.command()
@click.option("--host", help="Address to listen on; only those of this machine.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one.")
@data_option
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Folder from which users may read images by path; repeat for several.",
)
def serve(host: str | None, port: int | None, data: Path | None, roots: tuple[Path, ...]) -> None:
    """
    Start the workbench.

    Example: netloom serve --port 5000 --root /srv/images
    """
    from netloom.app import create_app

    settings = settings_for(host=host, port=port, data=data, data_roots=roots or None)
    log_to_stderr(settings.log_level.upper())
    app = create_app(settings)
    with listen(settings.host, settings.port) as door:
        run_server(app, door)


def log_to_stderr(level: str) -> None:
    """Log what Netloom has to say from this level on, and of the libraries only what is wrong."""
    logging.basicConfig(
        level=max(logging.getLevelNamesMapping()[level], logging.WARNING),
        format="%(asctime)s [%(levelname)s] %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("netloom").setLevel(level)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound; raise BadSettings when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise BadSettings(
            f"Port {port} on {host} cannot be used: {error.strerror}.",
            hint="Stop the program that holds it, or choose another with --port.",
        ) from None
    return door


def run_server(app: FastAPI, door: socket.socket) -> None:
    """Serve until a signal says stop; the first line on stdout is the address."""
    import uvicorn

    class Workbench(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                click.echo(f"Netloom answers at {address(door)}")
                sys.stdout.flush()

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",  # its own starts and stops say nothing new
        access_log=False,
        # Pages that listen for events never close their connection by themselves.
        timeout_graceful_shutdown=2,
    )
    server = Workbench(config)
    try:
        server.run(sockets=[door])
    except KeyboardInterrupt:
        return
    if not server.started:
        raise NetloomError("The server could not start.", hint="The lines above say why.")


def address(door: socket.socket) -> str:
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path.home() / ".netloom-demo",
    show_default="~/.netloom-demo",
    help="Data folder of the demo.",
)
@click.option("--epochs", type=click.IntRange(1), default=15, show_default=True)
@click.option(
    "--keep/--no-keep",
    default=None,
    help="Keep the server running at the end; asked for when absent and a terminal is there.",
)
def demo(data: Path, epochs: int, keep: bool | None) -> None:
    """
    Walk the whole path on real handwritten digits: dataset, training, an answer over HTTP.

    Example: netloom demo --keep
    """
    from netloom.demo.path import run

    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    wanted = interactive if keep is None else keep
    reached = run(data.absolute(), epochs=epochs, say=say, linger=until_enough if wanted else None)
    if not reached:
        raise NetloomError("The accuracy stayed below 97 %.", hint="Run it again with more epochs.")


def say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def until_enough() -> None:
    """Wait for Ctrl-C."""
    import threading

    click.echo("the server goes on; press Ctrl-C to stop it")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()
