"""
The options of an image classification model, and the jobs that follow from them.

    options = ClassificationModel.from_form({"dataset": "20260101-101500-0a1b", ...})
    options.submit(store, form)  # one job per combination of rates and batch sizes
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import field_validator, model_validator

from netloom import registry
from netloom.errors import InvalidOptions, JobNotFound, NetworkTextError, UnknownPlugin
from netloom.interfaces.framework import Framework
from netloom.interfaces.job import Needs, StepPlan
from netloom.interfaces.options import MISSING, FieldError
from netloom.training.fields import (
    AugmentationFields,
    DeviceFields,
    NameFields,
    NetworkFields,
    RateFields,
    RefinementFields,
    SolverFields,
    TransformFields,
)
from netloom.training.job import Train
from netloom.training.later import not_available
from netloom.training.origins import CheckPath, Origin, find_origin, with_snapshot

if TYPE_CHECKING:
    from netloom.store import Store
    from netloom.store.records import Job

MOST_JOBS = 100  # of one sweep
_USABLE = "IWRD"  # status codes of a dataset that is, or is about to be, complete


class ClassificationModel(
    DeviceFields,
    NetworkFields,
    AugmentationFields,
    TransformFields,
    RefinementFields,
    RateFields,
    SolverFields,
    NameFields,
):
    """A network that says to which class an image belongs."""

    type: ClassVar[str] = "Image Classification Model"

    @classmethod
    def from_form(cls, values: Mapping[str, Any]) -> Self:
        """Return the options of a form; raise InvalidOptions with every field that is wrong."""
        values = with_snapshot(values)
        options, errors = None, not_available(values)
        try:
            options = super().from_form({k: v for k, v in values.items() if k not in errors})
        except InvalidOptions as error:
            errors = {**error.errors, **errors}
        if errors or options is None:
            raise InvalidOptions(errors)
        return options

    @field_validator("dataset", "model_name")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError(MISSING)
        return value.strip()

    @field_validator("select_gpus", "select_gpus_list", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _network_exists(self) -> Self:
        try:
            framework = self.engine()
        except UnknownPlugin as error:
            raise FieldError("framework", str(error)) from error
        if self.method == "custom":
            _check_text(framework, self.custom_network)
        elif self.method == "previous":
            if not self.previous_networks.strip():
                raise FieldError("previous_networks", MISSING)
        elif self.method == "pretrained":
            if not self.pretrained_networks.strip():
                raise FieldError("pretrained_networks", MISSING)
        elif self.standard_networks not in framework.networks():
            raise FieldError(
                "standard_networks",
                f"{framework.title} has no standard network {self.standard_networks!r}. "
                f"There are: {', '.join(framework.networks())}.",
            )
        if self.solver_type not in framework.solvers:
            raise FieldError("solver_type", f"{framework.title} has no {self.solver_type}.")
        return self

    @model_validator(mode="after")
    def _momentum_is_used(self) -> Self:
        if self.momentum and self.solver_type in ("ADAGRAD", "ADADELTA"):
            raise FieldError("momentum", f"{self.solver_type} has none. Leave it blank.")
        return self

    @model_validator(mode="after")
    def _stopping_needs_validation(self) -> Self:
        if self.early_stopping and not self.val_interval:
            raise FieldError("early_stopping", "Needs a validation interval of more than 0.")
        return self

    @model_validator(mode="after")
    def _one_gpu(self) -> Self:
        many = "Training on several GPUs is not available yet. Choose one."
        for field in ("select_gpus_list", "select_gpus"):
            if len(self._numbers(field)) > 1:
                raise FieldError(field, many)
        if (self.select_gpu_count or 1) > 1:
            raise FieldError("select_gpu_count", many)
        return self

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        count = len(self.learning_rate) * len(self.batch_size or (None,))
        if count > MOST_JOBS:
            raise FieldError(
                "learning_rate", f"This makes {count} models; at most {MOST_JOBS} at once."
            )
        return self

    def engine(self) -> Framework:
        """Return the framework; raise UnknownPlugin."""
        framework: Framework = registry.find("netloom.frameworks", self.framework)()
        return framework

    def text(self) -> str:
        """Return the text of a standard or custom network; others come with their origin."""
        if self.method == "custom":
            return self.custom_network
        return self.engine().networks()[self.standard_networks].text

    def check_images(self, width: int, height: int) -> None:
        """Raise InvalidOptions when the options do not fit images of this size."""
        if self.crop_size is not None and self.crop_size > min(width, height):
            raise InvalidOptions(
                {
                    "crop_size": [
                        f"A crop of {self.crop_size} x {self.crop_size} does not fit into the "
                        f"images of the dataset, which are {width} x {height}."
                    ]
                }
            )

    def expand(self) -> list[Self]:
        """Return one set of options per combination of batch sizes and rates, named apart."""
        return [
            self.model_copy(
                update={
                    "model_name": self.model_name + self._suffix(batch, rate),
                    "batch_size": None if batch is None else (batch,),
                    "learning_rate": (rate,),
                }
            )
            for batch in self.batch_size or (None,)
            for rate in self.learning_rate
        ]

    def _suffix(self, batch: int | None, rate: float) -> str:
        swept_rate = f" learning_rate:{rate:g}" if len(self.learning_rate) > 1 else ""
        swept_batch = f" batch_size:{batch}" if len(self.batch_size or ()) > 1 else ""
        return swept_rate + swept_batch

    def plan(self, origin: Origin | None = None) -> list[StepPlan]:
        """Return the one step of a single model; sweeps are expanded before."""
        origin = origin or Origin(text=self.text(), network=self.method)
        chosen = self._gpu_ids()
        return [
            StepPlan(
                key="train",
                title="Train Model",
                step=self._step(origin),
                # One CPU slot each, so that a sweep does not start all its trainings at once.
                needs=Needs(gpus=len(chosen) or 1, gpu_ids=chosen, cpus=1),
            )
        ]

    def submit(
        self,
        store: Store,
        form: Mapping[str, Any],
        owner: str | None = None,
        check_path: CheckPath | None = None,
    ) -> list[Job]:
        """Add the jobs to the store; raise InvalidOptions for what it does not have.

        `check_path` confines files of weights to where users may read.
        """
        origin = find_origin(self, store, check_path)
        dataset = self._dataset_of(store)
        width, height = (int(dataset.options[name]) for name in ("resize_width", "resize_height"))
        self.check_images(width, height)
        return [
            store.add_job(
                kind="model",
                type=self.type,
                name=one.model_name,
                owner=owner,
                options=one.model_dump(mode="json"),
                form=form,
                plan=one.plan(origin),
                dataset_id=dataset.id,
                framework=one.framework,
                group=one.group_name,
                facts={"network": origin.network},
            )
            for one in self.expand()
        ]

    def _dataset_of(self, store: Store) -> Job:
        try:
            dataset = store.job(self.dataset)
        except JobNotFound:
            raise InvalidOptions({"dataset": [f"There is no dataset {self.dataset!r}."]}) from None
        if dataset.kind != "dataset" or "resize_width" not in dataset.options:
            raise InvalidOptions({"dataset": [f"{dataset.name!r} is not an image dataset."]})
        if dataset.status not in _USABLE:
            raise InvalidOptions(
                {"dataset": [f"The dataset {dataset.name!r} is not complete. Build it again."]}
            )
        return dataset

    def _step(self, origin: Origin) -> Train:
        drawn = random.SystemRandom().getrandbits(32)
        return Train(
            dataset=self.dataset,
            framework=self.framework,
            network=origin.text,
            initial=origin.initial,
            epochs=self.train_epochs,
            snapshot_interval=self.snapshot_interval,
            val_interval=self.val_interval,
            seed=drawn if self.random_seed is None else self.random_seed,
            repeatable=self.random_seed is not None,
            batch_size=self.batch_size[0] if self.batch_size else None,
            accumulation=self.batch_accumulation or 1,
            solver=self.solver_type,
            rms_decay=self.rms_decay,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            precision=self.precision,
            shuffle=self.shuffle,
            rate=self.learning_rate[0],
            policy=self.policy(),
            crop_size=self.crop_size,
            mean=self.use_mean,
            whiten=self.aug_whitening,
            augmentations=self.augmentations(),
            refinements=self.refinements(),
            memory_limit=None if self.memory_limit is None else self.memory_limit * 2**20,
        )

    def _numbers(self, field: str) -> list[str]:
        parts = str(getattr(self, field)).strip("[] ").split(",")
        return [part.strip() for part in parts if part.strip()]

    def _gpu_ids(self) -> tuple[str, ...]:
        exact = self._numbers("select_gpus_list") or self._numbers("select_gpus")
        if not exact and self.select_gpu not in ("", "next"):
            exact = [self.select_gpu]
        return tuple(exact)


def _check_text(framework: Framework, text: str) -> None:
    if not text.strip():
        raise FieldError("custom_network", MISSING)
    try:
        framework.check(text)
    except NetworkTextError as error:
        raise FieldError("custom_network", str(error)) from error
