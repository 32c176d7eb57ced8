"""Wider holds narrower: the same values, from every narrow code."""

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.golden import decode, embed, to_fix

NARROW = [
    AFPFormat(n_exp, n_man, s)
    for n_exp in range(4)
    for n_man in range(4)
    for s in (True, False)
    if n_exp + n_man
]
WIDE = [AFPFormat(3, 3), AFPFormat(5, 4), AFPFormat(4, 10), AFPFormat(5, 6, signed=False)]


@pytest.mark.parametrize("envelope", WIDE, ids=str)
@pytest.mark.parametrize("fmt", NARROW, ids=str)
def test_every_code_keeps_its_value(fmt, envelope):
    codes = np.arange(1 << fmt.width, dtype=np.uint8)
    if fmt.signed and not envelope.signed:
        with pytest.raises(ValueError, match=rf"^embed\.envelope must hold {fmt}, not {envelope}$"):
            embed(codes, fmt, envelope)
        return
    wider = embed(codes, fmt, envelope)
    assert wider.dtype == (np.uint8 if envelope.width <= 8 else np.uint16)
    gained = envelope.n_man - fmt.n_man
    assert np.array_equal(to_fix(wider, envelope), to_fix(codes, fmt) << gained)
    # the lsb falls by what the mantissa gains, which leaves the bias as it is
    assert np.array_equal(decode(wider, envelope, 5), decode(codes, fmt, 5))


def test_embedding_in_the_same_format_changes_nothing():
    codes = np.arange(64, dtype=np.uint8)
    assert np.array_equal(embed(codes, AFPFormat(3, 2), AFPFormat(3, 2)), codes)


@pytest.mark.parametrize("envelope", [AFPFormat(2, 4), AFPFormat(4, 1)], ids=str)
def test_a_narrower_envelope_is_refused(envelope):
    with pytest.raises(ValueError, match=r"^embed\.envelope must hold e3m2"):
        embed([0, 1], AFPFormat(3, 2), envelope)
