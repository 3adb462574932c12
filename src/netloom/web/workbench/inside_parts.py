"""What a page shows of the inside of a network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LayerFigure:
    """The weights of a layer, or what it gives."""

    title: str  # "Weights", "Output", or "Input" of the network
    shape: str  # "20 × 24 × 24"
    mean: float
    stddev: float
    bars: tuple[float, ...]  # of the histogram, as shares of the highest
    ticks: tuple[float, float, float]
    picture_url: str = ""  # empty for the weights of dense layers
    width: int = 0  # of the picture, in pixels
    height: int = 0
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True)
class LayerPart:
    """One layer."""

    name: str
    type: str  # "Conv"; empty for the input
    figures: tuple[LayerFigure, ...]


@dataclass(frozen=True, kw_only=True)
class InsidePart:
    """All layers of a network, in order."""

    layers: tuple[LayerPart, ...]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class MapsPart:
    """What of an image speaks for its best class; pictures are data URLs."""

    label: str
    input_url: str  # the image after preprocessing
    input_words: str  # "1 × 28 × 28, values from -33 to 222"
    occlusion_url: str
    fall: float  # of the score at most, in percentage points
    grad_cam_url: str  # empty where no layer fits
    layer: str
