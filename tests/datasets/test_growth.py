"""Memory while a dataset is built: it does not grow with the number of images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

FEW, MANY = 50, 250  # images of each run
SIDE = 512  # pixels of a file, 768 kB each in the file and decoded
KEPT = 256  # pixels of an entry, 192 kB each
BOUND = 20 * 2**20  # bytes; holding the files would take 150 MB more, holding the entries 37 MB

# The peaks are those of a process (VmHWM): ru_maxrss knows the parent from before the exec, too.
CHILD = """
import json, os, sys
from pathlib import Path
from netloom.datasets import build
from netloom.testing import RecordingRun
from tests.datasets.conftest import plans

build._CHUNK_ENTRIES = 5  # few images are under way, so that few are enough to show growth


def peak(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


class Watched(RecordingRun):
    encoders = 0

    def progress(self, *arguments, **counts):
        super().progress(*arguments, **counts)
        me = os.getpid()
        for child in Path(f"/proc/{me}/task/{me}/children").read_text().split():
            Watched.encoders = max(Watched.encoders, peak(child))


folder, directory, side, backend = sys.argv[1:]
facts = {}
for plan in plans(Path(folder), backend=backend, encoding="none", resize_width=side,
                  resize_height=side, resize_mode="squash", folder_pct_val="0"):
    run = Watched(Path(directory), cpus=1)
    plan.step.run(run)
    facts |= run.facts
print(json.dumps([facts["entries"], peak("self"), Watched.encoders]))
"""


def peaks(root: Path, count: int, backend: str) -> tuple[int, int]:
    """Build a dataset of `count` images; return the peaks of the build and of its encoders."""
    pixels = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    image = root / "image.bmp"
    cv2.imwrite(str(image), pixels)
    for label in ("cat", "dog"):
        (root / "images" / label).mkdir(parents=True)
        for number in range(count // 2):
            os.link(image, root / "images" / label / f"{number}.bmp")
    (root / "job").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(root / "images"), str(root / "job"), str(KEPT), backend],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    entries, own, encoders = json.loads(done.stdout)
    assert entries == count
    assert encoders > 0
    return own, encoders


@pytest.mark.parametrize("backend", ["lmdb", "hdf5"])
def test_a_build_needs_no_more_memory_for_more_images(tmp_path: Path, backend: str) -> None:
    found = []
    for count in (FEW, MANY):
        (tmp_path / str(count)).mkdir()
        found.append(peaks(tmp_path / str(count), count, backend))
    for few, many in zip(*found, strict=True):
        assert many - few < BOUND
