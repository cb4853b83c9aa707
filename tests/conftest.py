"""Tests import the harness by name, from any folder below this one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
