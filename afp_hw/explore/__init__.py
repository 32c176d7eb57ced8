"""Sweeps over spaces of formats, arrays and options, with a store of whatever they measured."""
