"""`netloom classify`: what a trained model says about images."""

from __future__ import annotations

from pathlib import Path

import click

from netloom.cli.common import data_option, settings_for


@click.command()
@click.argument("model")
@click.argument(
    "images", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--epoch", type=float, help="Snapshot to use; the latest when absent.")
@data_option
def classify(model: str, images: tuple[Path, ...], epoch: float | None, data: Path | None) -> None:
    """
    Print the five most likely classes of each of IMAGES.

    Example: netloom classify 20260105-103000-2c3d picture.png
    """
    from netloom.inference import Predictor
    from netloom.store import open_store

    store = open_store(settings_for(data=data))
    snapshot = store.snapshot(model, epoch)
    predictor = Predictor.open(store.files.directory(model), snapshot.network)
    for image in images:
        prediction = predictor.classify(image.read_bytes())
        click.echo(str(image))
        for label, score in prediction.top(5):
            click.echo(f"  {score:7.2%}  {label}")
