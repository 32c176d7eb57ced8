"""``python -m afp_hw`` is the command ``afp-hw``."""

import sys

from afp_hw.cli.main import main

sys.exit(main())
