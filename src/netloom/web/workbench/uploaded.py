"""Archives that are uploaded: each becomes a pretrained model."""

from __future__ import annotations

import json
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from netloom.errors import InvalidInput
from netloom.inference import unpacking
from netloom.inference.unpacking import Archive
from netloom.store import Job
from netloom.web.auth import User
from netloom.web.errors import as_json
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site

router = APIRouter(tags=["pretrained models"])

PATH = "/pretrained_models/upload_archive"
INFO, LABELS = "info.json", "labels.txt"
LARGEST_INFO = 2**20  # bytes
LARGEST_TEXT = 10**6
LARGEST_LABELS = 10**7
LONGEST_NAME = 1000
SUFFIXES = (".safetensors", ".pt", ".pth")
MODES = ("squash", "crop", "fill", "half_crop")

Fields = Annotated[Posted, Depends(read_posted)]


@router.post(PATH)
@router.post(f"{PATH}.json")
def upload_archive(request: Request, user: User, here: Here, posted: Fields) -> Response:
    """Make a pretrained model of an archive: `{"status": "success"}`, or why not.

    A browser that posts the form is led to the table of pretrained models.
    """
    browser = "text/html" in request.headers.get("accept", "")
    try:
        upload = posted.files.get("archive")
        if upload is None or not upload.filename:
            raise InvalidInput("archive is a required field", hint=unpacking.HINT)
        job = _kept(here, upload.file, user)
    except InvalidInput as error:
        if browser:
            raise
        error.field = "archive"
        return JSONResponse({"status": error.message, **as_json(error)}, error.status)
    if browser:
        return RedirectResponse("/?tab=3", 303)
    return JSONResponse({"status": "success", "id": job.id})


def _kept(site: Site, file: BinaryIO, user: str) -> Job:
    from netloom.training import add_pretrained

    with (
        site.store.files.temporary() as folder,
        unpacking.opened(file, folder) as archive,
    ):
        info = _info(archive)
        weights = folder / f"weights{_suffix(info['snapshot file'])}"
        archive.extract(info["snapshot file"], weights)
        site.store.ensure_user(user)
        return add_pretrained(
            site.store,
            name=info["name"],
            owner=user,
            framework=info["framework"],
            text=_text(archive, info["model file"], LARGEST_TEXT),
            weights=weights,
            labels=_labels(archive, info.get("labels file", LABELS)),
            facts=_facts(info),
        )


def _info(archive: Archive) -> dict[str, Any]:
    """Return what the archive says of itself; the model file under its new name."""
    try:
        info = json.loads(archive.read(INFO, LARGEST_INFO))
    except (InvalidInput, ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise InvalidInput("Missing or Incorrect json file", hint=f"The archive needs an {INFO}.")
    for key in ("snapshot file", "framework", "name"):
        if not _is_text(info.get(key)):
            raise InvalidInput(f"Missing Key '{key}' in info.json", hint=unpacking.HINT)
    text = info.get("model file", info.get("network file"))
    if not _is_text(text):
        raise InvalidInput("Missing model definition in info.json", hint=unpacking.HINT)
    return {**info, "model file": text}


def _is_text(value: object) -> bool:
    # Half a surrogate pair is no text, and could not be stored.
    fits = isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME
    return fits and str(value).isprintable()


def _suffix(name: str) -> str:
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    if not suffix:
        known = ", ".join(SUFFIXES)
        raise InvalidInput(f"The weights {name!r} cannot be read.", hint=f"Use {known}.")
    return suffix


def _text(archive: Archive, name: str, most: int) -> str:
    try:
        text = archive.read(name, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} in the archive is not a text in UTF-8.") from None
    if "\0" in text:
        raise InvalidInput(f"{name} in the archive is not a text.")
    return text


def _labels(archive: Archive, name: object) -> list[str]:
    if not isinstance(name, str) or name not in archive.sizes:
        return []
    lines = _text(archive, name, LARGEST_LABELS).split("\n")
    return [line.strip() for line in lines if line.strip()]


def _facts(info: dict[str, Any]) -> dict[str, Any]:
    size, mode = info.get("image dimensions"), info.get("image resize mode")
    if not isinstance(size, list) or len(size) != 3:
        return {}
    if not all(type(side) is int and 0 < side <= 100_000 for side in size):
        return {}
    return {"image_dimensions": size, "resize_mode": mode if mode in MODES else "squash"}
