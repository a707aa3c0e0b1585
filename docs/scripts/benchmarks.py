"""Write `docs/_generated/benchmarks.md` from the JSON of benchmarks and studies.

    python -m benchmarks.voltammetry --json > docs/_generated/voltammetry.json
    python -m benchmarks.recovery --json > docs/_generated/recovery.json
    diffsim run fe3_fe2 --json > docs/_generated/fe3_fe2.json
    diffsim run ferrocene --json > docs/_generated/ferrocene.json
    python docs/scripts/benchmarks.py

A file that is missing, and a figure that is null, is said to be so. Nothing is measured here.
"""

import json
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "_generated"

# The published study of the same five curves (arXiv 2511.11631, data of its repository).
DIFFEC = {"loss": 0.41429, "log10 K0": 1.7432, "alpha": 0.2396, "beta": 0.6202, "D": 0.5340}
DIFFEC_CPU_S, DIFFEC_STEP_CPU_S, DIFFEC_STEP_GB = 228.0, 715.0, 7.5
_RADIUS, _REFERENCE = 0.85e-3, 1e-9


def load(name: str) -> dict | None:
    """Figures of a file: its last line that is a JSON object, or the whole of it."""
    path = TARGET / f"{name}.json"
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines else None


def missing(name: str, command: str) -> list[str]:
    return [f"*Not measured yet: `docs/_generated/{name}.json` is missing (`{command}`).*", ""]


def shown(value, form: str = ".3g") -> str:
    if value is None:
        return "no figure"
    return value if isinstance(value, str) else f"{value:{form}}"


def scaled(value, factor: float, form: str = ".3g") -> str:
    return shown(None if value is None else factor * value, form)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def machine(figures: dict) -> list[str]:
    """Where it was measured."""
    if "hardware" not in figures:
        return []
    load_average = shown(figures.get("load_average"), ".2f")
    quick = " **A quick run: these numbers mean nothing.**" if figures.get("quick") else ""
    return [
        f"{figures['hardware']}; {figures.get('versions', '')}; load {load_average} at the "
        f"start.{quick}",
        "",
    ]


def voltammetry() -> list[str]:
    figures = load("voltammetry")
    if figures is None:
        return missing("voltammetry", "python -m benchmarks.voltammetry --json")
    get = figures.get
    rows = [
        ("error of the reversible peak", shown(get("peak_error"), ".1e"), "1e-4"),
        ("its position, RT/F", shown(get("peak_position_error_thermal"), ".1e"), "1e-3"),
        ("peak separation, mV", shown(get("peak_separation_error_mV"), ".1e"), "0.05"),
        ("forward, reversible couple, CPU ms", scaled(get("forward_cpu_s"), 1e3), "5"),
        ("forward, Butler-Volmer, CPU ms", scaled(get("couple_forward_cpu_s"), 1e3), "5"),
        ("forward, EC2, CPU ms", scaled(get("chemistry_forward_cpu_s"), 1e3), "30"),
        ("Jacobian of the curve in 4 parameters, CPU ms", scaled(get("jacobian4_cpu_s"), 1e3), ""),
        ("... over forward", shown(get("jacobian4_over_forward")), "5"),
        (
            "value and reverse gradient in 4 parameters, CPU ms",
            scaled(get("value_and_gradient_cpu_s"), 1e3),
            "",
        ),
        ("... over forward", shown(get("value_and_gradient_over_forward")), "5"),
        ("peak memory with gradients, MB", shown(get("peak_rss_mb"), ".0f"), "500"),
        (
            "... writing the compilation cache, MB",
            shown(get("peak_rss_writing_cache_mb"), ".0f"),
            "500",
        ),
        ("... programs from the cache, MB", shown(get("peak_rss_cached_mb"), ".0f"), "500"),
        ("compilation, forward, CPU s", shown(get("compile_cpu_s")), ""),
        ("compilation, Jacobian, CPU s", shown(get("compile_jacobian4_cpu_s")), ""),
    ]
    ratios = [
        ("dense backward Euler, as published", "ratio_dense_backward_euler", "1e4"),
        (
            "dense backward Euler, cheapest with the peak right to 1e-4",
            "ratio_dense_backward_euler_cheapest",
            "",
        ),
        (
            "dense backward Euler, cheapest with the curve right to 1e-4",
            "ratio_dense_backward_euler_curve",
            "1e4",
        ),
        ("the same scheme, tridiagonal in a jitted scan", "ratio_tridiagonal_scan", ""),
        ("... with the curve right to 1e-4", "ratio_tridiagonal_scan_curve", ""),
        ("ElectroKitty (C++), no gradient", "ratio_electrokitty", "1"),
    ]
    lines = [
        *table(("figure", "measured", "asked for (at most)"), rows),
        "CPU seconds of the peer over those of diffsim for one reversible voltammogram (for "
        "ElectroKitty: Butler-Volmer with K0 = 1e5); above one, diffsim is faster.",
        "",
        *table(
            ("peer", "ratio", "asked for (at least)"),
            [(name, shown(get(key), ".3g"), goal) for name, key, goal in ratios],
        ),
    ]
    if get("electrokitty_failure"):
        lines += [f"ElectroKitty: {figures['electrokitty_failure']}", ""]
    if get("electrokitty_reached_target") == 0:
        lines += [
            "ElectroKitty did not reach the error asked for with any of the settings tried "
            f"(best peak error {shown(get('electrokitty_peak_error'), '.1e')}): its ratio is a "
            "lower bound.",
            "",
        ]
    ours = get("forward_cpu_s")
    if ours:
        lines += [
            "The published program itself was measured where it was tried at about "
            f"{DIFFEC_CPU_S:g} CPU s for one such voltammogram (291 nodes, 1600 steps): "
            f"{DIFFEC_CPU_S / ours:.2g} times the figure above, on another machine.",
            "",
        ]
    return lines + machine(figures)


def recovery() -> list[str]:
    figures = load("recovery")
    if figures is None:
        return missing("recovery", "python -m benchmarks.recovery --json")
    suffix = "_reached"
    methods = [key.removesuffix(suffix) for key in figures if key.endswith(suffix)]

    def interval(method: str, quantity: str) -> str:
        stem = f"{method}_{quantity}"
        median = figures.get(f"{stem}_median")
        if median is None:
            return "not reached"
        low, high = figures.get(f"{stem}_low"), figures.get(f"{stem}_high")
        upper = shown(high) if high is not None else "∞"
        return f"{shown(median)} ({shown(low)} to {upper})"

    quantities = [
        (name, heading)
        for name, heading in (
            ("evaluations", "evaluations"),
            ("cost", "forward runs"),
            ("cpu_s", "CPU s"),
        )
        if any(f"{m}_{name}_median" in figures for m in methods)
    ]
    rows = [
        (
            method,
            f"{figures[method + suffix]} of {figures.get('seeds', '?')}",
            *(interval(method, name) for name, _ in quantities),
        )
        for method in methods
    ]
    head = ("method", "reached", *(heading for _, heading in quantities))
    return [
        f"Five scan rates, four parameters, noise {100 * figures.get('noise', 0.005):g} %; to "
        f"within {100 * figures.get('within', 1e-3):g} % of each parameter of the data's own "
        "optimum. Medians with 95 % intervals over the seeds.",
        "",
        *table(head, rows),
        *machine(figures),
    ]


def fe3_fe2() -> list[str]:
    figures = load("fe3_fe2")
    if figures is None:
        return missing("fe3_fe2", "diffsim run fe3_fe2 --json")
    head = ("model", "loss", "asked for", "evaluations, most of 30 starts", "starts agreeing",
            "log10 K0", "alpha", "beta", "D / 1e-9 m² s⁻¹")  # fmt: skip
    rows = [
        ("DiffEC, published (planar)", f"{DIFFEC['loss']:.5f}", "", "400-600 epochs", "-",
         f"{DIFFEC['log10 K0']:.4f}", f"{DIFFEC['alpha']:.4f}", f"{DIFFEC['beta']:.4f}",
         f"{DIFFEC['D']:.4f}")
    ]  # fmt: skip
    goals = {"planar": "0.4143", "edge": "0.24", "full": "0.17", "full_true_times": ""}
    for model, goal in goals.items():
        if f"{model}_loss" not in figures:
            continue
        k0, diffusivity = figures.get(f"{model}_k0"), figures.get(f"{model}_diffusivity")
        rows.append((
            model.replace("_", " "),
            shown(figures[f"{model}_loss"], ".5f"),
            goal,
            shown(figures.get(f"{model}_evaluations_max"), "d"),
            shown(figures.get(f"{model}_starts_agreeing"), "d"),
            "-" if k0 is None else f"{_log10(k0 * _RADIUS / _REFERENCE):.4f}",
            shown(figures.get(f"{model}_alpha"), ".4f"),
            shown(figures.get(f"{model}_beta"), ".4f"),
            scaled(diffusivity, 1e9, ".4f"),
        ))  # fmt: skip
    return [
        "Loss: DiffEC's own, summed over five curves; K0 = k0 r/D_ref as there.",
        "",
        *table(head, rows),
        f"The whole study, with reports: {shown(figures.get('cpu_s'), '.0f')} CPU s. One step of "
        f"the published optimisation took {DIFFEC_STEP_CPU_S:g} CPU s and {DIFFEC_STEP_GB:g} GB "
        "where it was tried (value and gradient of five voltammograms).",
        "",
    ]


def _log10(value: float) -> float:
    import math

    return math.log10(value)


def ferrocene() -> list[str]:
    figures = load("ferrocene")
    if figures is None:
        return missing("ferrocene", "diffsim run ferrocene --json")
    names = [
        ("formal_potential_V", "formal potential, V", ".4f"),
        ("formal_potential_spread_V", "its spread, one curve left out at a time, V", ".1e"),
        (
            "area_concentration_sqrt_diffusivity_mol_s_half",
            "A c √D, mol s⁻¹ᐟ²",
            ".4g",
        ),
        ("area_concentration_sqrt_diffusivity_spread", "its relative spread", ".2g"),
        ("k0_verdict", "k0", ""),
        ("k0_low_m_s", "k0 at least, m/s", ".2g"),
        ("resistance_ohm", "resistance left, ohm", ".3g"),
        ("resistance_low_ohm", "... from", ".3g"),
        ("resistance_high_ohm", "... to", ".3g"),
        ("resistance_flagged", "sign of the resistance", ""),
        ("slow_scan_misfit_flagged", "misfit flagged at the slowest scan", ""),
        ("relative_rms", "misfit, rms of the peak", ".2g"),
        ("evaluations", "evaluations of the main fit", "d"),
        ("cpu_s", "CPU s of the whole study", ".0f"),
        ("compile_s", "compilation, wall s", ".0f"),
    ]
    rows = []
    for key, name, form in names:
        if key in figures:
            value = figures[key]
            text = isinstance(value, (bool, str))
            rows.append((name, str(value).replace("_", " ") if text else shown(value, form)))
    return table(("figure", "measured"), rows)


def main() -> None:
    lines = [
        "<!-- Written by docs/scripts/benchmarks.py; do not edit. -->",
        "## One voltammogram", "", *voltammetry(),
        "## Gradient against gradient-free", "", *recovery(),
        "## Fe(III)/Fe(II) on platinum", "", *fe3_fe2(),
        "## Ferrocene", "", *ferrocene(),
    ]  # fmt: skip
    TARGET.mkdir(exist_ok=True)
    (TARGET / "benchmarks.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
