"""What a training process keeps from one iteration to the next."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from netloom.training import memory

FAULTS = """
import resource

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for size in (1, 20, 60):
    b"x" * (size << 20)
before = faults()
for turn in range(10):
    for size in (1, 20, 60):  # megabytes, as activations are
        b"x" * (size << 20)
print((faults() - before) // 10)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others are not told")
def test_memory_of_an_iteration_is_kept_for_the_next():
    def faults(**environment: str) -> int:
        command = [sys.executable, "-c", FAULTS]
        return int(subprocess.check_output(command, env=os.environ | environment))

    pages = (60 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert faults() >= pages
    assert faults(**memory.environment()) < pages / 100
