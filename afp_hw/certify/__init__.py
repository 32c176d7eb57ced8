"""Certificates of processing elements: simulation, proofs, netlist equivalence, re-check.

:mod:`afp_hw.certify.certificate` puts them together; ``docs/certificate.md`` says what is proven.
"""
