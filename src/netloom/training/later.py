"""
Fields that existing scripts send and that nothing here does yet.

A value other than the default would change the result, so it is refused with a sentence
rather than dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OFF = ("", "0", "none", "false", "no", "off", "n", "f", "null")
_PYTHON_LAYER = "Python layers belong to Caffe networks, which are not available yet. Leave it out."

# Field -> the sentence for any value that is not off.
_LATER = {
    "python_layer_client_file": _PYTHON_LAYER,
    "python_layer_server_file": _PYTHON_LAYER,
    "traces_interval": "Timeline traces belong to TensorFlow, which is not available yet.",
}


def not_available(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return a sentence for each field that asks for what does not exist yet."""
    return {name: [sentence] for name, sentence in _LATER.items() if not _is_off(values.get(name))}


def _is_off(value: Any) -> bool:
    if value is None or value is False:
        return True
    text = str(value).strip().lower()
    try:
        return float(text) == 0
    except ValueError:
        return text in _OFF
