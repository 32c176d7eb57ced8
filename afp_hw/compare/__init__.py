"""Processing elements searched, and formats compared, in silicon.

:mod:`afp_hw.compare.evaluate` measures one design with many recipes and keeps what it found;
:mod:`afp_hw.compare.optimise` searches the options of a processing element.
"""
