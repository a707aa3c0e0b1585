"""Models learnt from simulations, and the search for designs in them.

This package will hold offline datasets, models (multilayer perceptrons, true ensembles, Gaussian
processes), their training, and the search (ascent, directional attack, acquisition, offline
methods), all behind diffsim's optimiser interface, so that surrogate search and direct search
meet in one driver and one budget. It imports `diffsim`; `diffsim` never imports it.
"""
