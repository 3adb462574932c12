"""
Settings: read once at start, from the environment and the command line.

Each field can be set by the environment variable `NETLOOM_<NAME>`, for example
`NETLOOM_DATA=/srv/netloom`. Lists are separated by the path separator (`:`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _default_roots() -> tuple[Path, ...]:
    return tuple(dict.fromkeys((Path.home(), Path.cwd())))


# What workers are not told: they run the network texts of users.
FOR_SERVERS_ONLY = frozenset({"webhooks", "webhook_secret"})
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#@:]+(?::[0-9]{1,5})?(?:[/?#]\S*)?", re.IGNORECASE)


class Settings(BaseSettings):
    """What a server, a worker and the command line need to know about this installation."""

    model_config = SettingsConfigDict(env_prefix="NETLOOM_", frozen=True, hide_input_in_errors=True)

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
    webhooks: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="URLs that are told when a job has ended"
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Key that signs what webhooks are told"
    )
    public_url: str = Field(
        "", description="Address by which people reach the server, for links in webhooks"
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

    @field_validator("webhooks", mode="before")
    @classmethod
    def _split_urls(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        urls = [url.strip() for url in value.split(",") if url.strip()]
        # Which one is wrong is told by its number: an address is often a secret.
        for number, url in enumerate(urls, 1):
            if not _WEB_ADDRESS.fullmatch(url):
                raise ValueError(f"address {number} is not one with http:// or https:// and a host")
        return tuple(SecretStr(url) for url in urls)

    @property
    def public_address(self) -> str:
        """The address of the pages, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'netloom.db'}"
