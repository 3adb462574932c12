"""
From a network text to a module that can be trained.

A text is a Python file with `def build(p)`, where `p` is a `BuildInputs`. It returns a
`torch.nn.Module`, or a dict with `model` and, if wanted, `loss` (called with output
and target), `train_batch_size` and `val_batch_size`. `check_text` only parses; `build_text`
runs the user's code and therefore belongs in a worker process. By hand:

    build_text(text, BuildInputs(input_shape=(1, 28, 28), classes=10)).module
"""

from __future__ import annotations

import ast
import linecache
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netloom.errors import NetworkTextError
from netloom.interfaces.framework import BuildInputs, BuiltNetwork

if TYPE_CHECKING:
    from torch import nn

TEXT_FILE = "network.py"
_SOURCE = "<network text>"  # the file name in tracebacks
_KEYS = ("model", "loss", "train_batch_size", "val_batch_size")
_RETURN_HINT = (
    "Return a torch.nn.Module, or a dict with 'model' and, if wanted, 'loss', "
    "'train_batch_size' and 'val_batch_size'."
)


def check_text(text: str) -> None:
    """Raise NetworkTextError for what can be seen without running the text."""
    try:
        tree = ast.parse(text, _SOURCE)
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f": {line[:80]!r}" if line else ""
        raise NetworkTextError(
            f"Line {error.lineno or 1} of the network text is not Python{shown} ({error.msg}).",
            hint="Correct this line.",
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NetworkTextError(f"The network text is not Python: {error}.") from None
    if "build" not in _names_of(tree):
        raise NetworkTextError(
            "The network text has no function build(p).",
            hint="Define 'def build(p):' that returns a torch.nn.Module.",
        )


def build_text(text: str, inputs: BuildInputs) -> BuiltNetwork:
    """Run `build(p)` of a text and check that its network fits the dataset."""
    check_text(text)
    result = _run(text, inputs)
    built = _built(result)
    _check_answer(built.module, inputs)
    return built


def blame(error: BaseException, doing: str = "failed") -> NetworkTextError | None:
    """Return a sentence that names the user's line, if the error came out of the network text."""
    places = [place for place in traceback.extract_tb(error.__traceback__) if _is_ours(place)]
    if not places:
        return None
    kind, message = type(error).__name__, " ".join(str(error).split())
    said = f"{kind}: {message[:300]}" if message else kind
    line = (places[-1].line or "").strip()
    return NetworkTextError(
        f"Line {places[-1].lineno} of the network text {doing} with {said.rstrip('.')}.",
        hint=f"The line is {line[:80]!r}." if line else "",
    )


def _is_ours(place: traceback.FrameSummary) -> bool:
    return place.filename == _SOURCE


def _names_of(tree: ast.Module) -> set[str]:
    """Return the names that a text may define at its top level."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def _run(text: str, inputs: BuildInputs) -> Any:
    # Tracebacks show the user's own lines.
    linecache.cache[_SOURCE] = (len(text), None, text.splitlines(keepends=True), _SOURCE)
    namespace: dict[str, Any] = {"__name__": "network", "__file__": _SOURCE}
    try:
        exec(compile(text, _SOURCE, "exec", dont_inherit=True), namespace)
        return namespace["build"](inputs)
    except (Exception, SystemExit) as error:
        blamed = blame(error)
        if blamed is None:  # raised by the call itself: wrong number of arguments, not a function
            blamed = NetworkTextError(
                f"build(p) of the network text cannot be called: {error}.",
                hint="Define 'def build(p):' with one parameter.",
            )
        raise blamed from error


def _built(result: Any) -> BuiltNetwork:
    from torch import nn
    from torch.nn import functional

    values = result if isinstance(result, Mapping) else {"model": result}
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        raise NetworkTextError(
            f"build(p) returned a dict with the unknown key {unknown[0]!r}.", hint=_RETURN_HINT
        )
    model, loss = values.get("model"), values.get("loss") or functional.cross_entropy
    if not isinstance(model, nn.Module):
        what = "nothing" if model is None else f"a {type(model).__name__}"
        raise NetworkTextError(f"build(p) returned {what}, not a network.", hint=_RETURN_HINT)
    if not callable(loss):
        raise NetworkTextError(
            f"The loss that build(p) returned is a {type(loss).__name__}, not a function.",
            hint="It is called with the output and the target.",
        )
    return BuiltNetwork(
        module=model,
        loss=loss,
        train_batch_size=_batch_size(values, "train_batch_size"),
        val_batch_size=_batch_size(values, "val_batch_size"),
    )


def _batch_size(values: Mapping[str, Any], key: str) -> int | None:
    size = values.get(key)
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise NetworkTextError(f"build(p) returned the {key} {size!r}; it must be 1 or more.")
    return size


def _check_answer(module: nn.Module, inputs: BuildInputs) -> None:
    """Send two empty images through the network and look at what comes out."""
    import torch

    shape = " x ".join(map(str, inputs.input_shape))
    was_training = module.training
    try:
        with torch.no_grad():
            output = module.eval()(torch.zeros(2, *inputs.input_shape))
    except (Exception, SystemExit) as error:
        blamed = blame(error, f"failed for an image of {shape}")
        if blamed is None:  # the network is made of ready layers only
            said = " ".join(str(error).split())[:300].rstrip(".")
            blamed = NetworkTextError(
                f"The network cannot compute an image of {shape}: {said}.",
                hint="Look at the sizes of its layers.",
            )
        raise blamed from error
    finally:
        module.train(was_training)
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise NetworkTextError("The network has no parameters to learn.")
    _check_output(output, inputs)


def _check_output(output: Any, inputs: BuildInputs) -> None:
    import torch

    if not isinstance(output, torch.Tensor):
        raise NetworkTextError(
            f"In eval mode the network gives a {type(output).__name__}, not one tensor.",
            hint="Return further outputs only while 'self.training' is true.",
        )
    if inputs.classes is None:
        return
    if output.ndim != 2 or output.shape[0] != 2:
        raise NetworkTextError(
            f"For 2 images the network gives a tensor of shape {tuple(output.shape)}; "
            f"{(2, inputs.classes)} is needed.",
            hint="Flatten what the convolutions leave: nn.Flatten().",
        )
    if output.shape[1] != inputs.classes:
        raise NetworkTextError(
            f"The network gives {output.shape[1]} outputs per image but the dataset has "
            f"{inputs.classes} classes.",
            hint="Give the last layer p.classes outputs.",
        )
