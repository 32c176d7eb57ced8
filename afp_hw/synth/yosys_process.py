"""``python yosys_process.py SCRIPT``: one Yosys run, alone in its process.

Yosys keeps state between runs of one process (one input, then another netlist) and ends the
process on an error; so each job has its own.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the script named on the command line; Yosys itself exits with 1 on an error."""
    try:
        from pyosys import libyosys
    except ImportError as error:
        print(f"ERROR: pyosys cannot be loaded: {error}", file=sys.stderr)
        return 1
    libyosys.run_pass(f"script {sys.argv[1]}")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
