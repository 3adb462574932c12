"""`netloom download`: well-known datasets as folders of images."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name", type=click.Choice(["mnist", "cifar10"]))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--from", "source", help="Folder or URL with the original files; their home when absent."
)
def download(name: str, folder: Path, source: str | None) -> None:
    """
    Make FOLDER/train and FOLDER/test, one sub-folder of PNG images per class.

    Example: netloom download mnist /data/mnist --from /mirror/mnist
    """
    from netloom.datasets.download import download as fetch

    with click.progressbar(length=100, label=name) as bar:
        fetch(
            name,
            folder,
            source=source,
            progress=lambda share: bar.update(int(share * 100) - bar.pos),
        )
    click.echo(f"{name} is in {folder}")
