"""The recipe `digits` does what the README promises: five seeds on the command line."""

import os
import re
import statistics
import subprocess
import sys
import time

import pytest

import pydp


def accuracy(seed: int, folder) -> float:
    """Of one training with all defaults, as its last line says."""
    command = [sys.executable, "-m", "pydp", "train", "digits", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(pydp.__file__))}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"test accuracy (\d+\.\d) %", done.stdout.splitlines()[-1])
    assert found, done.stdout
    return float(found[1])


def test_one_seed(tmp_path):
    began = time.monotonic()
    assert accuracy(0, tmp_path) >= 98
    print(f"one training took {time.monotonic() - began:.1f} s")
    assert (tmp_path / "digits.safetensors").stat().st_size < 200_000


@pytest.mark.slow
def test_five_seeds(tmp_path):
    found = [accuracy(seed, tmp_path) for seed in range(5)]
    assert min(found) >= 98, found
    assert statistics.median(found) >= 98.5, found
