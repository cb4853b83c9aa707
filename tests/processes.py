"""Code in a fresh interpreter, for tests of what could end, hang or disturb a process."""

import os
import subprocess
import sys

import pydp

ROOT = os.path.dirname(os.path.dirname(pydp.__file__))


def run(code: str, *, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it, warnings being errors; a TimeoutExpired if it hangs."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": ROOT, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def printed(code: str, *, timeout: float = 60, **environment: str) -> str:
    """What it prints; it must succeed and say nothing on stderr."""
    done = run(code, timeout=timeout, **environment)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-2000:]}"
    assert done.stderr == ""
    return done.stdout.strip()
