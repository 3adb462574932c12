"""Which evaluation a request means: a snapshot of a model, a dataset and one of its splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from netloom.errors import InvalidInput, JobNotFound
from netloom.store import Job
from netloom.web.evaluations import Wanted
from netloom.web.site import Site
from netloom.web.workbench.asked import Asked
from netloom.web.workbench.datasets import dataset_job
from netloom.web.workbench.described import plain_epoch
from netloom.web.workbench.explore import check_done

if TYPE_CHECKING:
    from netloom.inference.results import Ints

PATH = "/models/images/classification/evaluate"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model, a split, and how they fit together."""

    job: Job
    dataset: Job
    wanted: Wanted
    classes: tuple[str, ...]  # of the model
    numbers: Ints  # of the dataset's classes in the model
    images: int
    remark: str  # where the dataset was made in another way than the model's own

    @property
    def epoch(self) -> int | float:
        """Return the epoch of the snapshot."""
        return plain_epoch(self.wanted.target.epoch)

    @property
    def split(self) -> str:
        """Return the name of the split."""
        return self.wanted.split

    def fields(self) -> dict[str, str]:
        """Return the fields that ask for it again."""
        return {
            "job_id": self.job.id,
            "snapshot_epoch": str(self.epoch),
            "dataset_id": self.dataset.id,
            "split": self.split,
        }

    def url(self, suffix: str = "", **more: object) -> str:
        """Return the address of the page or of a part of it."""
        chosen = {name: value for name, value in more.items() if value not in (None, "")}
        return f"{PATH}{suffix}?{urlencode({**self.fields(), **chosen})}"


def model_of(site: Site, asked: Asked) -> Job:
    """Return the model that is asked for; raise JobNotFound."""
    job = site.store.job(asked.job_id)
    if job.kind != "model":
        raise JobNotFound(f'"{job.name}" is not a model.', hint="Give the id of a model.")
    return job


def subject_of(site: Site, asked: Asked, job: Job) -> Subject:
    """Return what is to be evaluated; raise InvalidInput or NotFound if it does not fit."""
    from netloom import datasets
    from netloom.inference.results import check_fit, numbers_of
    from netloom.networks.card import ModelCard

    for name in ("dataset_id", "split"):
        if not asked.text(name):
            raise InvalidInput(f"{name} is a required field", field=name)
    dataset, split = dataset_job(site, asked.text("dataset_id")), asked.text("split")
    check_done(dataset, split)
    target = site.models.target(job.id, asked.epoch)
    card = ModelCard.read(target.directory)
    made = datasets.open(site.store.files.directory(dataset.id))
    remark = check_fit(made.preprocessing, card.preprocessing)
    return Subject(
        job=job,
        dataset=dataset,
        wanted=Wanted(target, job.id, target.network, dataset.id, split),
        classes=card.classes,
        numbers=numbers_of(made.classes, card.classes),
        images=_images(site, dataset, split),
        remark=remark,
    )


def _images(site: Site, dataset: Job, split: str) -> int:
    images = len(site.datasets.split(dataset.id, split))
    if not images:
        raise InvalidInput(f"The {split} split has no image.", field="split")
    return images
