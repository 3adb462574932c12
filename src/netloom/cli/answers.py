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
    Print the five most likely classes of each of IMAGES, with the job id of a MODEL.

    Example: netloom classify 20260105-103000-2c3d picture.png
    """
    from netloom import inference
    from netloom.store import open_store

    settings = settings_for(data=data)
    store = open_store(settings)
    directory = store.files.directory(store.job(model).id)
    opened = inference.Model.open(directory, store.snapshot(model, epoch).network)
    predictor = inference.Predictor(opened, max_pixels=settings.decode_pixels)
    for image in images:
        prediction = predictor.classify(image.read_bytes())
        click.echo(str(image))
        for label, percent in prediction.top():
            click.echo(f"  {percent:6.2f} %  {label}")
