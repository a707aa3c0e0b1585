"""One module per study; `diffsim list` finds them by themselves."""
