"""
The step `train`: from a dataset and a network text to a model directory.

Leaves `network.py` (the text), `model.json` with the mean image, `labels.txt`, a snapshot
for each interval, and the checkpoint from which an interrupted training goes on.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from netloom import datasets, registry
from netloom.datasets.entries import LABELS, write_labels
from netloom.errors import BadDataset, NetloomError, NetworkTextError, OutOfMemory
from netloom.images import Preprocessing
from netloom.interfaces.framework import BuildInputs, BuiltNetwork, Framework
from netloom.interfaces.job import Step, StepRun
from netloom.networks import blame, summarize
from netloom.networks.card import ModelCard
from netloom.training import checkpoint, memory, threads
from netloom.training.augment import Augmentations
from netloom.training.initial import Initial, begin_from
from netloom.training.marks import Marks
from netloom.training.rates import RatePolicy
from netloom.training.refinements import Refinements

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from netloom.training.data import Images
    from netloom.training.loop import Course, Training
    from netloom.training.objective import Loss

DEFAULT_BATCH = 16
CHECKED_SAMPLES = 16  # images on which an exported network is compared
MEMORY_SHARE = 3  # decoded images may take one part in this many of the free memory
_SMALLER_HINT = "Choose a smaller batch size, a smaller crop or a smaller network."


class Train(Step):
    """Fits a network to a dataset and exports it as a model."""

    name: ClassVar[str] = "train"

    dataset: str  # id of the job that built it
    framework: str = "pytorch"
    network: str  # the text
    epochs: int = 30
    snapshot_interval: float = 1.0  # epochs; 0 is only at the end
    val_interval: float = 1.0  # epochs; 0 is never
    seed: int = 0
    repeatable: bool = False  # the user gave the seed, so the result must repeat to the bit
    batch_size: int | None = None  # None: the network's own, else 16
    accumulation: int = 1
    solver: str = "SGD"
    rms_decay: float = 0.99
    momentum: float | None = None
    weight_decay: float | None = None
    precision: Literal["float32", "bf16"] = "float32"
    shuffle: bool = True
    rate: float = 0.01
    policy: RatePolicy = RatePolicy(name="step", step_size=33, gamma=0.1)
    crop_size: int | None = None
    mean: Literal["none", "image", "pixel"] = "image"
    whiten: bool = False
    augmentations: Augmentations = Augmentations()
    refinements: Refinements = Refinements()
    memory_limit: int | None = None  # bytes for decoded images; None: a third of the free memory
    initial: Initial | None = None  # weights to start from; None: by chance
    continues: str = ""  # id of the training whose checkpoint this one begins with

    def environment(self) -> dict[str, str]:
        """Return how the threads of this process wait and how it keeps its memory."""
        return threads.environment(repeatable=self.repeatable) | memory.environment()

    def run(self, run: StepRun) -> None:
        """Train, or go on training, in `run.directory`."""
        import torch

        try:
            self._training(run).fit()
        except NetloomError:
            raise
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise OutOfMemory(hint=_SMALLER_HINT) from error
        except Exception as error:
            if "DefaultCPUAllocator" in str(error):  # the CPU's way to say it has no memory
                raise OutOfMemory(hint=_SMALLER_HINT) from error
            if "more than 1 value per channel" in str(error):  # said by batch normalisation
                raise NetworkTextError(
                    "Batch normalisation cannot learn from a batch of one image.",
                    hint="Choose a batch size of 2 or more.",
                ) from error
            blamed = blame(error)
            if blamed is None:
                raise
            raise blamed from error

    def _training(self, run: StepRun) -> Training:
        """Put together what a training needs."""
        import torch

        from netloom.training.data import Input
        from netloom.training.export import Exporter
        from netloom.training.loop import Training
        from netloom.training.snapshots import Snapshots

        device = _device(torch, run)
        # The slots lent limit how many trainings run at once; cores that are idle are used as well.
        cores = threads.Threads(torch, threads.available_cores(), adaptive=not self.repeatable)
        self._seed(torch)
        dataset = datasets.open(run.directory_of(self.dataset))
        preprocessing = self._preprocessing(dataset)
        network = self._build(dataset, preprocessing, device)
        self._begin(network, run)
        card = _write_model(run.directory, self, dataset, preprocessing)
        train, val = self._images(dataset, device, cores.most)
        module: Any = network.module  # torch declares no `to` with a memory format
        module = module.to(device, memory_format=torch.channels_last)
        course = self._course(network, train, val, classes=len(dataset.classes))
        run.record(
            {
                "epochs": self.epochs,
                "iterations": course.marks.total,
                "batch_size": course.batch_size,
                "seed": self.seed,
                "path": train.path,
                "device": _device_name(torch, device),
                "network": summarize(module, preprocessing.input_shape).as_facts(),
            }
        )
        return Training(
            network=network,
            optimiser=self._optimiser(module),
            loss=self._objective(network, dataset, device),
            train=train,
            val=val,
            prepare=Input(preprocessing, device),
            course=course,
            snapshots=Snapshots(
                module, Exporter(module, _samples(dataset, preprocessing)), card, run
            ),
            threads=cores,
            run=run,
        )

    def _begin(self, network: BuiltNetwork, run: StepRun) -> None:
        """Take over what the training starts from, unless it is already under way."""
        if checkpoint.exists(run.directory):
            return
        if self.continues:
            checkpoint.adopt(run.directory_of(self.continues), run.directory)
            run.record({"continues": self.initial.what if self.initial else self.continues})
        elif self.initial is not None:
            begin_from(self.initial, network.module, run)

    def _course(
        self, network: BuiltNetwork, train: Images, val: Images | None, *, classes: int
    ) -> Course:
        from netloom.training.data import count_steps
        from netloom.training.loop import Course

        batch = self.batch_size or network.train_batch_size or DEFAULT_BATCH
        return Course(
            marks=Marks.of(
                images=len(train),
                steps=count_steps(len(train), batch, self.accumulation),
                epochs=self.epochs,
                snapshot_interval=self.snapshot_interval,
                val_interval=0 if val is None else self.val_interval,
            ),
            batch_size=batch,
            accumulation=self.accumulation,
            val_batch_size=network.val_batch_size or batch,
            rate=self.rate,
            policy=self.policy,
            seed=self.seed,
            augmentations=self.augmentations,
            refinements=self.refinements,
            shuffle=self.shuffle,
            bf16=self.precision == "bf16",
            classes=classes,
        )

    def _optimiser(self, module: Any) -> Optimizer:
        from netloom.training.optimisers import optimiser

        return optimiser(
            self.solver,
            module.parameters(),
            rate=self.rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            rms_decay=self.rms_decay,
        )

    def _seed(self, torch: Any) -> None:
        # A network text may draw from any of them.
        torch.manual_seed(self.seed)
        np.random.seed(self.seed % 2**32)
        random.seed(self.seed)
        torch.backends.cudnn.deterministic = self.repeatable
        torch.backends.cudnn.benchmark = not self.repeatable

    def _preprocessing(self, dataset: datasets.Dataset) -> Preprocessing:
        made = dataset.preprocessing
        if self.mean != "none" and dataset.mean is None:
            raise BadDataset(
                "The dataset has no mean image.", hint="Choose 'none' as the mean to subtract."
            )
        with_mean = made.with_mean(self.mean, dataset.mean)
        return with_mean.with_changes(
            crop_width=self.crop_size, crop_height=self.crop_size, whiten=self.whiten
        )

    def _build(
        self, dataset: datasets.Dataset, preprocessing: Preprocessing, device: Any
    ) -> BuiltNetwork:
        framework: Framework = registry.find("netloom.frameworks", self.framework)()
        inputs = BuildInputs(
            input_shape=preprocessing.input_shape,
            classes=len(dataset.classes),
            crop_size=self.crop_size,
            gpus=1 if device.type == "cuda" else 0,
        )
        return framework.build(self.network, inputs)

    def _objective(self, network: BuiltNetwork, dataset: datasets.Dataset, device: Any) -> Loss:
        import torch

        from netloom.training.objective import balanced_weights, objective

        weights = None
        if self.refinements.class_weights == "balanced":
            labels = dataset.split("train").labels()
            weights = torch.from_numpy(balanced_weights(labels, len(dataset.classes))).to(device)
        smoothing = self.refinements.label_smoothing
        return objective(network.loss, weights=weights, smoothing=smoothing)

    def _images(
        self, dataset: datasets.Dataset, device: Any, cores: int
    ) -> tuple[Images, Images | None]:
        from netloom.training.data import decoded_bytes, open_images

        split = dataset.split("train")
        if not len(split):
            raise BadDataset("The dataset has no training images.")
        room = _free_memory() // MEMORY_SHARE if self.memory_limit is None else self.memory_limit
        train = open_images(split, device, room, cores)
        if "val" not in dataset.splits or not len(dataset.split("val")) or not self.val_interval:
            if self.refinements.patience:
                raise BadDataset(
                    "Nothing is validated, so nothing says when to stop early.",
                    hint="Take a dataset with validation images, or turn early stopping off.",
                )
            return train, None
        left = room - decoded_bytes(split) if train.path == "memory" else room
        return train, open_images(dataset.split("val"), device, left, cores)


def _device(torch: Any, run: StepRun) -> Any:
    if run.gpus and not torch.cuda.is_available():
        run.log("torch cannot use the GPU: training on the CPU", "warning")
    return torch.device("cuda" if run.gpus and torch.cuda.is_available() else "cpu")


def _device_name(torch: Any, device: Any) -> str:
    return str(torch.cuda.get_device_name(device)) if device.type == "cuda" else "CPU"


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _write_model(
    directory: Path, step: Train, dataset: datasets.Dataset, preprocessing: Preprocessing
) -> ModelCard:
    """Write everything of the model but its networks; return what its card says."""
    framework: Framework = registry.find("netloom.frameworks", step.framework)()
    (directory / framework.file).write_text(step.network, encoding="utf-8")
    write_labels(directory / LABELS, dataset.classes)
    card = ModelCard(
        framework=step.framework,
        classes=dataset.classes,
        preprocessing=preprocessing,
        dataset_id=step.dataset,
    )
    card.write(directory)
    return card


def _samples(dataset: datasets.Dataset, preprocessing: Preprocessing) -> Any:
    """Return inputs of some validation images, spread over the split."""
    names = [name for name in ("val", "train") if name in dataset.splits]
    split = next(dataset.split(name) for name in names if len(dataset.split(name)))
    every = math.ceil(len(split) / CHECKED_SAMPLES)
    return preprocessing.tensor(split.read(range(0, len(split), every)))
