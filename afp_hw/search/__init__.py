"""Choice of formats for a network: calibration, tuning, allocation under a budget."""
