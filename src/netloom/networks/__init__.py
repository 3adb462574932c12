"""
Networks: what can be trained.

    catalog  the standard networks of each framework, as readable texts
    text     from a network text to a checked module (in a worker only)
    summary  layers, output shapes, parameter counts
    card     model.json: what a trained model expects and answers

The card is imported from `netloom.networks.card`, by the rooms that need it.
"""

from netloom.networks.catalog import standard_networks
from netloom.networks.summary import Layer, NetworkSummary, summarize
from netloom.networks.text import TEXT_FILE, blame, build_text, check_text

__all__ = [
    "TEXT_FILE",
    "Layer",
    "NetworkSummary",
    "blame",
    "build_text",
    "check_text",
    "standard_networks",
    "summarize",
]
