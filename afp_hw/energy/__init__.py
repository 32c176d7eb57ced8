"""Energy of whole layers and networks: array, edges, requantizers, packing, memories.

Every circuit is synthesised and run gate by gate on a layer's own operands, and what comes out of
it is compared with the golden model; memories are a small table of energies per access.
"""
