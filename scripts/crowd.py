"""
A crowd of rows for looking at full pages: thousands of jobs, long names, a thousand classes.

They are inserted through the store; no images and no weights stand behind them. Used by
`contact_sheet.py`.
"""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

from sqlalchemy.orm import Session

from netloom.settings import Settings
from netloom.store import Job, Status, Step, open_store
from netloom.store.records import Point, Series

JOBS = 10_000
CLASSES = 1000
NOW = time.time()
LONG_NAME = ("a name as long as nobody should choose it but somebody will " * 4)[:200].strip()
NETWORKS = ("lenet", "alexnet", "googlenet", "resnet18", "mobilenet")
THINGS = ("birds", "leaves", "digits", "street signs", "mushrooms", "bricks", "cell slides")


def fill(data: Path) -> str:
    """Fill a new data folder; return the id of the dataset with a thousand classes."""
    store = open_store(Settings(data=data))
    dice = random.Random(1)
    with store.database.write() as session:
        session.add_all(_dataset(number, dice) for number in range(JOBS // 10))
        session.add(_many_classes(dice))
        session.flush()
        for number in range(JOBS):
            _add_model(session, number, dice)
    store.close()
    return _id(0, "ffff")


def _id(age: int, word: str) -> str:
    return time.strftime("%Y%m%d-%H%M%S-", time.localtime(NOW - 600 * age)) + word


def _job(number: int, kind: str, name: str, **fields: object) -> Job:
    created = NOW - 600 * number
    status = "DDDDDDEDAD"[number % 10]
    job = Job(
        id=_id(number, f"{kind[0].encode().hex()}{number:04x}"),
        kind=kind,
        type=f"Image Classification {kind.capitalize()}",
        name=LONG_NAME if number % 17 == 3 else name,
        owner=("ada", "grace", "edsger")[number % 3],
        status=status,
        created=created,
    )
    for field, value in fields.items():
        setattr(job, field, value)
    return job


def _step(job: Job, place: int, key: str, title: str, **fields: object) -> Step:
    step = Step(
        key=key,
        place=place,
        title=title,
        runner=key.partition("-")[0],
        status=job.status,
        progress=1.0 if job.status == "D" else 0.4,
        created=job.created,
        started=job.created + 1,
        stopped=job.created + 1 + (place + 1) * 37 % 3000,
    )
    if job.status == Status.ERROR.value:
        step.error = "The loss became infinite in epoch 3."
        step.hint = "Lower the learning rate, for example to 0.001."
    for field, value in fields.items():
        setattr(step, field, value)
    return step


def _dataset(number: int, dice: random.Random) -> Job:
    job = _job(number, "dataset", f"{dice.choice(THINGS)} {number}", options=_options(64))
    entries = dice.randrange(500, 90_000)
    job.steps = [
        _step(job, 0, "parse-folder-train-val", "Parse Folder (train/val)"),
        _step(job, 1, "create_db-train", "Create DB (train)", facts={"entries": entries}),
    ]
    return job


def _many_classes(dice: random.Random) -> Job:
    job = _job(0, "dataset", LONG_NAME, id=_id(0, "ffff"), options=_options(224))
    names = [f"class {number} of the thousand" for number in range(CLASSES)]
    names[5] = LONG_NAME
    counts = {name: int(1300 * dice.betavariate(5, 2)) for name in names}
    failed = {name: dice.randrange(3, 80) for name in names[:40:3]}
    facts = {"labels": names, "label_count": CLASSES, "train_count": sum(counts.values())}
    made = {
        "entries": sum(counts.values()),
        "failed": sum(failed.values()),
        "class_counts": counts,
        "failed_counts": failed,
    }
    job.steps = [
        _step(job, 0, "parse-folder-train-val", "Parse Folder (train/val)", facts=facts),
        _step(job, 1, "create_db-train", "Create DB (train)", facts={"db": "train_db", **made}),
        _step(job, 2, "create_db-val", "Create DB (val)", facts={"db": "val_db", **made}),
    ]
    return job


def _options(side: int) -> dict[str, object]:
    return {
        "resize_width": side,
        "resize_height": side,
        "resize_channels": "3",
        "resize_mode": "crop",
        "backend": "lmdb",
        "encoding": "jpg",
    }


def _add_model(session: Session, number: int, dice: random.Random) -> None:
    name = f"{dice.choice(THINGS)} {dice.choice(NETWORKS)}"
    if number % 5 == 0:
        name += f" learning_rate:{10 ** -(1 + number % 4)} batch_size:{16 << number % 4}"
    dataset = _id(0, "ffff") if number % 7 == 0 else None
    job = _job(number, "model", name, framework="pytorch", dataset_id=dataset)
    job.steps = [_step(job, 0, "train", "Train Model")]
    session.add(job)
    if number < 200:
        session.flush()
        _add_curve(session, job.id, "train", "loss", [2.3 * math.exp(-k / 9) for k in range(64)])
        shares = [0.97 - 0.9 * math.exp(-k / 5) for k in range(16)]
        _add_curve(session, job.id, "val", "accuracy", shares)


def _add_curve(session: Session, job_id: str, split: str, name: str, values: list[float]) -> None:
    series = Series(
        job_id=job_id,
        split=split,
        name=name,
        count=len(values),
        last=values[-1],
        smallest=min(values),
        largest=max(values),
    )
    session.add(series)
    session.flush()
    session.add_all(
        Point(
            series_id=series.id,
            place=place,
            rank=62 if place == 0 else (place & -place).bit_length() - 1,
            iteration=place,
            epoch=place / len(values),
            value=value,
        )
        for place, value in enumerate(values)
    )
