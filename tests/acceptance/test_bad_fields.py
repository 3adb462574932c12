"""Wrong values in every field, bodies that are no forms, ids that name nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from netloom.datasets import ClassificationDataset
from netloom.interfaces.options import OptionField, Options
from netloom.training import ClassificationModel
from tests.acceptance.judging import refused
from tests.acceptance.workbench import DATASETS, MODELS, Workbench

pytestmark = pytest.mark.usefixtures("nothing_half_made")

NOBODY = "20200101-000000-0000"


def wrong_values(kind: type[Options]) -> list[tuple[str, str]]:
    def wrong(field: OptionField) -> Iterator[str]:
        if field.type in ("integer", "number"):
            yield from ("many", "1e999", "nan", "--1")
            if field.minimum is not None:
                yield str(int(field.minimum) - 1)
            if field.maximum is not None:
                yield str(int(field.maximum) + 1)
        if field.type == "choice":
            yield "no such choice"
        if field.required:
            yield "  "

    return [(field.name, value) for field in kind.describe() for value in wrong(field)]


@pytest.mark.parametrize(("field", "value"), wrong_values(ClassificationDataset))
def test_a_wrong_dataset_field_is_named(
    bench: Workbench, shapes: Path, field: str, value: str
) -> None:
    # Fields of the separate folders count only where these are used.
    extra = {"has_val_folder": "y", "folder_val": str(shapes)} if "_val_" in field else {}
    extra |= {"has_test_folder": "y", "folder_test": str(shapes)} if "_test_" in field else {}
    if field.startswith("textfile_"):
        extra = {"method": "textfile", "textfile_use_val": "y", "textfile_use_test": "y"}
        extra |= {"textfile_use_local_files": "y"} if "_local_" in field else {}
    answer = bench.dataset(shapes, **{**extra, field: value})
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["errors"]


LISTS = [
    ("learning_rate", "fast"),
    ("learning_rate", "0.1,-1"),
    ("batch_size", "16,0"),
    ("batch_size", "1.5"),
    ("lr_multistep_values", "50,later"),
    ("crop_size", "29"),  # the images have 28 pixels
    ("framework", "abacus"),
    ("standard_networks", "skynet"),
    ("method", "unheard-of"),
]


@pytest.mark.parametrize(("field", "value"), [*wrong_values(ClassificationModel), *LISTS])
def test_a_wrong_model_field_is_named(
    bench: Workbench, dataset: str, field: str, value: str
) -> None:
    answer = bench.model(dataset, **{field: value})
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["errors"]


@pytest.mark.parametrize("method", ["previous", "pretrained"])
@pytest.mark.parametrize("origin", ["", NOBODY, "../../etc"])
def test_a_model_to_start_from_must_exist(
    bench: Workbench, dataset: str, method: str, origin: str
) -> None:
    field = f"{method}_networks"
    refused(bench.model(dataset, method=method, **{field: origin}), field)


def test_a_refused_form_comes_back_as_typed(bench: Workbench) -> None:
    answer = bench.http.post(DATASETS, data={"dataset_name": "typed & kept", "resize_width": "x"})
    assert answer.status_code == 400
    assert "typed &amp; kept" in answer.text
    assert "alert-danger" in answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"a": ' + b"[" * 2000, b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(bench: Workbench, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for route in (f"{DATASETS}.json", f"{MODELS}.json", f"{MODELS}/classify_one.json"):
        assert bench.http.post(route, content=body, headers=headers).status_code == 400, route


def test_a_model_needs_a_dataset_that_exists(bench: Workbench) -> None:
    refused(bench.model(NOBODY), "dataset")
    refused(bench.model("../../etc"), "dataset")


# Ids.


@pytest.mark.parametrize("job", [NOBODY, "nonsense", "%2e%2e", "a b", "%00", "ä", "x" * 3000])
@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "/jobs/{}"),
        ("GET", "/jobs/{}/table_data.json"),
        ("GET", "/datasets/{}"),
        ("GET", "/datasets/{}.json"),
        ("GET", "/models/{}"),
        ("GET", "/models/{}.json"),
        ("PUT", "/jobs/{}"),
        ("DELETE", "/jobs/{}"),
        ("DELETE", "/datasets/{}"),
        ("POST", "/models/{}/abort"),
        ("GET", "/clone/{}"),
        ("GET", "/datasets/summary?job_id={}"),
        ("GET", f"{DATASETS}/explore?job_id={{}}"),
        ("POST", f"{MODELS}/classify_one.json?job_id={{}}"),
        ("GET", "/files/{}/labels.txt"),
    ],
)
def test_unknown_jobs_are_not_found(bench: Workbench, method: str, route: str, job: str) -> None:
    answer = bench.http.request(method, route.format(job))
    assert answer.status_code in (400, 404, 405, 414), answer.text
    if job == NOBODY:
        assert answer.status_code == 404


def test_the_status_of_an_unknown_job_is_an_answer(bench: Workbench) -> None:
    answer = bench.http.get(f"/jobs/{NOBODY}/status")
    assert (answer.status_code, answer.json()) == (200, {"error": "Job not found."})


@pytest.mark.parametrize(
    "path",
    ["../netloom.db", "..%2fnetloom.db", "%2e%2e/netloom.db", "/etc/passwd", "%2fetc/passwd"],
)
def test_files_outside_the_jobs_are_not_given_out(bench: Workbench, path: str) -> None:
    assert bench.http.get(f"/files/{path}").status_code in (400, 404)
