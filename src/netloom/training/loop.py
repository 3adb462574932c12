"""
The training itself: it reads from top to bottom.

`Training.fit` goes on from the checkpoint, if there is one, and ends at the last iteration
or when the run is asked to stop. An iteration is one step of the optimiser.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from netloom.errors import TrainingDiverged
from netloom.interfaces.framework import BuiltNetwork
from netloom.interfaces.job import MetricPoint, StepRun
from netloom.training import checkpoint
from netloom.training.augment import Augmentations
from netloom.training.average import Average
from netloom.training.data import Images, Input, epoch_order
from netloom.training.evaluate import evaluate
from netloom.training.lesson import Batch, Lesson
from netloom.training.marks import Marks
from netloom.training.mixing import Mixing
from netloom.training.objective import Loss
from netloom.training.patience import Patience
from netloom.training.rates import RatePolicy
from netloom.training.refinements import Refinements
from netloom.training.snapshots import Snapshots
from netloom.training.threads import Threads
from netloom.training.views import Views

if TYPE_CHECKING:
    from torch import optim

LOOK = 0.2  # seconds between two looks at the clock's tasks: stop, threads, progress
CHECKPOINT_EVERY = 60.0  # seconds, at most, between two checkpoints
FACTS_EVERY = 1.0  # seconds between two writes of the facts
CHECKPOINT_COST = 0.02  # share of the time that checkpoints at events may take


class Stopped(Exception):
    """The run was asked to stop."""


@dataclass
class Progress:
    """Where the training is; kept in the checkpoint."""

    iteration: int = 0
    pending: bool = True  # what is due after this iteration is not done yet
    window_loss: float = 0.0  # sum over the images since the last log point
    window_images: int = 0
    images_per_s: float = 0.0  # in the last window
    patience: dict[str, Any] = field(default_factory=dict)  # what validation said so far


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a training follows; the same for every attempt."""

    marks: Marks
    batch_size: int
    accumulation: int
    val_batch_size: int
    rate: float
    policy: RatePolicy
    seed: int
    augmentations: Augmentations
    refinements: Refinements
    shuffle: bool
    bf16: bool
    classes: int


class Training:
    """One training of one network."""

    def __init__(
        self,
        network: BuiltNetwork,
        optimiser: optim.Optimizer,
        loss: Loss,
        train: Images,
        val: Images | None,
        prepare: Input,
        course: Course,
        snapshots: Snapshots,
        threads: Threads,
        run: StepRun,
    ) -> None:
        import torch

        self.network, self.optimiser = network, optimiser
        self.train, self.val, self.prepare = train, val, prepare
        self.course, self.marks = course, course.marks
        self.snapshots, self.threads, self.run = snapshots, threads, run
        self.device = next(network.module.parameters()).device
        wanted, module = course.refinements, network.module
        self.patience = Patience(wanted.patience)
        self.average = Average(module, wanted.average_decay) if wanted.average_decay else None
        self.lesson = Lesson(
            module,
            optimiser,
            loss,
            Views(prepare, course.augmentations, seed=course.seed),
            Mixing(mixup=wanted.mixup, cutmix=wanted.cutmix, seed=course.seed),
            largest_gradient=wanted.largest_gradient,
            bf16=course.bf16,
        )
        self.at = Progress()
        self.window_loss: Any = torch.zeros((), device=self.device)
        self._timed_images = 0  # since `_window_begun`; validation and snapshots do not count
        self._begun = self._window_begun = self._looked = self._saved = time.perf_counter()
        self._told = 0.0
        self._begun_at = 0  # the iteration from which this attempt went on
        self._save_took = 0.0

    def fit(self) -> None:
        """Train to the last iteration, or until there is a reason to stop."""
        self._resume()
        self.network.module.train()
        try:
            self._do_what_is_due()
            while not self._ended():
                for batches in self._epoch():
                    self._learn(batches)
                    self._do_what_is_due()
                    self._look()
                    if self._ended():
                        break
        except Stopped:
            self._save()
            self.run.log(f"Stopped after epoch {self.marks.epoch(self.at.iteration):g}")

    def _ended(self) -> bool:
        return self.at.iteration >= self.marks.total or self.patience.exhausted

    # One iteration.

    def _epoch(self) -> Iterator[list[Batch]]:
        """Yield the batches of each iteration that is left of the current epoch."""
        course, count = self.course, len(self.train)
        epoch, done = divmod(self.at.iteration, self.marks.steps)
        order = epoch_order(count, seed=course.seed, epoch=epoch, shuffle=course.shuffle)
        self.lesson.views.begin(epoch, count, self.device)
        place = done * course.batch_size * course.accumulation
        group: list[Batch] = []
        with contextlib.closing(self._batches(order, place)) as batches:
            for pixels, labels in batches:
                group.append((pixels, labels, place))
                place += len(labels)
                if len(group) == course.accumulation or place == count:
                    yield group
                    group = []

    def _batches(self, order: Any, place: int) -> Any:
        return self.train.batches(order, self.course.batch_size, place)

    def _learn(self, batches: list[Batch]) -> None:
        """Take one step of the optimiser."""
        self.lesson.learn(batches, self._rate(self.at.iteration), self.window_loss)
        images = sum(len(labels) for _, labels, _ in batches)
        self.at.window_images += images
        self._timed_images += images
        self.at.iteration += 1
        if self.average is not None:
            self.average.follow(self.at.iteration)
        self.at.pending = self.marks.due(self.at.iteration)

    def _rate(self, iteration: int) -> float:
        return self.course.policy.rate(self.course.rate, 100 * iteration / self.marks.total)

    # What is due from time to time.

    def _do_what_is_due(self) -> None:
        """Log, validate, take a snapshot; nothing is recorded when a stop comes in between."""
        if not self.at.pending:
            return
        iteration, marks = self.at.iteration, self.marks
        trained = self._log_values() if marks.log_due(iteration) else {}
        validated: dict[str, float] = {}
        if self.val is not None and marks.validation_due(iteration):
            with self._averaged():
                validated = self._validate(self.val)
            self.patience.see(validated)
        self._record("train", trained)
        self._record("val", validated)
        if trained:
            self.at.window_images = 0
            self.window_loss.zero_()
        if marks.snapshot_due(iteration) or self.patience.exhausted:
            with self._averaged():
                self.snapshots.take(marks.epoch(iteration), iteration, validated)
        self.at.pending = False
        self._show()
        if self.patience.exhausted and iteration < marks.total:
            self._tell_early_end()
        last = self._ended()
        if time.perf_counter() - self._saved > self._save_took / CHECKPOINT_COST or last:
            self._save()
        self._window_begun, self._timed_images = time.perf_counter(), 0

    def _tell_early_end(self) -> None:
        epoch = self.marks.epoch(self.at.iteration)
        self.run.record({"stopped_early": epoch})
        self.run.log(
            f"Stopped early after epoch {epoch:g}: {self.patience.waited} validations in a row "
            "were not better than the best"
        )

    def _log_values(self) -> dict[str, float]:
        loss = float(self.window_loss) / self.at.window_images
        _refuse_divergence(loss, "training", self.marks.epoch(self.at.iteration))
        if self._timed_images:  # else this attempt begins here: the speed is that of the last one
            self.at.images_per_s = self._timed_images / (time.perf_counter() - self._window_begun)
        rate = self._rate(self.at.iteration - 1)
        return {"loss": loss, "learning_rate": rate, "throughput": self.at.images_per_s}

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        return self.average.inside() if self.average else contextlib.nullcontext()

    def _validate(self, val: Images) -> dict[str, float]:
        values = evaluate(
            self.network,
            val,
            self.prepare,
            batch_size=self.course.val_batch_size,
            classes=self.course.classes,
            look=self._look,
        )
        _refuse_divergence(values["loss"], "validation", self.marks.epoch(self.at.iteration))
        return values

    def _record(self, split: str, values: dict[str, float]) -> None:
        iteration = self.at.iteration
        epoch = self.marks.epoch(iteration)
        self.run.metrics(
            [
                MetricPoint(series=name, split=split, iteration=iteration, epoch=epoch, value=value)
                for name, value in values.items()
            ]
        )

    def _look(self) -> None:
        """Do what must not wait for the end of an epoch; cheap when it is not yet time."""
        now = time.perf_counter()
        if now - self._looked < LOOK:
            return
        self._looked = now
        self.threads.look()
        self._show_progress()
        if self.run.stop_requested:
            raise Stopped
        if now - self._saved > CHECKPOINT_EVERY and not self.at.pending:
            self._save()

    def _show(self) -> None:
        """Tell what the page shows beside the curves."""
        self._show_progress()
        if time.perf_counter() - self._told > FACTS_EVERY or self._ended():
            self._record_facts()

    def _show_progress(self) -> None:
        iteration, total = self.at.iteration, self.marks.total
        count = len(self.train)
        epochs, inside = divmod(iteration, self.marks.steps)
        group = self.course.batch_size * self.course.accumulation
        self.run.progress(
            iteration / total,
            f"Epoch {min(epochs + 1, total // self.marks.steps)} of {total // self.marks.steps}",
            done=epochs * count + min(inside * group, count),
            total=count * (total // self.marks.steps),
            rate=self.at.images_per_s or None,
        )

    def _record_facts(self) -> None:
        self._told = time.perf_counter()
        self.run.record(
            {
                "epoch": self.marks.epoch(self.at.iteration),
                "eta_s": self._seconds_left(),
                "images_per_s": round(self.at.images_per_s, 1),
                "threads": self.threads.count,
                "best": self.snapshots.best,
            }
        )

    def _seconds_left(self) -> float | None:
        done = self.at.iteration - self._begun_at
        if self.patience.exhausted:
            return 0.0
        if not done:
            return None
        elapsed = time.perf_counter() - self._begun
        return round(elapsed / done * (self.marks.total - self.at.iteration), 1)

    # Restarts.

    def _save(self) -> None:
        """Write a checkpoint, after everything that was told so far is in the store."""
        self._record_facts()
        begun = time.perf_counter()
        self.at.window_loss = float(self.window_loss)
        self.at.patience = asdict(self.patience)
        checkpoint.save(
            self.run.directory,
            self.network.module,
            self.optimiser,
            {"at": asdict(self.at), "best": self.snapshots.best},
            self.average.tensors if self.average else {},
        )
        self._saved = time.perf_counter()
        self._save_took = self._saved - begun

    def _resume(self) -> None:
        """Go on from the checkpoint; curves and snapshots after it are dropped and made again."""
        averages = self.average.tensors if self.average else {}
        kept = checkpoint.load(self.run.directory, self.network.module, self.optimiser, averages)
        if kept is not None:
            self.at = Progress(**kept["at"])
            self.snapshots.best = kept["best"]
            self.patience = Patience(**{**self.at.patience, "most": self.patience.most})
            self.window_loss.fill_(self.at.window_loss)
            self.run.log(f"Going on after epoch {self.marks.epoch(self.at.iteration):g}")
        # While something is pending, nothing of this iteration was recorded.
        self.run.rewind(self.at.iteration - self.at.pending)
        self._begun_at = self.at.iteration
        self._begun = self._window_begun = self._saved = time.perf_counter()


def _refuse_divergence(loss: float, phase: str, epoch: float) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"The {phase} loss became {loss:g} at epoch {epoch:g}.",
            hint="Try a smaller learning rate, for example a tenth of it.",
        )
