"""
Settings: read once at start, from the environment and the command line.

Each field can be set by the environment variable `NETLOOM_<NAME>`, for example
`NETLOOM_DATA=/srv/netloom`. Lists are separated by the path separator (`:`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _default_roots() -> tuple[Path, ...]:
    return tuple(dict.fromkeys((Path.home(), Path.cwd())))


class Settings(BaseSettings):
    """What a server, a worker and the command line need to know about this installation."""

    model_config = SettingsConfigDict(env_prefix="NETLOOM_", frozen=True)

    data: Path = Field(
        default_factory=lambda: Path.home() / ".netloom",
        description="Data folder: the database and one directory per job",
    )
    database: str = Field("", description="Database URL; empty means SQLite inside the data folder")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(5000, ge=0, le=65535, description="Port to listen on; 0 picks a free one")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Further host names by which browsers reach the server, e.g. behind a proxy",
    )
    data_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default_factory=_default_roots,
        description="Folders from which users may read files by their server path",
    )
    server_name: str = Field("", description="Name shown in the page header and /index.json")
    cpu_slots: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        description="CPU cores that steps may use together",
    )
    decode_pixels: int = Field(
        100_000_000, ge=1, description="Largest image, in pixels, that is decoded"
    )
    fetch_private: bool = Field(
        False, description="Fetch images also from URLs that lead to private addresses"
    )
    upload_bytes: int = Field(512 * 2**20, ge=1, description="Largest upload, in bytes")
    session_bytes: int = Field(
        2**30,
        ge=0,
        description="Memory for loaded networks, in bytes; least recently used go first",
    )
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description="What goes into the log, and everything worse"
    )

    @field_validator("data", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("data_roots", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(Path(part) for part in value.split(os.pathsep) if part)
        return value

    @field_validator("hosts", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'netloom.db'}"
