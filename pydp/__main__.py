"""python -m pydp"""

import sys

from pydp.cli import main

sys.exit(main())
