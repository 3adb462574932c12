"""The queue: what a scheduler looks at to decide what is next. Each is one indexed query."""

from __future__ import annotations

from sqlalchemy import select

from netloom.store.part import Part
from netloom.store.records import Job, Step
from netloom.store.status import Status


class Queue(Part):
    """Part of the store."""

    def active_steps(self) -> list[Step]:
        """Return the steps that run now."""
        query = select(Step).where(Step.status == Status.RUNNING.value).order_by(Step.id)
        with self.database.read() as session:
            return list(session.scalars(query))

    def queue(self) -> list[Step]:
        """Return the steps of running jobs that are not started, in the order jobs came."""
        query = (
            select(Step)
            .join(Job)
            .where(
                Step.status.in_([Status.INITIALIZED.value, Status.WAITING.value]),
                Job.status == Status.RUNNING.value,
            )
            .order_by(Job.created, Job.id, Step.place)
        )
        with self.database.read() as session:
            return list(session.scalars(query))

    def done_keys(self, job_ids: set[str]) -> set[tuple[str, str]]:
        """Return the (job id, step key) of the steps of these jobs that are Done."""
        query = select(Step.job_id, Step.key).where(
            Step.job_id.in_(job_ids), Step.status == Status.DONE.value
        )
        with self.database.read() as session:
            return {(job_id, key) for job_id, key in session.execute(query)}

    def unstarted_jobs(self) -> list[tuple[str, str, str | None]]:
        """Return (job id, status, status of its dataset) of the jobs before Running."""
        dataset = select(Job.id, Job.status).subquery()
        query = (
            select(Job.id, Job.status, dataset.c.status)
            .outerjoin(dataset, Job.dataset_id == dataset.c.id)
            .where(Job.status.in_([Status.INITIALIZED.value, Status.WAITING.value]))
            .order_by(Job.created, Job.id)
        )
        with self.database.read() as session:
            return [(job_id, status, data) for job_id, status, data in session.execute(query)]
