"""The first dataset of a fresh install: handwritten digits that come with Netloom."""

from __future__ import annotations

import subprocess
import sys

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from netloom.errors import DatasetFailed
from netloom.web.auth import User
from netloom.web.site import Here
from netloom.web.workbench import creation

router = APIRouter(tags=["datasets"])

PATIENCE = 120  # seconds to write the images


@router.post("/datasets/examples/digits", include_in_schema=False)
def digits(user: User, here: Here) -> Response:
    """Write the digits as a folder of images and start a dataset of them."""
    from netloom.datasets import ClassificationDataset

    folder = here.store.files.examples / "digits"
    # A process of its own: the library the digits come from would stay in the server's memory.
    command = [sys.executable, "-m", "netloom.demo.digits", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    except (subprocess.SubprocessError, OSError):
        raise DatasetFailed(
            "The built-in digits cannot be written.",
            hint=f"Is there room on the disk of {folder.parent}?",
        ) from None
    options = ClassificationDataset(
        dataset_name="Handwritten digits",
        folder_train=str(folder),
        resize_width=28,
        resize_height=28,
        resize_channels="1",
    )
    job = creation.add_dataset(here, user, options)
    return RedirectResponse(f"/datasets/{job.id}", 302)
