"""What a model is called, what it learns from, and which network it is."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field

from netloom.interfaces.options import Options


class NameFields(Options):
    """What the model is called and what it learns from."""

    dataset: str = Field(
        title="Dataset", description="Dataset to learn from", json_schema_extra={"group": "Data"}
    )
    model_name: str = Field(title="Model name", description="Name of the model", max_length=500)
    group_name: str = Field(
        "", title="Group name", description="Gathers rows of the home page", max_length=500
    )


class NetworkFields(Options):
    """Which network."""

    method: Literal["standard", "previous", "pretrained", "custom"] = Field(
        "standard",
        title="Network",
        description="A standard network, that of an earlier or a pretrained model, or a text "
        "of your own",
        json_schema_extra={"group": "Network"},
    )
    framework: str = Field(
        "pytorch",
        title="Framework",
        description="Language of the network text",
        json_schema_extra={"group": "Network", "widget": "hidden"},
    )
    standard_networks: str = Field(
        "alexnet",
        title="Standard network",
        description="Name of the network",
        json_schema_extra={"group": "Network", "widget": "radio", "when": {"method": "standard"}},
    )
    previous_networks: str = Field(
        "",
        max_length=100,
        title="Previous network",
        description="Id of the model whose network is taken",
        json_schema_extra={"group": "Network", "when": {"method": "previous"}},
    )
    previous_snapshot: str = Field(
        "",
        max_length=100,
        title="Snapshot",
        description="Epoch of that model to start from; 0 is fresh weights, -1 what that model "
        "itself started from. Forms send it as <model id>-snapshot",
        json_schema_extra={"group": "Network", "when": {"method": "previous"}},
    )
    pretrained_networks: str = Field(
        "",
        max_length=100,
        title="Pretrained network",
        description="Id of the pretrained model whose network and weights are taken",
        json_schema_extra={"group": "Network", "when": {"method": "pretrained"}},
    )
    custom_network: str = Field(
        "",
        max_length=1_000_000,
        title="Network text",
        description="Python with 'def build(p)' that returns a torch.nn.Module",
        json_schema_extra={"group": "Network", "widget": "code", "when": {"method": "custom"}},
    )
    custom_network_snapshot: str = Field(
        "",
        max_length=10_000,
        title="Initial weights",
        description="File on the server to start from: .safetensors, .pt or .pth; several are "
        f"joined by {os.pathsep!r}. Blank starts fresh",
        json_schema_extra={"group": "Network", "widget": "path", "when": {"method": "custom"}},
    )
