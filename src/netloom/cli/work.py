"""`netloom dataset`, `train` and `worker`: jobs, from the terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netloom.cli.common import OptionsCommand, assignments, data_option, options_for, settings_for
from netloom.errors import StepFailed

if TYPE_CHECKING:
    from netloom.interfaces.options import Options
    from netloom.store import Store
    from netloom.store.records import Job, Step


def dataset_options() -> type[Options]:
    from netloom.datasets import ClassificationDataset

    return ClassificationDataset


def model_options() -> type[Options]:
    from netloom.training import ClassificationModel

    return ClassificationModel


@click.command(cls=OptionsCommand, kind=dataset_options)
@click.argument("options", metavar="OPTION=VALUE...", nargs=-1)
@click.option("--name", help="Name of the dataset; that of the folder or list when absent.")
@data_option
def dataset(options: tuple[str, ...], name: str | None, data: Path | None) -> None:
    """
    Build a dataset from a folder with one sub-folder of images per class, or from text files.

    \b
    Examples:
      netloom dataset folder_train=/data/birds resize_width=64 resize_height=64
      netloom dataset textfile_train_images=train.txt textfile_labels_file=labels.txt
    """
    from netloom.store import open_store

    values = dataset_values(assignments(options, dataset_options()))
    values["dataset_name"] = name or _name_of(values)
    checked: Any = options_for(dataset_options(), values)
    store = open_store(settings_for(data=data))

    def add() -> list[Job]:
        job = store.add_job(
            kind="dataset",
            type=checked.type,
            name=checked.dataset_name,
            owner=None,
            options=checked.model_dump(mode="json"),
            form=checked.remembered(),
            plan=checked.plan(),
            group=checked.group_name,
        )
        return [job]

    finish(store, add)


def dataset_values(given: dict[str, str]) -> dict[str, str]:
    """Return the fields of a form for those of the terminal, where every list is a local file."""
    from netloom.images import is_url

    fields = dataset_options().describe()
    uploads = {field.name for field in fields if field.extra.get("widget") == "file"}
    paths = {field.name for field in fields if field.extra.get("widget") == "path"}
    values = {
        name.replace("textfile_", "textfile_local_") if name in uploads else name: value
        for name, value in given.items()
    }
    local = {name for name in paths & values.keys() if not is_url(values[name])}
    values |= {name: os.path.abspath(values[name]) for name in local}
    if any(name.startswith("textfile_") for name in values):
        values["textfile_use_local_files"] = "true"
        values.setdefault("method", "textfile")
        for split in ("val", "test"):
            used = f"textfile_local_{split}_images" in values
            values.setdefault(f"textfile_use_{split}", str(used).lower())
    return values


def _name_of(values: dict[str, str]) -> str:
    """Return the name of the folder, or of the list, for a dataset without one."""
    if values.get("method") == "textfile":
        return Path(values.get("textfile_local_train_images", "")).stem
    return Path(values.get("folder_train", "")).name


@click.command(cls=OptionsCommand, kind=model_options)
@click.argument("options", metavar="OPTION=VALUE...", nargs=-1)
@click.option("--name", help="Name of the model; that of the network when absent.")
@data_option
def train(options: tuple[str, ...], name: str | None, data: Path | None) -> None:
    """
    Train a network on a dataset.

    Example: netloom train dataset=20260105-101500-0a1b standard_networks=lenet train_epochs=10
    """
    from netloom.store import open_store

    values = assignments(options, model_options())
    values["model_name"] = name or values.get("standard_networks", "network")
    checked: Any = options_for(model_options(), values)
    store = open_store(settings_for(data=data))
    finish(store, lambda: checked.submit(store, checked.model_dump(mode="json")))


def finish(store: Store, add: Callable[[], list[Job]]) -> None:
    """
    Add jobs and follow them to their ends, one after the other.

    Ctrl-C aborts those that have not ended; what has been trained so far stays. Raise
    StepFailed for the first that failed, after the others have had their turn.
    """
    from netloom.cli.follow import follow, interrupts

    failed: list[Step] = []
    aborted = False
    with interrupts() as asked:
        for added in add():
            click.echo(f"{added.kind} {added.id}: {added.name}")
            job = follow(store, added.id, asked)
            aborted |= job.status == "A"
            failed += [step for step in job.steps if step.status == "E"]
            if job.status == "D":
                click.echo(f"{job.id} is done")
    if failed:
        raise StepFailed(failed[0].error, hint=failed[0].hint)
    if aborted:
        raise click.Abort


@click.command(hidden=True)
@click.argument("step", type=int)
@click.option("--attempt", type=int, required=True)
def worker(step: int, attempt: int) -> None:
    """Run one step of a job in this process; started by a scheduler."""
    from netloom.jobs.worker import main

    raise SystemExit(main([str(step), "--attempt", str(attempt)]))
