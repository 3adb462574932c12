"""
A lesson: one step of the optimiser, from the batches of one iteration.

What the network sees (crops, augmentations, mixing), what is made small, and what happens
between the gradients and the weights stand here; when it is done, in `training.loop`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from netloom.errors import NetworkTextError
from netloom.training.mixing import Mixing
from netloom.training.objective import Loss
from netloom.training.views import Views

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn, optim

Batch = tuple["Tensor", "Tensor", int]  # pixels, labels, place in the order of the epoch


class Lesson:
    """Changes the weights of a network a little."""

    def __init__(
        self,
        module: nn.Module,
        optimiser: optim.Optimizer,
        loss: Loss,
        views: Views,
        mixing: Mixing,
        *,
        largest_gradient: float,
        bf16: bool,
    ) -> None:
        self._module, self._optimiser, self._loss = module, optimiser, loss
        self.views, self._mixing = views, mixing
        self._largest_gradient = largest_gradient  # norm over all weights; 0 is any
        self._precision = _precision(next(module.parameters()).device, bf16=bf16)

    def learn(self, batches: list[Batch], rate: float, total: Tensor) -> None:
        """Take one step at a learning rate; add the losses of all images to `total`."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        images = sum(len(labels) for _, labels, _ in batches)
        for pixels, labels, place in batches:
            loss = self._loss_of(pixels, labels, place)
            # The mean over all images of the step, whatever the sizes of its batches.
            share = loss if len(batches) == 1 else loss * (len(labels) / images)
            share.backward()  # type: ignore[no-untyped-call]
            # A sum on the device: reading a value here would wait for it.
            total.add_(loss.detach(), alpha=len(labels))
        self._limit_gradients()
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def _loss_of(self, pixels: Tensor, labels: Tensor, place: int) -> Tensor:
        mixed = self._mixing.mix(self.views(pixels, place), self.views.epoch, place)
        with self._precision:
            loss = mixed.loss(self._loss, self._module(mixed.inputs), labels)
        if loss.ndim:
            raise NetworkTextError(
                f"The loss has the shape {tuple(loss.shape)}; one number is needed.",
                hint="Return the mean over the images.",
            )
        return loss

    def _limit_gradients(self) -> None:
        if self._largest_gradient:
            from torch.nn.utils import clip_grad_norm_

            clip_grad_norm_(self._module.parameters(), self._largest_gradient)


def _precision(device: torch.device, *, bf16: bool) -> contextlib.AbstractContextManager[Any]:
    import torch

    return torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()
