"""Memory while a list is classified: it does not grow with the number of images."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from tests.inference.small_models import ModelMaker

FEW, MANY = 80, 400  # images of each run
SIDE = 512  # pixels; 768 kB decoded
BOUND = 40 * 2**20  # bytes; holding the files or what is decoded would take 240 MB more

# The peak is that of the process (VmHWM): ru_maxrss knows the parent from before the exec, too.
CHILD = """
import json, sys
from pathlib import Path
from netloom import inference

directory, listing = sys.argv[1:]
predictor = inference.Predictor.open(Path(directory), "snapshot_1.onnx")
reader = inference.Reader(check=lambda path: path, fetch=lambda url: b"")
evaluation = inference.Evaluation(predictor.model.card.classes)
with open(listing, "rb") as file:
    for entry, prediction in predictor.classify_many(inference.read_list(file), reader, threads=2):
        evaluation.add(prediction, entry.truth)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([evaluation.count, 1024 * int(status["VmHWM"].split()[0])]))
"""


def peak(model: Path, listing: Path, count: int) -> int:
    """Classify a list in a process of its own; return its peak in bytes."""
    command = [sys.executable, "-c", CHILD, str(model), str(listing)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    classified, most = json.loads(done.stdout)
    assert classified == count
    return int(most)


def test_a_longer_list_needs_no_more_memory(make_model: ModelMaker, tmp_path: Path) -> None:
    model = make_model()
    image = tmp_path / "noise.bmp"
    noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    cv2.imwrite(str(image), noise)
    peaks = []
    for count in (FEW, MANY):
        listing = tmp_path / f"{count}.txt"
        listing.write_text(f"{image} 3\n" * count)
        peaks.append(peak(model, listing, count))
    assert peaks[1] - peaks[0] < BOUND
