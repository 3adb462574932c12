"""Small steps that tests of schedulers and executors run in real worker processes."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

from netloom.errors import StepFailed
from netloom.interfaces.job import MetricPoint, SnapshotFile, Step, StepRun


class Nothing(Step):
    """Is done at once."""

    name = "netloom.testing.steps:Nothing"

    def run(self, run: StepRun) -> None:
        run.record({"gpus": list(run.gpus), "cpus": run.cpus, "attempt": run.attempt})


class Count(Step):
    """Counts like a training: a curve, snapshots, and a checkpoint to go on from."""

    name = "netloom.testing.steps:Count"
    to: int = 100
    pause: float = 0.01  # seconds per number
    every: int = 10  # numbers between two snapshots
    gate: int = 0  # at this number it waits until there is a file "go"

    def run(self, run: StepRun) -> None:
        checkpoint = run.directory / "checkpoint.json"
        first = json.loads(checkpoint.read_text()) if checkpoint.exists() else 0
        run.rewind(first)
        for number in range(first + 1, self.to + 1):
            while number == self.gate and not (run.directory / "go").exists():
                if run.stop_requested:
                    return
                time.sleep(0.01)
            if run.stop_requested:
                return
            time.sleep(self.pause)
            run.metrics([_point(number)])
            if number % self.every == 0:
                self._save(run, number)
                temporary = checkpoint.with_suffix(".new")
                temporary.write_text(json.dumps(number))
                temporary.replace(checkpoint)
            run.progress(number / self.to, done=number, total=self.to)

    def _save(self, run: StepRun, number: int) -> None:
        name = f"snapshot_{number}.safetensors"
        (run.directory / name).write_text(str(number))
        run.snapshot(SnapshotFile(epoch=number / 10, iteration=number, weights=name))


def _point(number: int) -> MetricPoint:
    return MetricPoint(
        series="loss", split="train", iteration=number, epoch=number / 10, value=1 / number
    )


class Sleep(Step):
    """Sleeps; looks whether it shall stop, unless it is stubborn."""

    name = "netloom.testing.steps:Sleep"
    seconds: float = 60.0
    stubborn: bool = False  # ignores SIGTERM, and has a child that does
    marks: str = ""  # a line with the process id is added to this file at the start

    def run(self, run: StepRun) -> None:
        run.progress(0.1, "asleep")
        if self.marks:
            with (run.directory / self.marks).open("a") as file:
                file.write(f"{os.getpid()} {run.attempt}\n")
        if self.stubborn:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            run.record({"child": child.pid})
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            if not self.stubborn and run.stop_requested:
                return
            time.sleep(0.01)


class Fail(Step):
    """Ends badly in one of many ways."""

    name = "netloom.testing.steps:Fail"
    how: str = "sentence"

    def run(self, run: StepRun) -> None:
        if self.how == "sentence":
            raise StepFailed("The folder is empty.", hint="Choose another one.", field="folder")
        if self.how == "memory":
            raise MemoryError
        if self.how == "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.how == "exit":
            print("the last words", file=sys.stderr, flush=True)
            os._exit(7)
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("a wrong number\nand more")
