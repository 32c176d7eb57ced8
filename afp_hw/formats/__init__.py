"""Number formats: frozen descriptions of codes, their widths and limits. Standard library only."""

from afp_hw.formats.afp import AFPFormat
from afp_hw.formats.floating import FloatFormat
from afp_hw.formats.integer import IntFormat
from afp_hw.formats.names import Number, parse_format, parse_number

__all__ = ["AFPFormat", "FloatFormat", "IntFormat", "Number", "parse_format", "parse_number"]
