"""
Encoder: the process that turns the files of a list into database entries.

Started by `netloom.datasets.crew`, which sends the options, then offsets of lines of the
list, and gets back entries that are ready to be written. An empty task asks for the sum
of all pixels so far, for the mean image. It ends by itself when its parent is gone.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from netloom.datasets.entries import EntryList
from netloom.errors import UnreadableImage
from netloom.images import Preprocessing, RunningMean, pack_datum
from netloom.interfaces.source import ImageReader, shown

_HEAD = struct.Struct("<II")  # entries; bytes of the JSON list of failures


class EncoderOptions(BaseModel):
    """What an encoder must be told; crosses the pipe as JSON."""

    list: Path
    source: str  # "module:Class" of the source that reads the addresses of the list
    source_options: dict[str, Any]
    preprocessing: Preprocessing
    max_pixels: int
    mean: bool  # whether the pixels are summed up


@dataclass(kw_only=True)
class Chunk:
    """The entries of one task, in the order of its offsets."""

    labels: NDArray[np.int32]  # class number of each entry
    values: Sequence[memoryview | bytes]  # one Datum each
    failures: Sequence[tuple[str, int, str]] = field(default=())  # path, class number, reason

    def to_bytes(self) -> bytes:
        """Return the chunk as one message."""
        failures = json.dumps(self.failures).encode()
        sizes = np.array([len(value) for value in self.values], np.int64)
        head = _HEAD.pack(len(sizes), len(failures))
        return b"".join([head, self.labels.tobytes(), sizes.tobytes(), failures, *self.values])

    @classmethod
    def from_bytes(cls, message: bytes) -> Chunk:
        """Return the chunk of a message; its values are views of the message."""
        count, failures_size = _HEAD.unpack_from(message)
        start = _HEAD.size
        labels = np.frombuffer(message, np.int32, count, start)
        start += labels.nbytes
        sizes = np.frombuffer(message, np.int64, count, start)
        start += sizes.nbytes
        failures = json.loads(message[start : start + failures_size])
        ends = (np.cumsum(sizes) + start + failures_size).tolist()
        starts = [start + failures_size, *ends]
        view = memoryview(message)
        values = [view[a:b] for a, b in zip(starts, ends, strict=False)]
        return cls(labels=labels, values=values, failures=[tuple(item) for item in failures])


class Encoder:
    """Reads, decodes, resizes and encodes the images of a list."""

    def __init__(self, options: EncoderOptions) -> None:
        module, _, name = options.source.partition(":")
        source_class: type[ImageReader] = getattr(import_module(module), name)
        self.source = source_class(**options.source_options)
        self.options = options
        self.entries = EntryList(options.list)
        self.mean = RunningMean()

    def encode(self, offsets: NDArray[np.int64]) -> Chunk:
        """Return the entries of the lines at these offsets; what cannot be read is a failure."""
        labels: list[int] = []
        values: list[bytes] = []
        failures: list[tuple[str, int, str]] = []
        for offset in offsets.tolist():
            address, label = self.entries.entry(offset)
            try:
                value = self._encode_one(address, label)
            except UnreadableImage as error:
                failures.append((shown(address), label, str(error)))
            except Exception as error:  # one odd file, or a faulty source, must not end the build
                failures.append((shown(address), label, f"{type(error).__name__}: {error}"))
            else:
                labels.append(label)
                values.append(value)
        return Chunk(labels=np.array(labels, np.int32), values=values, failures=failures)

    def _encode_one(self, address: str, label: int) -> bytes:
        kept = self.options.preprocessing.store(
            self.source.read(address), max_pixels=self.options.max_pixels
        )
        height, width, channels = kept.bgr.shape
        value = pack_datum(kept.data, width, height, channels, label=label, encoded=kept.encoded)
        if self.options.mean:
            self.mean.add(kept.bgr)
        return value


def serve(connection: Connection) -> None:
    """Answer tasks until the other side is gone."""
    encoder = Encoder(EncoderOptions.model_validate_json(connection.recv_bytes()))
    while True:
        task = connection.recv_bytes()
        if task:
            answer = encoder.encode(np.frombuffer(task, np.int64)).to_bytes()
        else:
            total = encoder.mean.total
            answer = b"" if total is None else total.tobytes()
        connection.send_bytes(answer)


def main() -> None:
    """Serve the connection whose descriptor is the only argument."""
    cv2.setNumThreads(0)  # the crew has one process per core
    # The pipe is closed when the parent has what it wants, or was killed.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
