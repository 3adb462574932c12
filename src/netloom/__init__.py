"""Netloom: a workbench for image networks, from a folder of images to a network that answers."""

import os

# ONNX Runtime reports what it does to its maker, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
