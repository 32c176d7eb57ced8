"""Sources of the driver, in C99, with ``@NAME@`` where something of the design stands."""
