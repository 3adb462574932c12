"""
Jobs: how work gets done.

A scheduler lends resources to waiting steps, an executor starts one worker process per
step, the worker writes progress and its end to the store. From a script:

    job = run_until_done(store, job_id)
"""

from __future__ import annotations

from netloom.jobs.afterwards import measure
from netloom.jobs.control import abort, delete, run_until_done
from netloom.jobs.executors import Executor, InProcessExecutor
from netloom.jobs.gpus import GpuUse
from netloom.jobs.hardware import Hardware, MachineUse, ProcessUse, Use
from netloom.jobs.leadership import is_led
from netloom.jobs.local import LocalExecutor, environment
from netloom.jobs.resources import Gpu, find_gpus
from netloom.jobs.scheduler import Scheduler
from netloom.jobs.status import Status, elapsed, progress, status_of_tasks

__all__ = [
    "Executor",
    "Gpu",
    "GpuUse",
    "Hardware",
    "InProcessExecutor",
    "LocalExecutor",
    "MachineUse",
    "ProcessUse",
    "Scheduler",
    "Status",
    "Use",
    "abort",
    "delete",
    "elapsed",
    "environment",
    "find_gpus",
    "is_led",
    "measure",
    "progress",
    "run_until_done",
    "status_of_tasks",
]
