"""xarray, imported when first used: with pandas it is a tenth of the memory of a simulation that
writes no dataset."""

import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xarray
elif "xarray" in sys.modules:
    xarray = sys.modules["xarray"]
else:
    # The recipe of the documentation of `importlib.util.LazyLoader`.
    _spec = importlib.util.find_spec("xarray")
    _spec.loader = importlib.util.LazyLoader(_spec.loader)
    xarray = sys.modules["xarray"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(xarray)
