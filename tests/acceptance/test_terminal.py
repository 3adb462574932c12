"""The whole path on the command line, with and without a server on the same data folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.workbench import Workbench, until

NETLOOM = [sys.executable, "-m", "netloom"]
SMALL = ("resize_width=28", "resize_height=28", "resize_channels=1")
JOB = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


def netloom(*arguments: object) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        [*NETLOOM, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def first_job(text: str) -> str:
    found = JOB.search(text)
    assert found is not None, text
    return found[0]


def test_dataset_train_classify(tmp_path: Path, shapes: Path) -> None:
    data = ("--data", tmp_path / "data")
    dataset = first_job(netloom("dataset", f"folder_train={shapes}", *SMALL, *data))
    solver = ("solver_type=ADAM", "learning_rate=0.001", "batch_size=10", "random_seed=1")
    network = ("standard_networks=lenet", "train_epochs=6", *solver)
    model = first_job(netloom("train", f"dataset={dataset}", *network, *data))
    pictures = [shapes / label / "00001.png" for label in ("lying", "standing")]
    said = netloom("classify", model, *pictures, *data).splitlines()
    assert said[0] == str(pictures[0])
    assert said[1].endswith("lying")
    assert said[3] == str(pictures[1])
    assert said[4].endswith("standing")


def test_a_command_watches_while_the_server_works(
    start: Callable[..., Workbench], shapes: Path
) -> None:
    bench = start()
    said = netloom("dataset", f"folder_train={shapes}", *SMALL, "--data", bench.server.data)
    job = first_job(said)
    assert bench.row(job)["status"] == "Done"
    assert re.search(r"Create DB \(train\): done in [0-9.]+ s  \d+ images\n", said)


def test_a_failed_job_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    done = subprocess.run(
        [*NETLOOM, "dataset", f"folder_train={tmp_path}/train", "--data", f"{tmp_path}/data"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("moment", ["at once", "at work"])
def test_ctrl_c_aborts_the_job(start: Callable[..., Workbench], shapes: Path, moment: str) -> None:
    bench = start()
    dataset = bench.built(shapes)
    solver = ("train_epochs=5000", "learning_rate=0.002")
    options = (f"dataset={dataset}", "standard_networks=lenet", *solver)
    process = subprocess.Popen(
        [*NETLOOM, "train", *options, "--data", str(bench.server.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        job = first_job(process.stdout.readline())
        if moment == "at work":
            until(lambda: bench.worker_of(job), "worker")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert said == "error: Stopped.\n"
    assert bench.row(job)["status"] == "Aborted"
    until(lambda: bench.worker_of(job) is None, "end of the worker", 5)


def test_a_dataset_from_text_files(tmp_path: Path, shapes: Path) -> None:
    lines = [
        f"{path.relative_to(shapes)} {label}"
        for label, name in enumerate(("lying", "standing"))
        for path in sorted((shapes / name).iterdir())
    ]
    (tmp_path / "shapes.txt").write_text("\n".join(lines))
    (tmp_path / "labels.txt").write_text("lying\nstanding\n")
    lists = [f"textfile_train_images={tmp_path}/shapes.txt", f"textfile_train_folder={shapes}"]
    labels = f"textfile_labels_file={tmp_path}/labels.txt"
    said = netloom("dataset", *lists, labels, *SMALL, "--data", tmp_path / "data")
    assert ": shapes\n" in said
    assert f"{len(lines)} images" in said
