"""Tests import the harness by name, from any folder below this one.

Generated examples are the same in every run; PYDP_HYPOTHESIS=full makes many more, and new ones.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# A job in the background, or under nohup, ignores these; so would the processes that tests start,
# and stop by them.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

try:
    from hypothesis import settings
except ImportError:  # then the tests that generate examples skip or fail by themselves
    pass
else:
    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.register_profile("full", deadline=None, max_examples=2000)
    settings.load_profile(os.environ.get("PYDP_HYPOTHESIS", "ci"))
