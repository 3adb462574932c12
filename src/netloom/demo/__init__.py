"""
The demo: the whole path on real handwritten digits, over HTTP, against a real server.

`digits` writes the images, `server` starts and stops `netloom serve`, `path` walks from the
folder of images to an answer. By hand:

    netloom demo --keep
    python -m netloom.demo.digits /tmp/digits
"""

from netloom.demo.server import Server

__all__ = ["Server"]
