"""What all tests start from."""

import signal

# A shell that starts a job in the background has it ignore interrupts, and so would the programs
# that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
