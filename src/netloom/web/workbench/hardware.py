"""What a running job uses of its machine: a panel that is asked for while somebody looks."""

from __future__ import annotations

import dataclasses
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from netloom.store.status import is_running
from netloom.web.site import Here
from netloom.web.workbench.fragments import HardwareFragment
from netloom.web.workbench.render import render

router = APIRouter(tags=["jobs"])


@router.get("/jobs/{job_id}/hardware", include_in_schema=False)
def hardware(request: Request, job_id: str, here: Here) -> Response:
    """Show the panel; it is empty where nothing of the job runs on this machine."""
    job = here.store.job(job_id)
    use = here.hardware.use_of(job)
    fragment = HardwareFragment(job_id=job.id, hardware=use, running=is_running(job.status))
    return render(request, fragment)


@router.get("/jobs/{job_id}/hardware.json")
def hardware_json(job_id: str, here: Here) -> dict[str, Any]:
    """Return what the processes of a running job, its GPUs and its machine do now.

    All three are empty where nothing of the job runs on the machine of the server.
    """
    use = here.hardware.use_of(here.store.job(job_id))
    if use is None:
        return {"processes": [], "machine": None, "gpus": []}
    return dataclasses.asdict(use)
