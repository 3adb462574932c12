"""Archives of models: a snapshot with everything that is needed outside, made while it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response, StreamingResponse

from netloom.errors import InvalidInput, JobNotFound
from netloom.store import Job, Snapshot
from netloom.web.models import choose_snapshot, parsed_epoch
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench.described import model_json, plain_epoch

router = APIRouter(tags=["models"])

MEDIA_TYPES = {
    "tar": "application/x-tar",
    "tar.gz": "application/gzip",
    "tgz": "application/gzip",
    "tar.bz2": "application/x-bzip2",
    "zip": "application/zip",
}
USUAL = "tar.gz"

Fields = Annotated[Posted, Depends(read_posted)]
Epoch = Annotated[str, Query(description="Of the snapshot; the latest if absent")]


@router.get("/models/{job_id}/download")
@router.post("/models/{job_id}/download")
def download(job_id: str, here: Here, posted: Fields, epoch: Epoch = "") -> Response:
    """Return the archive of a snapshot, a tar packed by gzip."""
    return _archive(here, job_id, USUAL, epoch or posted.text("snapshot_epoch"))


@router.get("/models/{job_id}/download.{extension}")
@router.post("/models/{job_id}/download.{extension}")
def download_as(
    job_id: str, extension: str, here: Here, posted: Fields, epoch: Epoch = ""
) -> Response:
    """Return the archive of a snapshot: tar, tar.gz, tgz, tar.bz2 or zip."""
    return _archive(here, job_id, extension, epoch or posted.text("snapshot_epoch"))


def _archive(site: Site, job_id: str, extension: str, epoch: str) -> Response:
    if extension not in MEDIA_TYPES:
        raise InvalidInput(
            f"Archives cannot be made as {extension!r}.", hint=f"Use {', '.join(MEDIA_TYPES)}."
        )
    wanted = parsed_epoch(epoch)
    job = site.store.job(job_id)
    if job.kind != "model":
        raise JobNotFound(f'"{job.name}" is not a model.', hint="Give the id of a model.")
    snapshot = choose_snapshot(site.store.snapshots(job.id), wanted)
    shown = -1 if wanted is None else plain_epoch(snapshot.epoch)
    name = f"{job.id}_epoch_{shown}.{extension}"
    return StreamingResponse(
        _pieces(site, job, snapshot, extension),
        media_type=MEDIA_TYPES[extension],
        headers={"content-disposition": f"attachment; filename={name}"},
    )


def _pieces(site: Site, job: Job, snapshot: Snapshot, extension: str) -> Iterator[bytes]:
    from netloom import inference

    files = site.store.files
    return inference.pack(
        inference.members(
            files.directory(job.id),
            weights=snapshot.weights,
            network=snapshot.network,
            info=model_json(site.store, job, snapshot=snapshot),
            dataset=files.directory(job.dataset_id) if job.dataset_id else None,
        ),
        extension,
    )
