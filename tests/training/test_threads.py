"""How many cores a training leaves to other programs."""

from __future__ import annotations

import pytest
import torch

from netloom.training import threads


@pytest.mark.parametrize(
    ("cores", "others", "wanted"),
    [
        (2, 0.0, 2),
        (2, 0.3, 2),
        (2, 0.9, 1),
        (2, 5.0, 1),
        (16, 1.0, 15),
        (16, 3.2, 13),
        (1, 1.0, 1),
        (4, -0.2, 4),
    ],
)
def test_cores_that_others_use_are_left_to_them(cores, others, wanted):
    assert threads.wanted_threads(cores, others) == wanted


@pytest.fixture
def clock(monkeypatch):
    """Let a test say how busy the cores are: (time, busy seconds, own seconds)."""
    measured = [(0.0, 0.0, 0.0)]
    monkeypatch.setattr(threads.Threads, "_measure", lambda self: measured[0])
    monkeypatch.setattr(threads.time, "perf_counter", lambda: measured[0][0])
    before = torch.get_num_threads()
    yield measured
    torch.set_num_threads(before)


def test_a_core_is_given_at_once_and_taken_back_when_it_stays_calm(clock):
    crew = threads.Threads(torch, 2, adaptive=True)
    counts = []
    for second, busy in enumerate([2, 4, 6, 7, 8, 9, 10], start=1):
        others = 1.0 if second in (2, 3) else 0.0
        own = clock[0][2] + (busy - clock[0][1]) - others
        clock[0] = (float(second), float(busy), own)
        crew.look()
        counts.append(torch.get_num_threads())
    assert counts == [2, 1, 1, 1, 2, 2, 2]


def test_a_repeatable_training_keeps_its_threads(clock):
    crew = threads.Threads(torch, 2, adaptive=False)
    clock[0] = (1.0, 2.0, 0.5)
    crew.look()
    assert crew.count == torch.get_num_threads() == 2


def test_the_environment_bounds_how_long_threads_spin():
    assert int(threads.environment(repeatable=True)["GOMP_SPINCOUNT"]) <= 10_000
