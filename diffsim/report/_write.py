"""The report as text and as a file."""

import base64
import io
import os
from importlib import resources
from pathlib import Path

import jinja2
import matplotlib
import xarray as xr
from matplotlib.figure import Figure

from .. import plotting
from ..plotting._style import STYLE
from ._content import content

_TEMPLATE, _STYLE_SHEET = "report.html.j2", "report.css"


def write_report(tree: xr.DataTree, path: str | Path) -> Path:
    """Write the report of a run, beside its target and then renamed.

    **Arguments:**

    - `tree`: `diffsim.results.read("run.nc")`, or `run.to_dataset()`.
    - `path`: of the HTML file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        beside.write_text(render(tree), encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def render(tree: xr.DataTree) -> str:
    """The report as HTML. Texts from the file are escaped; pictures stand in the page itself."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    pictures = {name: embedded(figure) for name, figure in plotting.figures(tree).items()}
    template = environment.from_string(packaged(_TEMPLATE))
    return template.render(style=packaged(_STYLE_SHEET), pictures=pictures, **content(tree))


def packaged(name: str) -> str:
    return (resources.files("diffsim.report") / "templates" / name).read_text(encoding="utf-8")


def embedded(figure: Figure) -> str:
    """A figure as the address of an image; the same figure, the same bytes."""
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode()
