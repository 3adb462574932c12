"""Netloom: a workbench for image networks, from a folder of images to a network that answers."""

__version__ = "0.1.0"
