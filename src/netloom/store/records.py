"""
The rows: users, jobs, steps, histories, curves, snapshots, models, events, leases.

Times are Unix seconds (float). Status codes are one letter (see `netloom.jobs.status`).
Curves are kept as a pyramid: `rank` is the number of trailing zero bits of a point's
place in its series, so that every 2^k-th point is one index range and a chart reads
only what it draws.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Row(DeclarativeBase):
    """Base of all rows."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON, list[Any]: JSON}


class User(Row):
    """A name that owns jobs."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    created: Mapped[float]
    password_hash: Mapped[str | None] = mapped_column(Text)  # argon2; None in open mode
    role: Mapped[str] = mapped_column(String(20), default="user")


class Job(Row):
    """A unit of work that users see."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("jobs_by_kind", "kind", "created"),
        Index("jobs_by_count", "kind", "status"),
    )
    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # YYYYMMDD-HHMMSS-xxxx
    kind: Mapped[str] = mapped_column(String(20))  # dataset, model
    type: Mapped[str] = mapped_column(String(60))  # "Image Classification Dataset" ...
    name: Mapped[str] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(String(100), index=True)
    group: Mapped[str] = mapped_column("job_group", Text, default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(1), index=True)
    created: Mapped[float] = mapped_column(index=True)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the validated options
    form: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the fields as sent, for cloning
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what tables and pages show
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    framework: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[str] = mapped_column(String(40), default="")  # Netloom's, at creation

    steps: Mapped[list[Step]] = relationship(
        back_populates="job", order_by="Step.place", cascade="all, delete-orphan"
    )


class Step(Row):
    """One process's worth of work of a job."""

    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("job_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(String(80))
    place: Mapped[int]  # order within the job
    title: Mapped[str] = mapped_column(Text)
    runner: Mapped[str] = mapped_column(String(80))  # name in the group netloom.jobs
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    needs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    parents: Mapped[list[Any]] = mapped_column(default=list)  # keys of steps of the same job
    status: Mapped[str] = mapped_column(String(1), index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(Text, default="")  # "12,000 of 45,000 images"
    done: Mapped[int | None]
    total: Mapped[int | None]
    rate: Mapped[float | None]  # per second
    eta: Mapped[float | None]  # seconds left, as far as known
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str] = mapped_column(Text, default="")  # one sentence: cause
    hint: Mapped[str] = mapped_column(Text, default="")  # and remedy
    field: Mapped[str] = mapped_column(String(80), default="")
    trace: Mapped[str] = mapped_column(
        Text, default=""
    )  # for the log panel, never in a page's head
    created: Mapped[float]
    started: Mapped[float | None]
    stopped: Mapped[float | None]
    attempt: Mapped[int] = mapped_column(default=0)
    abort_requested: Mapped[bool] = mapped_column(default=False)
    lent: Mapped[dict[str, Any]] = mapped_column(default=dict)  # gpus and cpus while running
    # The process: its id, its start time (an id alone may be reused) and its machine.
    pid: Mapped[int | None]
    pid_started: Mapped[float | None]
    machine: Mapped[str] = mapped_column(String(100), default="")
    heartbeat: Mapped[float | None]  # last sign of life; judges processes of other machines
    crashes: Mapped[int] = mapped_column(default=0)  # interruptions since the last snapshot

    job: Mapped[Job] = relationship(back_populates="steps")


class StatusChange(Row):
    """One entry of the status history of a job or of one of its steps."""

    __tablename__ = "status_history"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    step_id: Mapped[int | None] = mapped_column(
        ForeignKey("steps.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(String(1))
    time: Mapped[float]


class Series(Row):
    """One curve of a job, with what tables show of it."""

    __tablename__ = "metric_series"
    __table_args__ = (UniqueConstraint("job_id", "split", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    split: Mapped[str] = mapped_column(String(10))  # train, val
    count: Mapped[int] = mapped_column(default=0)
    last: Mapped[float | None]
    smallest: Mapped[float | None]
    largest: Mapped[float | None]


class Point(Row):
    """One value of a curve."""

    __tablename__ = "metric_points"
    __table_args__ = (Index("metric_points_by_rank", "series_id", "rank", "place"),)
    series_id: Mapped[int] = mapped_column(
        ForeignKey("metric_series.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)  # 0, 1, 2 ... without holes
    rank: Mapped[int]  # trailing zero bits of place; 62 for place 0
    iteration: Mapped[int]
    epoch: Mapped[float]
    value: Mapped[float | None]  # None where it was not finite


class Snapshot(Row):
    """Weights written while training."""

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("job_id", "iteration"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[float]
    iteration: Mapped[int]
    weights: Mapped[str] = mapped_column(Text)
    network: Mapped[str] = mapped_column(Text, default="")  # ONNX; empty until exported
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    best: Mapped[bool] = mapped_column(default=False)
    created: Mapped[float]


class Model(Row):
    """A network that answers: an exported file, its classes and its preprocessing."""

    __tablename__ = "models"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    snapshot_id: Mapped[int | None] = mapped_column(
        ForeignKey("snapshots.id", ondelete="CASCADE"), index=True
    )
    network: Mapped[str] = mapped_column(Text)  # ONNX file name in the job directory
    task: Mapped[str] = mapped_column(String(40))
    classes: Mapped[list[Any]] = mapped_column(default=list)
    preprocessing: Mapped[dict[str, Any]] = mapped_column(default=dict)
    outputs: Mapped[list[Any]] = mapped_column(default=list)
    difference: Mapped[float | None]  # largest one between trained and exported on real samples
    created: Mapped[float]


class Event(Row):
    """Something a page may want to show at once."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[float] = mapped_column(index=True)
    job_id: Mapped[str] = mapped_column(String(40), index=True)  # no foreign key: outlives the job
    kind: Mapped[str] = mapped_column(String(30))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class LogLine(Row):
    """One line a step said."""

    __tablename__ = "log_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("steps.id", ondelete="CASCADE"), index=True)
    time: Mapped[float]
    level: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)


class Lease(Row):
    """Who holds a task that only one process may do."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(100))
    expires: Mapped[float]
    machine: Mapped[str] = mapped_column(String(100))
    pid: Mapped[int]
    pid_started: Mapped[float]


class Resource(Row):
    """What the scheduler can lend: one GPU, the CPU slots, a pool."""

    __tablename__ = "resources"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # gpu, cpu, pool
    capacity: Mapped[int]
    used: Mapped[int] = mapped_column(default=0)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)  # e.g. the GPU's name and memory
