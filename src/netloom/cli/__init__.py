"""
The command line: one more thin door.

    netloom serve
    netloom dataset folder_train=/data/birds --name birds
    netloom train dataset=20260105-101500-0a1b standard_networks=lenet --name birds-net

Every command lives beside its kind of work: `serving`, `work`, `answers`, `data`. Modules here
import what is heavy inside their functions, so that `netloom --help` answers at once.
"""

from __future__ import annotations

import os
import sys

import click

from netloom import __version__
from netloom.cli import answers, data, serving, work
from netloom.errors import NetloomError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="netloom %(version)s")
def netloom() -> None:
    """Build image datasets, train networks with live curves, and let them answer."""


for command in (
    serving.serve,
    serving.demo,
    data.download,
    work.dataset,
    work.train,
    answers.classify,
    work.worker,
):
    netloom.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command. What goes wrong is one line on stderr: status 1, or 2 for wrong usage."""
    try:
        status = netloom.main(arguments, prog_name="netloom", standalone_mode=False)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "netloom"
        fail(f"{error.format_message()} See `{command} --help`.", 2)
    except click.ClickException as error:
        fail(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        fail("Stopped.", 130)
    except NetloomError as error:
        fail(str(error), 1)
    except BrokenPipeError:
        # The reader of our output has gone; writing the rest would only complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        fail(f"{error.strerror or error}: {error.filename or 'no file named'}", 1)
    except Exception as error:
        if os.environ.get("NETLOOM_LOG_LEVEL", "").lower() == "debug":
            raise
        fail(
            f"{type(error).__name__}: {error} This is a defect of Netloom; "
            "set NETLOOM_LOG_LEVEL=debug to see where it happened.",
            1,
        )
    else:
        sys.exit(status if isinstance(status, int) else 0)


def fail(sentence: str, status: int) -> None:
    """Say on one line what went wrong, and end."""
    click.echo(f"error: {' '.join(sentence.split())}", err=True)
    sys.exit(status)
