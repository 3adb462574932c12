"""Jobs: added with their steps, read, edited, deleted."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

import netloom
from netloom.errors import DatasetInUse, JobNotFound
from netloom.interfaces.job import StepPlan
from netloom.store.curves import drop_points
from netloom.store.database import tell
from netloom.store.history import begin_history, change_status
from netloom.store.part import Part, find_job
from netloom.store.records import Job, Step
from netloom.store.status import Status
from netloom.store.values import plain


class Jobs(Part):
    """Part of the store."""

    def add_job(
        self,
        kind: str,
        type: str,
        name: str,
        owner: str | None,
        options: Mapping[str, Any],
        form: Mapping[str, Any],
        plan: Sequence[StepPlan],
        dataset_id: str | None = None,
        framework: str = "",
        group: str = "",
        notes: str = "",
        facts: Mapping[str, Any] | None = None,
        files: Mapping[str, BinaryIO] | None = None,
    ) -> Job:
        """Add a job with its steps and its directory; a scheduler will start them.

        A job without steps is Done at once. `files` are copied into the directory first, under
        the names that are their keys; raise DiskFull where there is no room for them.
        """
        job = Job(
            kind=kind,
            type=type,
            name=plain(name),
            owner=owner,
            options=dict(options),
            form=dict(form),
            facts=dict(facts or {}),
            dataset_id=dataset_id,
            framework=framework,
            group=plain(group),
            notes=plain(notes),
            status=(Status.INITIALIZED if plan else Status.DONE).value,
            created=time.time(),
            version=netloom.__version__,
        )
        job.id = self._new_directory(job.created)
        job.steps = [_step(place, part, job.created) for place, part in enumerate(plan)]
        try:
            for file_name, file in (files or {}).items():
                self.files.keep(job.id, file_name, file)
            self._insert(job)
        except BaseException:
            self.files.remove(job.id)
            raise
        return job

    def job(self, job_id: str) -> Job:
        """Return a job with its steps; raise JobNotFound."""
        self.files.directory(job_id)  # what cannot be an id is not asked for
        query = select(Job).where(Job.id == job_id).options(selectinload(Job.steps))
        with self.database.read() as session:
            job = session.scalar(query)
        if job is None:
            raise JobNotFound
        return job

    def edit_job(
        self,
        job_id: str,
        *,
        name: str | None = None,
        notes: str | None = None,
        group: str | None = None,
    ) -> None:
        """Change what is given; a clone of the job takes the new values too."""
        with self.database.write() as session:
            job = find_job(session, job_id, lock=True)
            for field, value in (("name", name), ("notes", notes), ("group", group)):
                if value is not None and getattr(job, field) != value:
                    setattr(job, field, plain(value))
                    _edit_form(job, field, plain(value))
                    tell(session, job_id, field, {"value": plain(value)})

    def set_job_facts(self, job_id: str, facts: Mapping[str, Any]) -> None:
        """Merge facts into the row of a job."""
        with self.database.write() as session:
            job = find_job(session, job_id, lock=True)
            job.facts = {**job.facts, **facts}

    def set_job_status(self, job_id: str, status: Status) -> bool:
        """Give a job a new status; return False where the table does not allow it."""
        with self.database.write() as session:
            return change_status(session, find_job(session, job_id, lock=True), status)

    def delete_job(self, job_id: str) -> None:
        """Remove a job that does not run: rows, then files; raise DatasetInUse."""
        self.refuse_if_used(job_id)
        drop_points(self.database, job_id)
        with self.database.write() as session:
            job = find_job(session, job_id, lock=True)
            _refuse_used(session, job)
            session.execute(delete(Job).where(Job.id == job_id))  # its rows go with it
            tell(session, job_id, "deleted", {})
        self.files.remove(job_id)

    def refuse_if_used(self, job_id: str) -> None:
        """Raise DatasetInUse when models depend on this dataset."""
        with self.database.read() as session:
            _refuse_used(session, find_job(session, job_id))

    def _insert(self, job: Job) -> None:
        try:
            with self.database.write() as session:
                session.add(job)
                session.flush()
                begin_history(session, job)
                for step in job.steps:
                    begin_history(session, step)
                tell(session, job.id, "added", {})
        except IntegrityError as error:  # the dataset was deleted meanwhile
            raise JobNotFound("The dataset of this job does not exist any more.") from error

    def _new_directory(self, created: float) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(created))
        while True:
            job_id = f"{stamp}-{secrets.token_hex(2)}"
            try:
                self.files.directory(job_id).mkdir(mode=0o700)
            except FileExistsError:
                continue
            return job_id


def _step(place: int, part: StepPlan, created: float) -> Step:
    return Step(
        place=place,
        key=part.key,
        title=part.title,
        runner=part.step.name,
        options=part.step.model_dump(mode="json"),
        needs=dataclasses.asdict(part.needs),
        parents=list(part.parents),
        status=Status.INITIALIZED.value,
        created=created,
    )


def _edit_form(job: Job, field: str, value: str) -> None:
    names = {"name": ("dataset_name", "model_name"), "group": ("group_name",)}
    known = [key for key in names.get(field, ()) if key in job.form]
    if known:
        job.form = {**job.form, **dict.fromkeys(known, value)}


def _refuse_used(session: Session, job: Job) -> None:
    names = list(session.scalars(select(Job.name).where(Job.dataset_id == job.id)))
    if not names:
        return
    models = "1 model depends" if len(names) == 1 else f"{len(names)} models depend"
    listed = ", ".join(f'"{name}"' for name in names)
    raise DatasetInUse(f'Cannot delete "{job.name}" because {models} on it: {listed}')
