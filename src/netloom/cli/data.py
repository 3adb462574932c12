"""`netloom download`: well-known datasets as folders of images."""

from __future__ import annotations

from pathlib import Path

import click

from netloom.cli.follow import Screen


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

    stages = Stages(name)
    try:
        fetch(name, folder, source=source, progress=stages.show)
    finally:
        stages.screen.close()
    click.echo(f"{name} is in {folder}")


class Stages:
    """Shows how far each stage is: in place on a terminal, each tenth on a line elsewhere."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.screen = Screen()
        self.shown: tuple[str, int] | None = None

    def show(self, stage: str, share: float) -> None:
        """Show a share (0..1) of a stage, which is over with 1."""
        text = f"{self.name}: {stage} {share:4.0%}"
        if self.screen.moves and share < 1:
            self.screen.rewrite(text)
        elif self.shown != (stage, int(share * 10)):
            self.screen.line(text)
        self.shown = stage, int(share * 10)
