"""Where a training runs, and how much memory its images may take."""

from __future__ import annotations

from pydantic import Field

from netloom.interfaces.options import Options


class DeviceFields(Options):
    """Where the training runs."""

    select_gpu: str = Field(
        "next",
        title="GPU",
        description="The number of a GPU, or 'next' for the first that is free",
        json_schema_extra={"group": "GPU"},
    )
    select_gpus: str = Field(
        "", title="GPUs", description="Numbers of GPUs", json_schema_extra={"group": "GPU"}
    )
    select_gpus_list: str = Field(
        "",
        title="GPUs",
        description="Numbers of GPUs, separated by commas, for scripts",
        json_schema_extra={"group": "GPU", "advanced": True},
    )
    select_gpu_count: int | None = Field(
        1,
        ge=1,
        title="Number of GPUs",
        description="How many free GPUs to use",
        json_schema_extra={"group": "GPU", "advanced": True},
    )
    memory_limit: int | None = Field(
        None,
        ge=0,
        title="Memory for decoded images",
        description="Datasets that need more are read from disk again and again; "
        "blank is a third of the free memory",
        json_schema_extra={"group": "Data", "unit": "MiB", "advanced": True},
    )
