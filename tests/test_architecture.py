"""The house rules: which way imports point, what classes may inherit, what packages publish."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import equinox as eqx
import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("diffsim", "surrogates", "experiments")

# From the ground up: a module may import from its own level and from those before it.
# The longest prefix that matches a module's name decides.
LEVELS = (
    (
        "diffsim._types",
        "diffsim.constants",
        "diffsim._precision",
        "diffsim._units",
        "diffsim._xarray",
        "diffsim._xla",
    ),
    ("diffsim._status",),
    ("diffsim._observables",),
    ("diffsim._simulator",),
    ("diffsim._space", "diffsim._objective"),
    ("diffsim._problem",),
    ("diffsim._gradient_check", "diffsim.results", "diffsim.solvers"),
    ("diffsim.optimise",),
    ("diffsim.identifiability", "diffsim.design", "diffsim.electrochem", "diffsim.shells"),
    ("diffsim.problems",),
    ("diffsim.plotting",),
    ("diffsim.report",),
    ("diffsim",),  # the package itself publishes what lies below
    ("surrogates",),
    ("experiments",),
)
# Ribs: they know the spine and solvers, not each other.
APART = (
    ("diffsim.electrochem", "diffsim.shells"),
    ("diffsim.electrochem", "diffsim.identifiability"),
    ("diffsim.electrochem", "diffsim.design"),
    ("diffsim.electrochem", "diffsim.optimise"),
    ("diffsim.shells", "diffsim.optimise"),
)


def _files():
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in _files()}


def _inside_functions(tree):
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return {id(n) for f in ast.walk(tree) if isinstance(f, functions) for n in ast.walk(f)}


def _for_type_checkers(tree):
    """Nodes under `if TYPE_CHECKING:`, which never run."""
    return {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for node in ast.walk(branch)
    }


def _targets(node, module, is_package):
    """Full names of what an import statement may refer to, modules of ours only."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = module.split(".")
        kept = len(base) - node.level + (1 if is_package else 0)
        base = base[:kept] if node.level else []
        stem = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
        # `from . import results` names a module, `from ._x import y` an object in one.
        joined = [f"{stem}.{alias.name}" for alias in node.names]
        names = [name if name in MODULES else stem for name in joined]
    return [name for name in names if name.split(".")[0] in PACKAGES]


def _imports(module, *, everywhere):
    """What a module imports: when it is imported itself, or everywhere in it."""
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    later = set() if everywhere else _inside_functions(tree)
    later |= _for_type_checkers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in later:
            yield from _targets(node, module, path.name == "__init__.py")


def _is_in(module, package):
    return module == package or module.startswith(package + ".")


def _level(module):
    places = [(len(p), i) for i, level in enumerate(LEVELS) for p in level if _is_in(module, p)]
    assert places, f"{module} has no level: give it one in LEVELS"
    return max(places)[1]


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    wrong = {
        target
        for target in _imports(module, everywhere=True)
        if _level(target) > _level(module) and target != module
    }
    assert not wrong, f"{module} must not import what lies above it, but imports {sorted(wrong)}"


@pytest.mark.parametrize("pair", APART, ids=lambda pair: f"{pair[0]}|{pair[1]}")
def test_ribs_do_not_know_each_other(pair):
    for one, other in (pair, pair[::-1]):
        for module in (m for m in MODULES if _is_in(m, one)):
            for target in _imports(module, everywhere=True):
                assert not _is_in(target, other), f"{module} imports {target}"


def test_figures_and_reports_are_made_by_the_command_line_only():
    for module in MODULES:
        for target in _imports(module, everywhere=True):
            if _is_in(target, "diffsim.plotting"):
                assert module.startswith(("diffsim.plotting", "diffsim.report", "experiments"))
            if _is_in(target, "diffsim.report"):
                assert module.startswith(("diffsim.report", "experiments"))
            if _is_in(target, "experiments"):
                assert _is_in(module, "experiments")


@pytest.mark.parametrize("package", ["plotting", "report"])
def test_what_draws_cannot_simulate(package):
    allowed = ("diffsim.results", "diffsim._status", "diffsim.plotting", f"diffsim.{package}")
    for module in (m for m in MODULES if _is_in(m, f"diffsim.{package}")):
        for target in _imports(module, everywhere=True):
            good = any(_is_in(target, a) for a in allowed) or target == "diffsim"
            assert good, f"{module} imports {target}"


def test_there_are_no_import_cycles():
    graph = {m: set(_imports(m, everywhere=False)) - {m} for m in MODULES}
    done, path = set(), []

    def visit(module):
        assert module not in path, f"cycle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in done:
            return
        path.append(module)
        for target in sorted(graph.get(module, ())):
            visit(target)
        path.pop()
        done.add(module)

    for module in graph:
        visit(module)


def _publishes(path):
    """Package files that are meant to be used from outside: they import names of their own."""
    return [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.level == 1
    ]


@pytest.mark.parametrize("module", [m for m, p in MODULES.items() if p.name == "__init__.py"])
def test_packages_publish_by_explicit_names(module):
    for node in _publishes(MODULES[module]):
        for alias in node.names:
            private = (alias.asname or alias.name).startswith("_")
            assert alias.name != "*", f"{module} imports *"
            assert private or alias.asname == alias.name, (
                f"{module} must publish `{alias.name} as {alias.name}`"
            )


# Modules beside the packages' own `__init__` that are doors themselves.
_PUBLIC = re.compile(
    r"diffsim\.(constants|results)|diffsim\.electrochem\.analytic\.integral_equation"
    r"|experiments\.(cli|studies\.\w+)"
)


def test_modules_are_private():
    for module, path in MODULES.items():
        if path.name == "__init__.py" or module.split(".")[-1].startswith("_"):
            continue
        assert _PUBLIC.fullmatch(module), f"{module} must be named _{module.split('.')[-1]}.py"


def _classes():
    """Every class that our packages define, extras that are not installed left out."""
    found = {}
    for package in PACKAGES:
        root = importlib.import_module(package)
        names = [info.name for info in pkgutil.walk_packages(root.__path__, f"{package}.")]
        for name in [package, *names]:
            try:
                module = importlib.import_module(name)
            except ModuleNotFoundError as error:
                if (error.name or "").split(".")[0] in PACKAGES:
                    raise
                continue
            for _, kind in inspect.getmembers(module, inspect.isclass):
                if kind.__module__ == name:
                    found[f"{name}.{kind.__qualname__}"] = kind
    return found


def _is_abstract(kind):
    named = kind.__name__.lstrip("_").startswith("Abstract")
    return named or bool(getattr(kind, "__abstractmethods__", None))


def test_modules_are_abstract_or_final():
    classes = _classes()
    modules = [k for k in classes.values() if issubclass(k, eqx.Module)]
    assert len(modules) > 20
    ours = set(classes.values())
    for kind in modules:
        for base in kind.__bases__:
            if base in ours and issubclass(base, eqx.Module):
                assert _is_abstract(base), f"{kind.__qualname__} extends {base.__qualname__}"


def test_what_is_called_abstract_cannot_be_made():
    for name, kind in _classes().items():
        if kind.__name__.startswith("Abstract") and issubclass(kind, eqx.Module):
            unmade = getattr(kind, "__abstractmethods__", ()) or getattr(
                kind, "__abstractvars__", ()
            )
            unset = unmade or getattr(kind, "__abstractclassvars__", ())
            assert unset, f"{name} has nothing abstract: drop the name or leave a method to others"


def test_the_rules_catch_offenders():
    """Each rule is tried on an offence, so that it cannot pass by looking at nothing."""
    node = ast.parse("from ..plotting import fit_figure").body[0]
    assert _targets(node, "diffsim.optimise._driver", False) == ["diffsim.plotting"]
    assert _level("diffsim.plotting._fit") > _level("diffsim.optimise._driver")
    assert _level("diffsim._space") > _level("diffsim._simulator")
    node = ast.parse("from . import results").body[0]
    assert _targets(node, "diffsim", True) == ["diffsim.results"]
    assert "diffsim._units" in set(_imports("diffsim._space", everywhere=False))
