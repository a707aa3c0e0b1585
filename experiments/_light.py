"""Parts of diffsim that need no JAX, loaded without the package that imports it.

The command line answers `--help`, and finds the mistakes in a configuration, in a fraction of the
seconds that JAX takes to import.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load(name: str) -> ModuleType:
    """A module of diffsim that imports nothing of diffsim itself, by its full name.

    It stands in `sys.modules` under that name, so that the package, once imported, finds the same
    module (and the same exception classes) there.
    """
    if name in sys.modules or "diffsim" in sys.modules:
        return importlib.import_module(name)
    package = importlib.util.find_spec("diffsim")
    assert package is not None
    assert package.submodule_search_locations
    root = Path(next(iter(package.submodule_search_locations)))
    path = root.joinpath(*name.split(".")[1:]).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


quantity = load("diffsim._units").quantity
unit_factor = load("diffsim._units").unit_factor
_parse = load("diffsim.electrochem.mechanism._parse")
parse_reaction, charge_of = _parse.parse_reaction, _parse.charge_of
