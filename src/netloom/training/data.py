"""
Batches of images: from memory where a split fits into it, else from disk.

Both paths give the same batches in the same order: uint8 pixels, N x H x W x C, and class
numbers. `Input` turns the pixels into what the network gets, on the device, with the
arithmetic of `Preprocessing.tensor`. By hand:

    images = open_images(split, device, room=10**9)
    for pixels, labels in images.batches(np.arange(len(split)), 64): ...
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netloom.images import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor

    from netloom.datasets import Split

Order = NDArray[np.int64]
AHEAD = 4  # batches that each decode worker may be ahead of the training


class Images(Protocol):
    """The samples of a split."""

    path: str  # "memory" or "streaming"

    def __len__(self) -> int: ...

    def batches(self, order: Order, size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the pixels and labels of `order[start:]`, in `pieces` of `size`."""
        ...


def pieces(count: int, size: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the begin and end of each batch; the last one has what is left.

    A single image that is left joins the batch before: batch normalisation cannot learn from one.
    """
    while start < count:
        end = min(start + size, count)
        if size > 1 and count - end == 1:
            end = count
        yield start, end
        start = end


def count_steps(count: int, size: int, accumulation: int) -> int:
    """Return how many steps an epoch takes, of `accumulation` batches each."""
    return math.ceil(sum(1 for _ in pieces(count, size)) / accumulation)


def decoded_bytes(split: Split) -> int:
    """Return the memory that all pixels of a split take."""
    height, width, channels = split.shape
    return len(split) * height * width * channels


def open_images(split: Split, device: Any, room: int, threads: int = 1) -> Images:
    """Return a split, decoded once if that fits into `room` bytes."""
    if decoded_bytes(split) <= room:
        return MemoryImages(split, device, threads)
    return StreamedImages(split, device, threads)


class MemoryImages:
    """All pixels decoded once; a batch is gathered by index."""

    path = "memory"

    def __init__(self, split: Split, device: Any, threads: int = 1) -> None:
        import torch

        split.read([0])  # opens the database before the decoding threads share it
        pixels = torch.from_numpy(split.decode_all(threads=threads))
        self._device = device
        # On the GPU if half of its free memory is enough, so that no batch has to travel.
        self._home = device if _fits(device, pixels.numel()) else torch.device("cpu")
        self._pixels = pixels.to(self._home)
        self._labels = torch.from_numpy(split.labels()).to(self._home)

    def __len__(self) -> int:
        return len(self._labels)

    def batches(self, order: Order, size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches in order."""
        import torch

        indices = torch.from_numpy(order).to(self._home)
        away = self._home != self._device
        for begin, end in pieces(len(order), size, start):
            chosen = indices[begin:end]
            pixels, labels = self._pixels[chosen], self._labels[chosen]
            if away:
                pixels = pixels.to(self._device, non_blocking=True)
                labels = labels.to(self._device, non_blocking=True)
            yield pixels, labels


class StreamedImages:
    """Pixels decoded batch by batch, a few batches ahead of the training."""

    path = "streaming"

    def __init__(self, split: Split, device: Any, threads: int = 1) -> None:
        self._split = split
        self._device = device
        self._threads = max(1, threads)
        self._labels = split.labels()
        split.read([0])  # opens the database before the decoding threads share it

    def __len__(self) -> int:
        return len(self._labels)

    def batches(self, order: Order, size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches in order; at most a few of them are in memory at any time."""
        import torch

        parts = (order[begin:end] for begin, end in pieces(len(order), size, start))
        ahead: deque[tuple[Order, Future[NDArray[np.uint8]]]] = deque()
        with ThreadPoolExecutor(self._threads, "decode") as pool:
            try:
                for part in parts:
                    ahead.append((part, pool.submit(self._split.read, np.sort(part))))
                    if len(ahead) > self._threads * AHEAD:
                        yield self._ready(torch, *ahead.popleft())
                while ahead:
                    yield self._ready(torch, *ahead.popleft())
            finally:  # the training stopped early: what is not begun need not be done
                for _, future in ahead:
                    future.cancel()

    def _ready(
        self, torch: Any, part: Order, future: Future[NDArray[np.uint8]]
    ) -> tuple[Tensor, Tensor]:
        # Read in the order of the keys, which lie one after another on disk; then put in order.
        back = np.argsort(np.argsort(part, kind="stable"), kind="stable")
        pixels = torch.from_numpy(future.result()[back])
        labels = torch.from_numpy(self._labels[part])
        return pixels.to(self._device), labels.to(self._device)


def _fits(device: Any, size: int) -> bool:
    import torch

    return device.type == "cuda" and size <= torch.cuda.mem_get_info(device)[0] // 2


class Input:
    """Turns pixels into the input of the network, as `Preprocessing.tensor` does."""

    def __init__(self, preprocessing: Preprocessing, device: Any) -> None:
        import torch

        self._bgr = preprocessing.channel_order == "bgr" and preprocessing.channels == 3
        self._factor = None if preprocessing.scale == 255 else np.float32(preprocessing.scale / 255)
        self._window = preprocessing.crop_window
        width, height = preprocessing.input_size
        self.size = (height, width)
        # How far a crop may be moved: down and to the right.
        self.room = (preprocessing.height - height, preprocessing.width - width)
        self._whiten = preprocessing.whiten
        mean = preprocessing.mean_values
        self._mean: Any = None
        if mean is not None:
            planes = np.broadcast_to(mean, (len(mean), preprocessing.height, preprocessing.width))
            # Always a copy: torch warns of arrays that must not be written to.
            values = np.array(planes.transpose(1, 2, 0), np.float32, order="C")
            self._mean = torch.from_numpy(values).to(device)  # H x W x C

    @property
    def crops(self) -> bool:
        """Whether there is a choice of where to cut the crop."""
        return self.room != (0, 0)

    def __call__(self, pixels: Tensor, corners: Tensor | None = None) -> Tensor:
        """Return N x C x H x W floats, channels last in memory; `corners` are rows and columns."""
        if corners is not None:
            pixels = cut(pixels, corners, self.size)
        elif self.crops:
            pixels = pixels[:, *self._window]
        return self._finished(pixels, corners)

    def of_varied(self, values: Tensor, corners: Tensor | None) -> Tensor:
        """Return the same of N x C x h x w floats of 0..255, cut to size at the corners before."""
        return self._finished(values.permute(0, 2, 3, 1), corners).contiguous(
            memory_format=_channels_last()
        )

    def _finished(self, pixels: Tensor, corners: Tensor | None) -> Tensor:
        mean = self._mean
        if mean is not None:
            mean = mean[self._window] if corners is None else cut(mean[None], corners, self.size)
        if self._bgr:
            pixels = pixels.flip(-1)
        values = pixels.float()
        if self._factor is not None:
            values *= float(self._factor)
        if mean is not None:
            values -= mean
        return (_whitened(values) if self._whiten else values).permute(0, 3, 1, 2)


def _whitened(values: Tensor) -> Tensor:
    """Return the values as `netloom.images.preprocessing.whitened` does, N x H x W x C."""
    axes = (1, 2, 3)
    values = values - values.double().mean(axes, keepdim=True).float()
    deviation = values.double().square().mean(axes, keepdim=True).sqrt()
    return values / deviation.clamp_min(1 / math.sqrt(values[0].numel())).float()


def cut(pixels: Tensor, corners: Tensor, size: tuple[int, int]) -> Tensor:
    """Return N x h x w x C: what each corner (row, column) cuts out of its image, or of the one."""
    import torch

    height, width = size
    device = pixels.device
    rows = (corners[:, :1] + torch.arange(height, device=device))[:, :, None]
    columns = (corners[:, 1:] + torch.arange(width, device=device))[:, None, :]
    images = torch.arange(len(corners), device=device)[:, None, None]
    return pixels[images if len(pixels) > 1 else 0, rows, columns]


def _channels_last() -> Any:
    import torch

    return torch.channels_last


def epoch_order(count: int, *, seed: int, epoch: int, shuffle: bool) -> Order:
    """Return the order of the images in an epoch: each once, the same for the same seed."""
    if not shuffle:
        return np.arange(count)
    return np.random.default_rng([seed, epoch]).permutation(count)


def epoch_corners(count: int, room: tuple[int, int], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return where each image of an epoch is cropped: row and column, by place in the order."""
    chosen = np.random.default_rng([seed, epoch, 1])
    return chosen.integers(0, np.array(room) + 1, (count, 2))
