"""Errors on the terminal: one line, the right exit status, never a stack trace."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from netloom.cli import main

Ended = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ended:
    """Run a command; return its exit status and what it wrote."""
    monkeypatch.delenv("NETLOOM_LOG_LEVEL", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        output = capsys.readouterr()
        return int(str(ended.value.code)), output.out, output.err

    return run


def one_line(text: str) -> str:
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    return text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["frobnicate"], "frobnicate"),
        (["serve", "--port", "99999"], "99999"),
        (["dataset", "resize_width"], "option=value"),
        (["dataset", "resize_widht=28"], "resize_width"),
        (["classify"], "MODEL"),
        (["download", "imagenet", "x"], "mnist"),
    ],
)
def test_wrong_usage_has_status_2_and_says_where_help_is(
    run: Ended, arguments: list[str], word: str
) -> None:
    status, _, said = run(*arguments)
    assert status == 2
    assert word in one_line(said)
    assert "--help" in said


def test_a_bad_option_is_named(run: Ended, tmp_path: Path) -> None:
    status, _, said = run(
        "dataset", f"folder_train={tmp_path}", "resize_width=wide", "--data", str(tmp_path / "data")
    )
    assert status == 1
    assert "resize_width: 'wide' is not a whole number." in one_line(said)
    assert not (tmp_path / "data").exists()


def test_an_unknown_model_is_one_line(run: Ended, tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    picture.write_bytes(b"")
    status, _, said = run("classify", "20200101-000000-0000", str(picture), "--data", str(tmp_path))
    assert (status, one_line(said)) == (1, "error: Job not found\n")


def test_a_port_in_use_says_what_to_do(run: Ended, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, _, said = run("serve", "--port", port, "--data", str(tmp_path))
    assert status == 1
    assert port in one_line(said)
    assert "--port" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "localhost.example", "::"])
def test_the_server_does_not_listen_to_other_machines(
    run: Ended, tmp_path: Path, host: str
) -> None:
    status, _, said = run("serve", "--host", host, "--port", "0", "--data", str(tmp_path))
    assert status == 1
    assert host in one_line(said)


def test_a_bad_setting_of_the_environment_is_named(
    run: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETLOOM_CPU_SLOTS", "several")
    status, _, said = run("serve")
    assert status == 1
    assert "NETLOOM_CPU_SLOTS" in one_line(said)


def test_help_lists_the_commands_and_the_options(run: Ended) -> None:
    status, said, _ = run("--help")
    assert status == 0
    for command in ("serve", "demo", "download", "dataset", "train", "classify"):
        assert command in said
    status, said, _ = run("dataset", "--help")
    assert status == 0
    assert "resize_mode=crop|squash|fill|half_crop (squash)" in said
