"""
The description of the HTTP interface, `/openapi.json`: what the routes themselves cannot say.

The fields of the creation routes come from the options models, which are imported here only
when the description is asked for.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from netloom.interfaces.options import Options
from netloom.web.workbench import (
    classify_many,
    classify_one,
    datasets,
    evaluation_asked,
    models,
    pretrained,
    uploaded,
)

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
TEXT = {"type": "string"}
FILE = {"type": "string", "format": "binary"}

MODEL = {
    "job_id": {**TEXT, "description": "Id of the model; may stand in the query"},
    "snapshot_epoch": {
        "type": "number",
        "description": "Epoch of the snapshot; the latest if absent",
    },
}
IMAGE = {
    **MODEL,
    "image_path": {**TEXT, "description": "Path on the server, below the data roots, or URL"},
    "image_file": {**FILE, "description": "Image; image_path wins if both are given"},
}
INSIDE = {
    "show_visualizations": {
        **TEXT,
        "description": "Not empty: weights and activations of every layer, too",
    },
    "show_maps": {
        **TEXT,
        "description": "Not empty: which parts of the image speak for the best class, too",
    },
}
LIST = {
    **MODEL,
    "image_list": {
        **FILE,
        "description": "Text file: one path or URL per line, then blanks and the class if known",
    },
    "image_folder": {**TEXT, "description": "Where relative paths start"},
    "num_test_images": {"type": "integer", "description": "At most so many lines are read"},
}
TOP = {**LIST, "top_n": {"type": "integer", "default": 9, "description": "Images per class"}}
SPLIT = {
    **MODEL,
    "dataset_id": {**TEXT, "description": "Dataset with classes of the model"},
    "split": {**TEXT, "description": "train, val or test"},
    "wait": {"type": "integer", "default": 0, "description": "Seconds, 60 at most"},
}
RESIZE = {
    name: {**TEXT, "description": f"As the field {field} of a dataset"}
    for name, field in (
        ("width", "resize_width"),
        ("height", "resize_height"),
        ("channels", "resize_channels"),
        ("resize_mode", "resize_mode"),
        ("encoding", "encoding"),
        ("backend", "backend"),
        ("compression", "compression"),
    )
}
DRAWING = {
    "framework": {**TEXT, "description": "Language of the network text"},
    "custom_network": {**TEXT, "description": "Text of the network"},
    "standard_networks": {**TEXT, "description": "Name of a standard network, without a text"},
    "dataset_id": {**TEXT, "description": "Whose images and classes; else 3 x 224 x 224 and 1000"},
    "crop_size": {**TEXT, "description": "As the field crop_size of a model"},
}
PREDICTIONS = {
    "type": "array",
    "description": "At most five [class, percent], best first",
    "items": {"type": "array", "prefixItems": [TEXT, {"type": "number"}]},
}
ONE = {
    "type": "object",
    "properties": {
        "predictions": PREDICTIONS,
        "layers": {"type": "array", "items": {"type": "object"}},
        "parameters": {"type": "integer"},
        "maps": {"type": "object"},
    },
    "required": ["predictions"],
}
MANY = {
    "type": "object",
    "properties": {
        "classifications": {"type": "object", "additionalProperties": PREDICTIONS},
        "failed": {"type": "object", "description": "Reasons of the images left out, by path"},
        "failed_count": {"type": "integer"},
    },
}


def install(app: FastAPI) -> None:
    """Let the application describe itself in full."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    paths = schema["paths"]
    # A plain route of the web framework, which describes nothing by itself.
    paths[f"{classify_one.PATH}.json"] = {
        "post": {
            "tags": ["inference"],
            "summary": "Classify One Json",
            "description": (classify_one.classify_one_json.__doc__ or "").strip(),
            "responses": {"200": _answer(ONE)},
        }
    }
    paths[f"{classify_many.PATH}.json"]["post"]["responses"]["200"] = _answer(MANY)
    for path, fields in _fields().items():
        for written in (path, f"{path}.json"):
            if "post" in paths.get(written, {}):
                body = _body(fields)
                if path == datasets.CREATE:  # the files may also lie on the server
                    body["content"] |= _without_files(fields)
                paths[written]["post"]["requestBody"] = body
    for operations in paths.values():
        for operation in operations.values():
            _errors_as_they_are(operation)
    return schema


def _fields() -> dict[str, dict[str, Any]]:
    """Return the schema of the form of each path."""
    from netloom.datasets import ClassificationDataset
    from netloom.training import ClassificationModel, PretrainedFields, RateFields

    named = {
        classify_one.PATH: {**IMAGE, **INSIDE},
        classify_many.PATH: LIST,
        classify_many.TOP_N: TOP,
        evaluation_asked.PATH: SPLIT,
        f"{evaluation_asked.PATH}/stop": SPLIT,
        "/datasets/images/resize-example": RESIZE,
        "/models/visualize-network": DRAWING,
        "/models/customize": {"snapshot_epoch": MODEL["snapshot_epoch"]},
        "/models/{job_id}/download": {"snapshot_epoch": MODEL["snapshot_epoch"]},
        "/models/{job_id}/download.{extension}": {"snapshot_epoch": MODEL["snapshot_epoch"]},
        "/models/{job_id}/to_pretrained": {"snapshot_epoch": MODEL["snapshot_epoch"]},
        uploaded.PATH: {"archive": {**FILE, "description": "tar, tar.gz, tar.bz2 or zip"}},
        "/login": {"username": TEXT, "next": TEXT},
        "/logout": {"next": TEXT},
    }
    return {
        **{path: {"type": "object", "properties": fields} for path, fields in named.items()},
        pretrained.NEW: _upload(PretrainedFields),
        datasets.CREATE: _options(ClassificationDataset),
        models.CREATE: _options(ClassificationModel),
        "/models/visualize-lr": _options(RateFields),
    }


def _options(options: type[Options]) -> dict[str, Any]:
    """Return the schema of an options model, with the fields that any creation takes."""
    schema = options.model_json_schema(mode="validation")
    schema["properties"]["username"] = {**TEXT, "description": "Who asks, without a cookie"}
    schema["properties"]["clone"] = {**TEXT, "description": "Job whose fields are taken"}
    return schema


def _upload(fields: type[Options]) -> dict[str, Any]:
    """Return the schema of a form with files."""
    schema = fields.model_json_schema(mode="validation")
    for field in fields.describe():
        if field.extra.get("widget") == "file":
            schema["properties"][field.name] = {**FILE, "description": field.help}
    return schema


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    has_files = any(field.get("format") == "binary" for field in schema["properties"].values())
    kinds = FORMS[:1] if has_files else (*FORMS, "application/json")
    return {"content": {kind: {"schema": schema} for kind in kinds}}


def _without_files(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the kinds of body that carry no files, with the other fields."""
    fields = {n: f for n, f in schema["properties"].items() if f.get("format") != "binary"}
    kinds = (*FORMS[1:], "application/json")
    return {kind: {"schema": {**schema, "properties": fields}} for kind in kinds}


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"description": "Successful Response", "content": content}


def _errors_as_they_are(operation: dict[str, Any]) -> None:
    # Wrong fields are answered with 400 and never with 422.
    if operation.get("responses", {}).pop("422", None):
        operation["responses"]["400"] = {"description": "A field is wrong; the answer names it"}
