"""Models: the networks that answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from netloom.store.part import Part, find_job
from netloom.store.records import Model


class Models(Part):
    """Part of the store."""

    def put_model(
        self,
        job_id: str,
        snapshot_id: int | None,
        *,
        network: str,
        task: str,
        classes: Sequence[str] = (),
        preprocessing: Mapping[str, Any] | None = None,
        outputs: Sequence[Any] = (),
        difference: float | None = None,
    ) -> Model:
        """Keep the exported network of a snapshot, in place of an earlier one."""
        row = Model(
            job_id=job_id,
            snapshot_id=snapshot_id,
            network=network,
            task=task,
            classes=list(classes),
            preprocessing=dict(preprocessing or {}),
            outputs=list(outputs),
            difference=difference,
            created=time.time(),
        )
        with self.database.write() as session:
            find_job(session, job_id, lock=True)
            earlier = (Model.job_id == job_id, Model.snapshot_id == snapshot_id)
            session.execute(delete(Model).where(*earlier))
            session.add(row)
        return row

    def model(self, job_id: str, snapshot_id: int | None) -> Model | None:
        """Return the exported network of a snapshot; None while there is none."""
        query = select(Model).where(Model.job_id == job_id, Model.snapshot_id == snapshot_id)
        with self.database.read() as session:
            return session.scalar(query)
