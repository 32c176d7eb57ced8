"""NumPy archives whose bytes depend on their content alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray


def archive(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An ``.npz`` of `arrays` by name; the same arrays in the same order give the same bytes."""
    buffer = io.BytesIO()
    # Not `savez`: it would take an array called "file" for its own argument.
    with zipfile.ZipFile(buffer, "w") as members:
        for name, array in arrays.items():
            content = io.BytesIO()
            npy.write_array(content, array, allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy")  # of a fixed date
            members.writestr(member, content.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
