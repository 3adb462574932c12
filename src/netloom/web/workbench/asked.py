"""What an inference request asks for: a model, and one image or a list of them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from starlette.requests import Request

from netloom.errors import InvalidInput
from netloom.web.posted import Posted
from netloom.web.site import Site

if TYPE_CHECKING:
    from netloom.inference import Entry, Reader


@dataclass(frozen=True)
class Asked:
    """The fields of a request, in the form or in the query."""

    request: Request
    posted: Posted

    def text(self, name: str) -> str:
        """Return a field, empty if it is in neither place."""
        return self.posted.text(name) or self.request.query_params.get(name, "").strip()

    @property
    def job_id(self) -> str:
        """Return the id of the model; raise InvalidInput if there is none."""
        job_id = self.request.query_params.get("job_id", "") or self.posted.text("job_id")
        if not job_id:
            raise InvalidInput("job_id is a required field", field="job_id")
        return job_id

    @property
    def epoch(self) -> str:
        """Return the epoch as given; empty for the latest."""
        return self.text("snapshot_epoch")

    @property
    def image_name(self) -> str:
        """Return the path, URL or file name of the image."""
        upload = self.posted.files.get("image_file")
        return self.text("image_path") or (upload.filename or "" if upload else "")

    def naming_image(self) -> contextlib.AbstractContextManager[None]:
        """Let errors about the image say by which field it came."""
        return naming("image_path" if self.text("image_path") else "image_file")

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number, None if it is not given; raise InvalidInput."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
            raise InvalidInput(
                f"{name}: {text!r} is not a whole number from {least:,} to {most:,}.", field=name
            )
        return int(text)


@contextlib.contextmanager
def naming(field: str) -> Iterator[None]:
    """Let errors that name no field name this one."""
    try:
        yield
    except InvalidInput as error:
        error.field = error.field or field
        raise


async def image_bytes(asked: Asked) -> bytes | None:
    """Return the image that was uploaded, None if a path was given; raise InvalidInput."""
    if asked.text("image_path"):
        return None
    upload = asked.posted.files.get("image_file")
    if upload is None or not upload.filename:
        raise InvalidInput(
            "must provide image_path or image_file",
            hint="Send a file, or the path or URL of an image.",
            field="image_file",
        )
    return await upload.read()


def reader(site: Site) -> Reader:
    """Return what reads images by server path, within the roots, and by URL."""
    from netloom import images
    from netloom.inference import Reader

    fetch = functools.partial(images.fetch, allow_private=site.settings.fetch_private)
    return Reader(check=site.roots.check, fetch=fetch)


@dataclass(frozen=True)
class ImageList:
    """A list of images: its file, and where relative paths start."""

    file: BinaryIO
    folder: str
    limit: int | None
    site: Site

    def entries(self) -> Iterator[Entry]:
        """Yield the entries as they are needed."""
        from netloom.inference import read_list

        return read_list(
            self.file, folder=self.folder, limit=self.limit, check=self.site.roots.check
        )


def image_list(site: Site, asked: Asked) -> ImageList:
    """Return the list that was uploaded; raise InvalidInput."""
    from netloom.inference import check_list

    for name in ("show_visualizations", "show_maps"):
        if asked.text(name):
            raise InvalidInput(
                f"{name}: layers and maps are shown for a single image.",
                hint="Ask classify_one for it.",
                field=name,
            )
    upload = asked.posted.files.get("image_list")
    if upload is None or not upload.filename:
        raise InvalidInput(
            "image_list is a required field",
            hint="Upload a text file with one path or URL per line.",
            field="image_list",
        )
    folder = asked.text("image_folder")
    with naming("image_folder"):
        if folder and not site.roots.check(Path(folder)).is_dir():
            raise InvalidInput(f"There is no folder {folder!r}.")
    limit = asked.whole("num_test_images", 1, 10**9)
    upload.file.seek(0)
    check_list(upload.file)  # an answer that has begun cannot turn into an error any more
    return ImageList(file=upload.file, folder=folder, limit=limit, site=site)
