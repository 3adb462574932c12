"""
Takes the archive of a model to an empty virtual environment and compares its answers.

Downloads the archive from a running server, installs numpy, onnxruntime and
opencv-python-headless into a new environment and nothing else, runs `predict.py` there on
the images and compares what it prints with `classify_one.json`, number by number:

    python scripts/try_archive.py http://127.0.0.1:5000 20260105-103000-2c3d a.png b.jpg
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import httpx

NEEDED = ("numpy", "onnxruntime", "opencv-python-headless")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("url", help="of the server")
    parser.add_argument("model", help="id of a model")
    parser.add_argument("images", nargs="+", type=Path)
    options = parser.parse_args()
    images = [path.resolve() for path in options.images]
    with (
        httpx.Client(base_url=options.url, timeout=60) as http,
        tempfile.TemporaryDirectory() as at,
    ):
        folder = Path(at)
        archive = http.get(f"/models/{options.model}/download.zip").raise_for_status()
        zipfile.ZipFile(io.BytesIO(archive.content)).extractall(folder / "model")
        printed = predicted(folder, images)
        wrong = [path for path in images if printed[str(path)] != asked(http, options.model, path)]
    for path in wrong:
        print(f"{path}: not the numbers of the server")
    print(f"{len(images) - len(wrong)} of {len(images)} images have the same numbers")
    sys.exit(1 if wrong else 0)


def predicted(folder: Path, images: list[Path]) -> dict[str, object]:
    """Return what predict.py says in an environment of its own, by path."""
    venv.create(folder / "environment", with_pip=True)
    python = folder / "environment" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    script = folder / "model" / "predict.py"
    done = subprocess.run(
        [python, "-I", script, *images], cwd=folder, capture_output=True, text=True, check=True
    )
    return {k: v for line in done.stdout.splitlines() for k, v in json.loads(line).items()}


def asked(http: httpx.Client, model: str, path: Path) -> object:
    """Return what the server says of an image."""
    answer = http.post(
        "/models/images/classification/classify_one.json",
        data={"job_id": model},
        files={"image_file": path.read_bytes()},
    )
    return answer.raise_for_status().json()["predictions"]


if __name__ == "__main__":
    main()
