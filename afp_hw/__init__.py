"""afp-hw: from a trained network to an accelerator that computes in adaptive floating point.

``afp_hw.AFPFormat`` describes a number format; ``afp_hw.golden`` is the bit-exact NumPy model;
``afp_hw.quantize`` chooses biases; ``afp_hw.design`` describes hardware, ``afp_hw.hdl`` builds it.
The command line is ``afp-hw``.
"""

from afp_hw.formats import AFPFormat

__version__ = "0.1.0"

__all__ = ["AFPFormat", "__version__"]
