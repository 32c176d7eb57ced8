"""cocotb testbenches of the generated Verilog, one file a component; ``tests/sim`` runs them."""
