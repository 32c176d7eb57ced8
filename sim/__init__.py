"""cocotb testbenches of the generated Verilog, one file a component; pytest runs them (``tests/sim``)."""
