"""
The script in every archive of a model, which answers like the server without Netloom.

It holds only what this model needs, so that it can be read in a minute, and does what
`images.Preprocessing` and `Predictor` do, operation by operation. By hand:

    print(script(ModelCard.read(directory)))
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.images.encode import JPEG_QUALITY
from netloom.networks.card import CARD, ModelCard

SCRIPT = "predict.py"
NETWORK = "network.onnx"

_HEAD = '''"""Answers like the server that trained the model: python predict.py IMAGE...

Needs numpy, onnxruntime and opencv-python-headless. Not the same in the last digits: JPEG
files in CMYK, and PNG files with a transparent colour key.
"""
import json
import pathlib
import sys
'''
_SETUP = """
import cv2
import numpy as np
import onnxruntime

here = pathlib.Path(__file__).resolve().parent
card = json.loads((here / "{card}").read_text("utf-8"))
network = onnxruntime.InferenceSession(here / "{network}", providers=["CPUExecutionProvider"])
"""
_DECODE = """

def pixels(path):
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint8:
        sys.exit(f"{path}: not an image with 8 bits per channel")
    if image.ndim == 3 and image.shape[2] == 4:  # transparent: put it on white
        alpha = image[..., 3:].astype(np.uint32)
        mixed = image[..., :3] * alpha + 255 * (255 - alpha) + 128
        image = ((mixed + (mixed >> 8)) >> 8).astype(np.uint8)
"""
_GREY = """    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
"""
_COLOUR = """    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
"""
_SIDES = "    (height, width), (to_height, to_width) = image.shape[:2], ({height}, {width})\n"
# The smaller, larger or mean of both ratios scales both sides; in whole numbers, rounded half up.
_FACTORS = {
    "crop": "2 * min(width * to_height, height * to_width)",
    "fill": "2 * max(width * to_height, height * to_width)",
    "half_crop": "width * to_height + height * to_width",
}
_FIT = """    divisor = {factor}  # {mode}
    area = 4 * to_width * to_height
    new_width, new_height = (
        max(1, (area * side + divisor) // (2 * divisor)) for side in (width, height)
    )
"""
_PARITY = """    if width * to_height > height * to_width:  # the same padding at both ends
        new_height += (to_height - new_height) % 2
    elif width * to_height < height * to_width:
        new_width += (to_width - new_width) % 2
"""
_SCALE_AUTO = """    shrunk = min(width, {width}), min(height, {height})
    image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
    image = cv2.resize(image, ({width}, {height}), interpolation=cv2.INTER_LINEAR)
"""
_SCALE = "    image = cv2.resize(image, ({width}, {height}), interpolation=cv2.{filter})\n"
_CUT = """    left = max(0, (new_width - to_width + 1) // 2)
    top = max(0, (new_height - to_height + 1) // 2)
    image = image[top : top + to_height, left : left + to_width]
"""
_PAD = """    height, width = image.shape[:2]
    shape = (to_height, to_width, *image.shape[2:])
    if (height, width) != (to_height, to_width):
        {padding}
        left, top = (to_width - width) // 2, (to_height - height) // 2
        padded[top : top + height, left : left + width] = image
        image = padded
"""
_NOISE = """seed = zlib.crc32(image.tobytes())
        padded = np.random.RandomState(seed).randint(0, 255, shape, dtype=np.uint8)"""
_JPEG = """    # The dataset is kept as JPEG: the network has learned from such pixels.
    _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, {quality}])
    image = cv2.imdecode(file, {flag})
"""
_TENSOR = """    return image.reshape({height}, {width}, {channels})


for path in sys.argv[1:]:
    data = pixels(path){window}.astype(np.float32).transpose(2, 0, 1)
"""
_WHITEN = """    data = data - np.float32(data.mean(dtype=np.float64))
    deviation = np.sqrt((data.astype(np.float64) ** 2).mean())
    data = data / np.float32(max(deviation, 1 / np.sqrt(data.size)))
"""
_RUN = """    data = np.ascontiguousarray(data)[None]
    output = network.run(card["outputs"][-1:], {card["input"]: data})[0]
    output = output.astype(np.float32).reshape(-1)
"""
_SOFTMAX = """    scores = np.exp(output - output.max())
    scores /= scores.sum()
"""
_PRINT = """    best = np.argsort(-output[: len(card["classes"])], kind="stable")[:5]
    answer = [[card["classes"][n], round(100 * float({scores}[n]), 2)] for n in best]
    print(json.dumps({{path: answer}}))
"""
_FILTERS = {
    "nearest": "INTER_NEAREST",
    "linear": "INTER_LINEAR",
    "cubic": "INTER_CUBIC",
    "area": "INTER_AREA",
    "lanczos": "INTER_LANCZOS4",
}


def script(card: ModelCard) -> str:
    """Return the text of predict.py for a model; it lies beside its card and `NETWORK`."""
    return "".join(_parts(card))


def _parts(card: ModelCard) -> Iterator[str]:
    made = card.preprocessing
    pads = made.resize_mode in ("fill", "half_crop")
    yield _HEAD + ("import zlib\n" if pads and made.fill == "noise" else "")
    yield _SETUP.format(card=CARD, network=NETWORK)
    if made.mean == "image":
        yield f"mean = np.load(here / {made.mean_file!r}).astype(np.float32)\n"
    yield _DECODE
    yield _GREY if made.channels == 1 else _COLOUR
    yield from _resize(card)
    if made.stored == "jpg":
        flag = "cv2.IMREAD_GRAYSCALE" if made.channels == 1 else "cv2.IMREAD_COLOR"
        yield _JPEG.format(quality=JPEG_QUALITY, flag=flag)
    yield from _tensor(card)
    yield from _answer(card)


def _resize(card: ModelCard) -> Iterator[str]:
    made = card.preprocessing
    mode = made.resize_mode
    if mode == "squash":
        if made.interpolation == "auto":
            yield "    height, width = image.shape[:2]\n"
        yield _scale(card, str(made.width), str(made.height))
        return
    yield _SIDES.format(height=made.height, width=made.width)
    yield _FIT.format(factor=_FACTORS[mode], mode=mode)
    if mode != "crop":
        yield _PARITY
    yield _scale(card, "new_width", "new_height")
    yield _CUT
    if mode != "crop":
        # The record has RGB, OpenCV BGR.
        fill = "" if made.fill == "noise" else list(made.fill[::-1])
        colour = f"padded = np.full(shape, {fill}, np.uint8)"
        yield _PAD.format(padding=_NOISE if made.fill == "noise" else colour)


def _scale(card: ModelCard, width: str, height: str) -> str:
    interpolation = card.preprocessing.interpolation
    if interpolation == "auto":
        return _SCALE_AUTO.format(width=width, height=height)
    return _SCALE.format(width=width, height=height, filter=_FILTERS[interpolation])


def _tensor(card: ModelCard) -> Iterator[str]:
    made = card.preprocessing
    rows, columns = made.crop_window
    window = "" if made.channels == 1 or made.channel_order == "bgr" else "[..., ::-1]"
    yield _TENSOR.format(
        height=made.height,
        width=made.width,
        channels=made.channels,
        window=window,
    )
    if made.scale != 255:
        yield f"    data = data * np.float32({made.scale!r} / 255)\n"
    if made.mean == "pixel":
        values = [float(value) for value in made.mean_pixel]
        yield f"    data = data - np.array({values}, np.float32).reshape(-1, 1, 1)\n"
    elif made.mean == "image":
        yield "    data = data - mean\n"
    if made.input_size != (made.width, made.height):
        cut = f"{rows.start}:{rows.stop}, {columns.start}:{columns.stop}"
        yield f"    data = data[:, {cut}]  # the centre\n"
    if made.whiten:
        yield _WHITEN
    if made.dimension_order != "NCHW":
        axes = tuple("NCHW".index(axis) - 1 for axis in made.dimension_order[1:])
        yield f"    data = data.transpose{axes}\n"
    if made.dtype == "uint8":
        yield "    data = np.clip(np.rint(data), 0, 255).astype(np.uint8)\n"


def _answer(card: ModelCard) -> Iterator[str]:
    yield _RUN
    if card.outputs_are == "logits":
        yield _SOFTMAX
    yield _PRINT.format(scores="scores" if card.outputs_are == "logits" else "output")
