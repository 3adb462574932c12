"""
Testing: what tests of steps, executors and plugins stand on.

`RecordingRun` stands in for a worker's run:

    run = RecordingRun(tmp_path)
    MyStep(size=3).run(run)
    assert run.facts["entries"] == 3
"""

from __future__ import annotations

from netloom.testing.executors import ExecutorContract
from netloom.testing.recording import RecordingRun

__all__ = ["ExecutorContract", "RecordingRun"]
