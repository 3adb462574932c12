"""
Crew: one encoder process per core, fed with tasks and heard in order.

    with Crew(options, 2) as crew:
        for chunk in crew.chunks(tasks, stopped=lambda: False): ...

The processes are started from a fresh interpreter, not forked: the worker around them has
threads. Answers come in the order of the tasks whatever their number, and only a few tasks
are under way at a time, so memory does not grow with the list.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from netloom.datasets.encoder import Chunk, EncoderOptions
from netloom.errors import OutOfMemory, WorkerLost

_TASKS_EACH = 2  # so that an encoder has work while its answer is under way
_AHEAD = 4  # answers per encoder that may wait for an earlier one
_WAIT = 0.1  # seconds between two looks at `stopped`
# Encoders use one thread each; idle pools of the libraries would only cost start-up time.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


_MAIN = "from netloom.datasets.encoder import main; main()"


class Stopped(Exception):
    """The work was asked to stop."""


@dataclass(eq=False)
class _Encoder:
    """One process and this side of its pipe."""

    process: subprocess.Popen[bytes]
    connection: Connection
    tasks: list[int]  # numbers of the tasks it has, oldest first


class Crew:
    """Encoder processes for one list."""

    def __init__(self, options: EncoderOptions, size: int) -> None:
        self._encoders: list[_Encoder] = []
        message = options.model_dump_json().encode()
        try:
            for _ in range(max(1, size)):
                self._encoders.append(_start())
            for encoder in self._encoders:
                _send(encoder, message)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all encoders at once."""
        for encoder in self._encoders:
            encoder.connection.close()
            encoder.process.kill()
        for encoder in self._encoders:
            encoder.process.wait()
        self._encoders = []

    def chunks(
        self, tasks: Iterable[NDArray[np.int64]], *, stopped: Callable[[], bool]
    ) -> Iterator[Chunk]:
        """Yield the chunk of each task, in order; raise Stopped soon after `stopped` says so."""
        waiting = enumerate(tasks)
        done: dict[int, Chunk] = {}
        following = 0  # number of the chunk to yield next
        upcoming = next(waiting, None)
        while True:
            # Round by round, so that every encoder has its first task before one has two.
            for load in range(_TASKS_EACH):
                for encoder in self._encoders:
                    limit = following + _AHEAD * len(self._encoders)
                    if upcoming and len(encoder.tasks) == load and upcoming[0] < limit:
                        _send(encoder, upcoming[1].tobytes())
                        encoder.tasks.append(upcoming[0])
                        upcoming = next(waiting, None)
            busy: dict[object, _Encoder] = {e.connection: e for e in self._encoders if e.tasks}
            if not busy and not done:
                return
            for connection in wait([e.connection for e in self._encoders if e.tasks], _WAIT):
                encoder = busy[connection]
                done[encoder.tasks.pop(0)] = Chunk.from_bytes(_receive(encoder))
            if stopped():
                raise Stopped
            while following in done:
                yield done.pop(following)
                following += 1

    def totals(self) -> list[NDArray[np.float64]]:
        """Return the flat sum of pixels of each encoder that has read any; call it last."""
        for encoder in self._encoders:
            _send(encoder, b"")
        answers = [_receive(encoder) for encoder in self._encoders]
        return [np.frombuffer(answer, np.float64) for answer in answers if answer]


def _start() -> _Encoder:
    ours, theirs = Pipe()
    try:
        # -P: the working directory belongs to a job, nothing is imported from there.
        command = [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno())]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
            pass_fds=[theirs.fileno()],
        )
    finally:
        theirs.close()
    return _Encoder(process, ours, [])


def _send(encoder: _Encoder, message: bytes) -> None:
    try:
        encoder.connection.send_bytes(message)
    except (BrokenPipeError, ConnectionResetError):
        raise _lost(encoder) from None


def _receive(encoder: _Encoder) -> bytes:
    try:
        return encoder.connection.recv_bytes()
    except (EOFError, ConnectionResetError):
        raise _lost(encoder) from None


def _lost(encoder: _Encoder) -> WorkerLost | OutOfMemory:
    code = encoder.process.wait()
    if code == -9:
        return OutOfMemory(
            "A process that encodes images was killed, most likely for want of memory.",
            hint="Free some memory, or make the images smaller, and create the dataset again.",
        )
    return WorkerLost(
        f"A process that encodes images ended unexpectedly (exit code {code}).",
        hint="Its last lines are in the log. Create the dataset again.",
    )
