"""Designs, layers and measured costs in the files of other tools.

Accelergy, Timeloop, ZigZag, SCALE-Sim and FuseSoC. Every function here gives texts by file name;
no number is in them that was not measured, derived from the design, or named with its source.
"""
