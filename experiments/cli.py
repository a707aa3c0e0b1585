"""The command `diffsim`.

Only what `--help` needs is imported at the top: commands import the rest when they run.
Figures and results go to standard output; progress, logs and errors to standard error.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Differentiable simulators: parameters from measurements, with honest error bars.",
)

comparing = typer.Typer(no_args_is_help=True, help="Tables, plots and a page of a finished study.")
app.add_typer(comparing, name="compare")

Json = Annotated[
    bool, typer.Option("--json", help="End with one flat JSON object of figures on stdout.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Directory of the results.")]
Force = Annotated[bool, typer.Option("--force", help="Compute again what is there already.")]


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Options before any command; `main` has acted on them already."""


@app.command("list")
def list_studies() -> None:
    """Name the studies, and say whether their data are here."""
    from ._registry import studies

    known = studies()
    width = max((len(name) for name in known), default=0)
    for name, study in known.items():
        missing = study.available()
        print(f"{name:<{width}}  {'ready' if missing is None else 'no data':<8} {study.line}")
        if missing is not None:
            print(f"{'':<{width}}           {missing}")


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A name from `diffsim list`.")],
    as_json: Json = False,
    output: Output = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the study, as key=value.")
    ] = None,
    force: Force = False,
) -> None:
    """Carry out a study; one that is there already is not computed again."""
    from ._registry import configure, directory_of, execute, find

    chosen = find(study)
    configuration = configure(chosen, _settings(settings or []))
    directory = output or directory_of(chosen, configuration, Path("results"))
    _prepare()
    figures, known = execute(chosen, configuration, directory, force=force)
    _finish(figures, directory, as_json, "was there already" if known else "done")


@app.command()
def recover(
    config: Annotated[
        Path, typer.Argument(help="A YAML file; examples are in experiments/configs.")
    ],
    as_json: Json = False,
    output: Output = None,
    force: Force = False,
) -> None:
    """Find the parameters of a cell from measured curves, as a configuration file says."""
    from ._config import load
    from ._recovery_store import directory_of, request_of
    from ._store import claim

    configuration = load(config)
    directory = output or directory_of(configuration)
    claim(directory, request_of(configuration, config), force=force)
    _recover(configuration, directory, as_json, force=force)


@app.command()
def resume(
    directory: Annotated[Path, typer.Argument(help="Directory of a run that was killed.")],
    as_json: Json = False,
) -> None:
    """Go on with a run that was killed; what it had computed is not computed again."""
    from ._registry import execute, find
    from ._schema import validated
    from ._store import read_request

    request = read_request(directory)
    if "study" in request:
        study = find(request["study"])
        configuration = validated(study.configuration, request["configuration"], study.name)
        _prepare()
        figures, known = execute(study, configuration, directory)
        _finish(figures, directory, as_json, "was there already" if known else "done")
        return
    from ._recovery_store import stored_configuration

    _recover(stored_configuration(directory), directory, as_json)


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="A run saved as netCDF.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The HTML file.")] = None,
) -> None:
    """Make the HTML report of a saved run, without simulating."""
    target = output or file.with_suffix(".html")
    tree = _read(file)
    from diffsim.report import write_report

    print(write_report(tree, target))


@app.command()
def plot(
    file: Annotated[Path, typer.Argument(help="A run saved as netCDF.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Directory.")] = None,
    format: Annotated[str, typer.Option("--format", help="png, pdf or svg.")] = "png",
) -> None:
    """Draw every figure of a saved run, without simulating."""
    if format not in ("png", "pdf", "svg"):
        raise typer.BadParameter(f"must be png, pdf or svg, but is {format!r}")
    tree = _read(file)
    from diffsim.plotting import save_figures

    for path in save_figures(tree, output or file.with_name(f"{file.stem}_figures"), format=format):
        print(path)


@app.command()
def view(
    series: Annotated[Path, typer.Argument(help="A .pvd list of VTU files, or one VTU file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .gif film or .png of the last frame.")
    ] = None,
) -> None:
    """Show a sheet that moves in a window, or draw it (extra viz3d)."""
    from . import _viz3d

    makers = {".gif": _viz3d.film, ".png": _viz3d.draw}
    if output is not None and output.suffix not in makers:
        raise typer.BadParameter(f"must end in .gif or .png, but is {output.name!r}")
    read = _viz3d.read_series(series)
    if output is None:
        _viz3d.window(read)
    else:
        print(makers[output.suffix](read, output))


@comparing.command("offline")
def compare_offline(
    directory: Annotated[Path, typer.Argument(help="Of `diffsim run offline_comparison`.")],
    as_json: Json = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The HTML file.")] = None,
) -> None:
    """Compare the arms of a run, finished or cut short, without training or simulating."""
    from ._offline_page import compare

    figures, page = compare(directory, output)
    _say(f"page: {page}")
    _finish(figures, directory, as_json, "compared")


@app.command("check-gradients")
def check_gradients(
    problem: Annotated[str, typer.Argument(help="A configuration file, or a named problem.")],
    as_json: Json = False,
) -> None:
    """Compare derivatives by forward mode, reverse mode and finite differences."""
    from ._gradients import checked, load_configured

    configuration = load_configured(problem)
    _prepare()
    check, figures = checked(problem, configuration)
    _say(check.table())
    if as_json:
        _print_json(figures)
    if not check.passed():
        raise typer.Exit(1)


def _recover(configuration, directory: Path, as_json: bool, *, force: bool = False) -> None:
    from ._store import store_figures, stored_figures

    figures = None if force else stored_figures(directory)
    if figures is not None:
        _finish(figures, directory, as_json, "was there already")
        return
    _prepare()
    from ._pipeline import recover as carry_out

    figures = store_figures(directory, carry_out(configuration, directory))
    _finish(figures, directory, as_json, "done")


def _prepare() -> None:
    from ._jax import prepare_jax

    prepare_jax()


def _read(file: Path):
    if not file.is_file():
        raise FileNotFoundError(f"{file} must be a file, but there is none.")
    from diffsim import results

    return results.read(file)


def _settings(pairs: list[str]) -> dict[str, str]:
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"--set must be key=value, but is {pair!r}")
        settings[key.strip()] = value.strip()
    return settings


def _finish(figures, directory: Path, as_json: bool, how: str) -> None:
    """Show the figures as a table to people, and to programs as JSON."""
    _say(f"{how}: {directory}")
    report = directory / "report.html"
    if report.exists():
        _say(f"report: {report}")
    if as_json:
        _print_json(figures)
        return
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        shown = f"{value:.6g}" if isinstance(value, float) else value
        print(f"{name:<{width}}  {shown}")


def _print_json(figures) -> None:
    sys.stdout.flush()
    print(json.dumps(figures, allow_nan=False), flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def main(arguments: list[str] | None = None) -> None:
    """The console script: an error is one clear message and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app(arguments, prog_name="diffsim")
    except Exception as error:
        if debug or not _is_expected(error):
            raise
        _say(f"error: {_message(error)}")
        raise SystemExit(2) from None


def _message(error: Exception) -> str:
    """The error in words; a missing file is named."""
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error)


def _is_expected(error: Exception) -> bool:
    """Whether an error is about what the user gave, not about a mistake of ours."""
    if isinstance(error, ValueError | OSError):
        return True
    # Named by text, as its class is not imported unless it was raised.
    return type(error).__name__ == "SimulationError"


if __name__ == "__main__":
    main()
