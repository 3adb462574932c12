"""
Images: the one way from bytes to pixels to the numbers a network gets, and back.

    header         what a file says about itself, without decoding
    decode         bytes -> pixels: formats, colour, limits
    resize         squash, crop, fill, half_crop
    encode         pixels -> PNG or JPEG
    preprocessing  all of it in one, for build, training and prediction
    record         its settings, and how they are stored
    datum          database entries (Caffe Datum)
    mean           the mean image and its files
    fetch          images from URLs, with limits
    sample         a picture to try it on

Pixels are uint8 arrays, H x W for grey or H x W x C, in RGB unless an order is named.
"""

from netloom.images.datum import Datum, pack_datum, raw_bytes, unpack_datum
from netloom.images.decode import MAX_PIXELS, Channels, Order, Pixels, decode, swap_order
from netloom.images.encode import ImageFormat, encode
from netloom.images.fetch import fetch, is_url
from netloom.images.mean import (
    RunningMean,
    mean_picture,
    pixel_mean,
    read_mean,
    swap_planes,
    write_mean,
)
from netloom.images.preprocessing import Preprocessing, StoredImage
from netloom.images.resize import (
    Fill,
    Interpolation,
    ResizeMode,
    ResizePlan,
    plan_resize,
    resize,
)
from netloom.images.sample import sample

__all__ = [
    "MAX_PIXELS",
    "Channels",
    "Datum",
    "Fill",
    "ImageFormat",
    "Interpolation",
    "Order",
    "Pixels",
    "Preprocessing",
    "ResizeMode",
    "ResizePlan",
    "RunningMean",
    "StoredImage",
    "decode",
    "encode",
    "fetch",
    "is_url",
    "mean_picture",
    "pack_datum",
    "pixel_mean",
    "plan_resize",
    "raw_bytes",
    "read_mean",
    "resize",
    "sample",
    "swap_order",
    "swap_planes",
    "unpack_datum",
    "write_mean",
]
