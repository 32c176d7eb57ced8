"""The ``afp-hw`` command: one file a subcommand, thin; each exposes a click command ``command``."""
