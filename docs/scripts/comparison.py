"""Write `docs/_generated/comparison.md`: this project against the published figures.

    python docs/scripts/comparison.py [RESULTS ...]

Each RESULTS is a JSON file of figures named by its study or benchmark (`li_metal.json`,
`electrochemistry.json`), as `--json` prints it, or a directory of such files or of results of
`diffsim run`. What is found replaces what was known; the last known figures are kept in
`docs/_generated/comparison.json`. A figure that was never measured is marked as a gap. Nothing is
measured here.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "_generated"
GAP = "**gap: not remeasured**"


@dataclass(frozen=True)
class Row:
    """A published figure and the name of ours: `source` and `key` of the JSON, times `factor`."""

    quantity: str
    published: str
    source: str
    key: str
    factor: float = 1.0
    form: str = ".4g"


TABLES: dict[str, tuple[Row, ...]] = {
    "Fe(III)/Fe(II) on platinum, five scan rates": (
        Row("loss, planar as published", "0.41429", "fe3_fe2", "planar_loss"),
        Row("loss, with diffusion to the edge", "-", "fe3_fe2", "edge_loss"),
        Row("k⁰, m/s (planar)", "6.5e-5", "fe3_fe2", "planar_k0"),
        Row("α (planar)", "0.2396", "fe3_fe2", "planar_alpha"),
        Row("β (planar)", "0.6202", "fe3_fe2", "planar_beta"),
        Row("D, 1e-9 m²/s (planar)", "0.5340", "fe3_fe2", "planar_diffusivity", 1e9),
        Row("evaluations, at most", "400 to 600 epochs", "fe3_fe2", "planar_evaluations_max"),
        Row(
            "CPU s, value and gradient of one voltammogram here, of five there",
            "715",
            "voltammetry",
            "value_and_gradient_cpu_s",
        ),
        Row("memory, MB, the same (whole process)", "7500", "voltammetry", "peak_rss_mb"),
    ),
    "Hydrogen evolution on a rotating disc": (
        Row("rms, mA/cm², irreversible", "2.18 (2.17)", "hydrogen_evolution", "rms_irreversible"),
        Row("α, irreversible", "1.4534", "hydrogen_evolution", "irreversible_alpha"),
        Row("k⁰, m/s, irreversible", "3.87e-7", "hydrogen_evolution", "irreversible_k0"),
        Row(
            "rms, series resistance alone",
            "0.64",
            "hydrogen_evolution",
            "rms_series_resistance_alone",
        ),
        Row(
            "the same by a closed form",
            "-",
            "hydrogen_evolution",
            "rms_resistance_closed_form",
        ),
        Row("rms, best with resistance", "-", "hydrogen_evolution", "rms_series_resistance"),
        Row("preferred model", "-", "hydrogen_evolution", "preferred_model"),
        Row("CPU s of the study", "1000 epochs of Adam", "hydrogen_evolution", "cpu_s"),
    ),
    "Adsorption, ten parameters": (
        Row(
            "largest parameter error",
            "0.02 to 0.4 in log₁₀",
            "adsorption_ten",
            "max_parameter_error",
        ),
        Row("starts that succeed", "-", "adsorption_ten", "starts_succeeded"),
        Row("gradient, GB", "0.04 for each step", "electrochemistry", "adsorption_gradient_gb"),
    ),
    "Acetic acid at a microdisc": (
        Row("mean square, nA²", "9.0 (median), 0.816 (best)", "acetic_acid", "mean_square_nA2"),
        Row("log₁₀ K / M", "−4.37 ± 0.25", "acetic_acid", "log10_K_M"),
        Row("log₁₀ k_f / s⁻¹", "5.74 ± 0.79", "acetic_acid", "log10_kf"),
        Row("starts that agree (of 12)", "-", "acetic_acid", "starts_agreeing"),
        Row("evaluations, at most", "30 epochs", "acetic_acid", "evaluations_max"),
        Row("CPU s of the study", "-", "acetic_acid", "cpu_s"),
    ),
    "Lithium deposition": (
        Row("RMSE, mA/cm², EC:DEC, Marcus-Hush", "9.412", "li_metal", "rmse_ecdec_mh", form=".5g"),
        Row(
            "EC:DEC, Marcus-Hush-Chidsey", "9.249", "li_metal", "rmse_ecdec_mhc", form=".5g"
        ),
        Row(
            "EC:DEC, closed approximation",
            "9.321",
            "li_metal",
            "rmse_ecdec_asymptotic",
            form=".5g",
        ),
        Row("PC, Marcus-Hush", "1.0575", "li_metal", "rmse_pc_mh", form=".5g"),
        Row("PC, Marcus-Hush-Chidsey", "0.9948", "li_metal", "rmse_pc_mhc", form=".5g"),
        Row("PC, closed approximation", "1.0395", "li_metal", "rmse_pc_asymptotic", form=".5g"),
        Row("j₀, mA/cm², PC, Marcus-Hush-Chidsey", "1.976", "li_metal", "j0_pc_mhc"),
        Row("λ, eV, PC, Marcus-Hush-Chidsey", "0.2093", "li_metal", "lambda_pc_mhc"),
        Row("evaluations, at most", "10 000 epochs", "li_metal", "evaluations_max"),
        Row("CPU s, 16 fits from 20 starts", "-", "li_metal", "cpu_s"),
    ),
    "Concentrated electrolyte": (
        Row(
            "objective, seven profiles (published: nine)",
            "0.0267592",
            "concentrated_electrolyte",
            "objective",
            form=".6g",
        ),
        Row(
            "objective of the published p₀, p₁ on the seven",
            "-",
            "concentrated_electrolyte",
            "objective_at_published",
            form=".6g",
        ),
        Row("p₀", "−0.0376", "concentrated_electrolyte", "p0"),
        Row("p₁", "−0.4742", "concentrated_electrolyte", "p1"),
        Row(
            "evaluations from (−3, −3)",
            "12 iterations",
            "concentrated_electrolyte",
            "evaluations",
        ),
        Row("CPU of one simulation, s", "8.42", "concentrated_electrolyte", "simulation_cpu_s"),
        Row(
            "explicit Euler, 0.1 s, over ours",
            "1",
            "concentrated_electrolyte",
            "cpu_ratio_explicit",
        ),
        Row(
            "velocity from concentrations alone, nm/s rms",
            "-",
            "concentrated_electrolyte",
            "velocity_rmse_nm_s",
        ),
    ),
    "Weakly supported voltammetry": (
        Row("gradient, GB", "340", "electrochemistry", "weakly_supported_gradient_gb"),
        Row("gradient, CPU s warm", "-", "electrochemistry", "weakly_supported_gradient_cpu_s"),
        Row("silent failures in 1000 draws", "NaN, spikes", "electrochemistry",
            "draws_silent_failures"),
    ),
    "Accuracy": (
        Row("Levich limit, relative error", "4e-3", "electrochemistry", "levich_error", form=".2g"),
        Row("reversible peak, relative error", "1.4e-4", "voltammetry", "peak_error", form=".2g"),
    ),
    "Impedance and AC voltammetry (nothing published)": (
        Row("Warburg, relative error", "-", "impedance", "warburg_error", form=".2g"),
        Row("finite layer, relative error", "-", "impedance", "finite_layer_error", form=".2g"),
        Row("Gerischer, relative error", "-", "impedance", "gerischer_error", form=".2g"),
        Row("coverage of 95 % intervals", "-", "impedance", "cnls_coverage", form=".3g"),
    ),
}  # fmt: skip


def figures_in(path: Path) -> dict[str, dict]:
    """Figures by the name of their study: of a file, or of all there are below a directory."""
    if path.is_dir():
        found = {}
        for request in sorted(path.rglob("request.json")):
            figures = request.with_name("figures.json")
            study = json.loads(request.read_text(encoding="utf-8")).get("study")
            if study and figures.exists():
                found[study] = json.loads(figures.read_text(encoding="utf-8"))
        files = [f for f in sorted(path.glob("*.json")) if f.name != "comparison.json"]
        return found | {f.stem: read for f in files if (read := _object(f)) is not None}
    figures = _object(path)
    if figures is None:
        raise SystemExit(f"{path} must hold a JSON object of figures, but does not.")
    return {path.stem: figures}


def _object(path: Path) -> dict | None:
    """A whole JSON object, or the last line that is one."""
    text = path.read_text(encoding="utf-8")
    for part in (text, *reversed(text.splitlines())):
        try:
            found = json.loads(part)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def shown(row: Row, figures: dict[str, dict]) -> str:
    """Our figure, or that it is missing."""
    value = figures.get(row.source, {}).get(row.key)
    if value is None:
        return GAP
    if isinstance(value, str):
        return value.replace("_", " ")
    return f"{row.factor * value:{row.form}}"


def methods(figures: dict) -> list[str]:
    """The comparison of optimisers of the concentrated electrolyte."""
    names = [key.removesuffix("_reached") for key in figures if key.endswith("_reached")]
    if not names:
        return [GAP, ""]
    seeds = figures["seeds"]
    lines = [
        f"Each method from the same {seeds} starts; medians over those that reached the target.",
        "",
        "| method | reached 1e-6 | evaluations | CPU, s | reached 1e-4 | evaluations | CPU, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names:
        cells = [name.replace("_", " ")]
        for suffix in ("", "_1e-4"):
            reached = figures.get(f"{name}_reached{suffix}")
            cells.append(GAP if reached is None else f"{reached} of {seeds}")
            for quantity in ("evaluations", "cpu_s"):
                value = figures.get(f"{name}_{quantity}{suffix}")
                cells.append("-" if value is None else f"{value:.3g}")
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def page(figures: dict[str, dict]) -> str:
    """All tables as Markdown."""
    lines = ["<!-- Written by docs/scripts/comparison.py; do not edit. -->"]
    for title, rows in TABLES.items():
        lines += [f"## {title}", "", "| | published | here |", "|---|---|---|"]
        lines += [f"| {r.quantity} | {r.published} | {shown(r, figures)} |" for r in rows]
        lines.append("")
        if title == "Concentrated electrolyte":
            lines += methods(figures.get("concentrated_electrolyte", {}))
    return "\n".join(lines)


def used(figures: dict[str, dict]) -> dict[str, dict]:
    """Only what the tables show."""
    wanted = {(row.source, row.key) for rows in TABLES.values() for row in rows}
    marks = ("_reached", "_evaluations", "_cpu_s", "seeds")

    def kept(source: str, key: str) -> bool:
        compared = source == "concentrated_electrolyte" and any(mark in key for mark in marks)
        return (source, key) in wanted or compared

    return {
        source: {key: value for key, value in own.items() if kept(source, key)}
        for source, own in sorted(figures.items())
        if any(kept(source, key) for key in own)
    }


def main(arguments: list[str] | None = None, target: Path = TARGET) -> None:
    known_at = target / "comparison.json"
    known = json.loads(known_at.read_text(encoding="utf-8")) if known_at.exists() else {}
    for argument in sys.argv[1:] if arguments is None else arguments:
        known |= figures_in(Path(argument))
    target.mkdir(exist_ok=True)
    known = used(known)
    known_at.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    (target / "comparison.md").write_text(page(known), encoding="utf-8")


if __name__ == "__main__":
    main()
