"""Number formats: frozen descriptions of codes, their widths and limits. Standard library only."""

from afp_hw.formats.afp import AFPFormat

__all__ = ["AFPFormat"]
