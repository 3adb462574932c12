"""Models: the networks that answer, one for each exported snapshot."""

from __future__ import annotations

import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from netloom.interfaces.job import ExportedModel
from netloom.store.part import Part
from netloom.store.records import Model, Snapshot


class Models(Part):
    """Part of the store."""

    def model(self, job_id: str, snapshot_id: int | None) -> Model | None:
        """Return the exported network of a snapshot; None while there is none."""
        query = select(Model).where(Model.job_id == job_id, Model.snapshot_id == snapshot_id)
        with self.database.read() as session:
            return session.scalar(query)


def put_model(session: Session, snapshot: Snapshot, exported: ExportedModel) -> None:
    """Keep the exported network of a snapshot, in place of an earlier one."""
    session.flush()  # gives a new snapshot its id
    session.execute(delete(Model).where(Model.snapshot_id == snapshot.id))
    session.add(
        Model(
            job_id=snapshot.job_id,
            snapshot_id=snapshot.id,
            network=snapshot.network,
            task=exported.task,
            classes=list(exported.classes),
            preprocessing=dict(exported.preprocessing),
            outputs=list(exported.outputs),
            difference=exported.difference,
            created=time.time(),
        )
    )
