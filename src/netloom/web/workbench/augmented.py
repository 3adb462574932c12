"""Examples of augmentation, before a model is trained with it."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request

from netloom.errors import DatasetFailed, InvalidInput, JobNotFound
from netloom.web.format import data_url
from netloom.web.site import Here

router = APIRouter(tags=["models"])

AT_ONCE = 2  # processes that draw; each takes a core for a second or two
QUEUE = 10.0  # seconds to wait for one of them
_drawing = threading.BoundedSemaphore(AT_ONCE)


@router.get("/models/images/classification/augmentations.json")
def augmentations(
    request: Request,
    here: Here,
    dataset: Annotated[str, Query(description="Id of a dataset that is Done")],
    sample: Annotated[int, Query(ge=0, le=10**9, description="Which training image")] = 0,
) -> dict[str, Any]:
    """Return a training image and eight variations of it as data URLs; takes the `aug_` fields."""
    from netloom.training.augment.examples import Wanted, draw
    from netloom.training.fields import AugmentationFields, TransformFields

    given = {name: value for name, value in request.query_params.items() if value.strip()}
    wanted = Wanted(
        augmentations=AugmentationFields.from_form(given).augmentations(),
        crop_size=TransformFields.from_form(given).crop_size,
        sample=sample,
    )
    job = here.store.job(dataset)
    if job.kind != "dataset":
        raise JobNotFound
    if job.status != "D":
        raise InvalidInput("Examples can be shown when the dataset is complete.", field="dataset")
    if not _drawing.acquire(timeout=QUEUE):
        raise DatasetFailed("Too many examples are asked for at once.", hint="Try again.")
    try:
        drawn = draw(here.store.files.directory(job.id), wanted)
    finally:
        _drawing.release()
    return {
        "original": data_url(drawn.original),
        "examples": [data_url(example) for example in drawn.examples],
    }
