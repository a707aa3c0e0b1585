"""What the report says, as plain data for the template."""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .. import results
from .._status import remedy_of
from ..plotting._labels import interval, number, p_value, pretty_unit
from ..plotting._nodes import curves, names_and_units, node

_VERDICTS = {
    "identified": ("good", "identified"),
    "bounded_from_below": ("fair", "one-sided"),
    "bounded_from_above": ("fair", "one-sided"),
    "only_in_combination": ("poor", "only in combination"),
    "not_identified": ("poor", "not identified"),
}


class Row(NamedTuple):
    """A parameter in the headline."""

    name: str
    value: str
    unit: str
    interval: str
    tone: str
    verdict: str
    text: str


def content(tree: xr.DataTree) -> dict[str, Any]:
    """Everything the template shows; what a tree lacks is None or empty."""
    attributes = results.attributes(tree)
    configuration = attributes.get("configuration", {})
    return {
        "title": attributes.get("problem", "run"),
        "status": attributes.get("status", ""),
        "status_text": attributes.get("status_text", ""),
        "value": _best_value(tree),
        "parameters": parameters(tree),
        "combinations": combinations(tree),
        "warnings": warnings(tree),
        "confidence": _confidence(tree),
        "noise": _noise(tree),
        "profiled": _profiled(tree),
        "residual_tests": residual_tests(tree),
        "starts": starts(tree),
        "counts": counts(attributes.get("counts", {})),
        "failures": failures(tree),
        "provenance": provenance(json.loads(attributes.get("provenance", "[]"))),
        "versions": configuration.get("versions", {}),
        "fingerprint": configuration.get("problem_sha256", ""),
        "configuration": _pretty({k: v for k, v in configuration.items() if k != "versions"}),
        "task": _pretty(json.loads(attributes.get("task", "{}"))),
    }


def parameters(tree: xr.DataTree) -> list[Row]:
    """One row for each parameter: from the diagnosis, or the bare best point without one."""
    data = node(tree, results.IDENTIFIABILITY)
    if data is None:
        return _undiagnosed(tree)
    rows = []
    verdicts = results.decode(data["verdict"])
    for i, ((name, unit), verdict) in enumerate(zip(names_and_units(data), verdicts, strict=True)):
        value, low, high = (float(data[key].values[i]) for key in ("value", "low", "high"))
        tone, word = _VERDICTS.get(verdict, ("fair", verdict))
        shown = interval(value, low, high) if verdict == "identified" else _one_sided(low, high)
        text = str(data["verdict_text"].values[i])
        rows.append(Row(name, number(value), pretty_unit(unit), shown, tone, word, text))
    return rows


def _one_sided(low: float, high: float) -> str:
    if np.isfinite(low):
        return f"≥ {number(low, 3)}"
    return f"≤ {number(high, 3)}" if np.isfinite(high) else "none"


def _undiagnosed(tree: xr.DataTree) -> list[Row]:
    best = node(tree, results.BEST)
    if best is None:
        return []
    values = best[results.PHYSICAL].values
    return [
        Row(name, number(float(v)), pretty_unit(unit), "–", "fair", "not examined", "")
        for (name, unit), v in zip(names_and_units(best), values, strict=True)
    ]


def combinations(tree: xr.DataTree) -> list[dict[str, str]]:
    """Combinations that are identified where single parameters are not."""
    data = node(tree, results.IDENTIFIABILITY)
    if data is None:
        return []
    texts = [str(text) for text in np.atleast_1d(data.attrs.get("combinations", "")) if str(text)]
    columns = [np.atleast_1d(data.attrs[f"combination_{key}s"]) for key in ("value", "low", "high")]
    return [
        {"text": text, "interval": interval(float(value), float(low), float(high))}
        for text, value, low, high in zip(texts, *columns, strict=False)
    ]


def warnings(tree: xr.DataTree) -> list[str]:
    """What a reader must know before using a number."""
    found = []
    structured = [curve.label for curve in curves(tree) if curve.structured]
    total = len(curves(tree))
    if structured:
        found.append(
            f"The misfit has a shape in {len(structured)} of {total} experiments "
            f"({', '.join(structured)}): the model lacks something there. Intervals allow for "
            "correlated residuals, but not for a wrong model."
        )
    data = node(tree, results.IDENTIFIABILITY)
    better = float(data.attrs.get("better_value", np.nan)) if data is not None else np.nan
    if np.isfinite(better):
        found.append(
            f"A lower value ({better:.6g}) was met on a profile: the fit had not converged to the "
            "best optimum. Use more starts."
        )
    table = starts(tree)
    if len(table) > 1:
        agreeing = sum(row["agrees"] for row in table)
        if agreeing == 1:
            found.append(
                f"Only one of {len(table)} starts reached the best value: a better one may exist."
            )
    lost = sum(row["count"] for row in failures(tree))
    if lost:
        found.append(f"{lost} evaluations failed; they are listed below.")
    return found


def residual_tests(tree: xr.DataTree) -> list[dict[str, Any]]:
    """One row for each experiment."""
    data = node(tree, results.IDENTIFIABILITY)
    shown = curves(tree)
    if data is None or "durbin_watson" not in data or data["durbin_watson"].size != len(shown):
        return []
    return [
        {
            "label": curve.label,
            "points": int(curve.data.sizes["point"]),
            "rms": f"{100 * float(data['root_mean_square'].values[i]):.3g} %",
            "runs": f"{curve.runs:.0f} of {curve.expected_runs:.0f} expected",
            "p": p_value(curve.runs_p_value),
            "durbin_watson": f"{float(data['durbin_watson'].values[i]):.2f}",
            "structured": curve.structured,
        }
        for i, curve in enumerate(shown)
    ]


def starts(tree: xr.DataTree) -> list[dict[str, Any]]:
    """One row for each start, the best first."""
    data = node(tree, results.STARTS)
    if data is None:
        return []
    value = data[results.VALUE].values
    best = float(np.nanmin(value)) if np.any(np.isfinite(value)) else np.nan
    reasons = results.decode(data[results.REASON])
    order = np.argsort(np.where(np.isfinite(value), value, np.inf), kind="stable")
    return [
        {
            "start": int(i),
            "value": f"{value[i]:.6g}" if np.isfinite(value[i]) else "–",
            "agrees": bool(value[i] <= best + 1e-4 * abs(best)),
            "evaluations": int(data[results.EVALUATIONS].values[i]),
            "failed": int(data[results.FAILED].values[i]),
            "reason": reasons[i].replace("_", " "),
        }
        for i in order
    ]


def counts(counted: dict[str, Any]) -> list[tuple[str, str]]:
    """What was spent, in words."""
    words = {
        "evaluations": "evaluations in all",
        "values": "of the value alone",
        "residuals": "of residuals",
        "gradients": "of gradients",
        "jacobians": "of Jacobians",
        "columns": "forward-mode tangents (Jacobian columns)",
        "cost": "cost in forward-equivalent evaluations",
        "failed": "failed evaluations",
        "idle": "idle places in batches",
        "evaluation_cpu_seconds": "CPU seconds of evaluation",
        "evaluation_seconds": "seconds of evaluation",
        "method_cpu_seconds": "CPU seconds of the method",
        "compile_seconds": "seconds of compilation",
    }
    return [(word, f"{counted[key]:.4g}") for key, word in words.items() if counted.get(key)]


def failures(tree: xr.DataTree) -> list[dict[str, Any]]:
    """Failed evaluations by reason: how many, where, and what to do."""
    history = node(tree, results.HISTORY)
    if history is None:
        return []
    codes = history[results.RESULT]
    meanings = np.asarray(results.decode(codes))
    rows = []
    for name in np.unique(meanings[codes.values != 0]) if meanings.size else []:
        points = history[results.PHYSICAL].values[meanings == name]
        where = [
            f"{variable} {number(low, 3)} to {number(high, 3)} {pretty_unit(unit)}".rstrip()
            for (variable, unit), low, high in zip(
                names_and_units(history), points.min(0), points.max(0), strict=True
            )
        ]
        rows.append(
            {"name": str(name), "count": len(points), "where": where, "remedy": _remedy(str(name))}
        )
    return rows


def _remedy(name: str) -> str:
    known = results.result_names()
    return remedy_of(known.index(name)) if name in known else ""


def provenance(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where each curve came from; what an entry does not say is an empty text."""
    keys = ("label", "file", "instrument", "technique", "points_fitted", "points_in_file", "sha256")
    return [{key: entry.get(key, "") for key in keys} for entry in entries]


def _profiled(tree: xr.DataTree) -> int:
    """Number of parameters that have a profile."""
    profiles = node(tree, results.PROFILES)
    return 0 if profiles is None else profiles.sizes["profiled"]


def _best_value(tree: xr.DataTree) -> str:
    best = node(tree, results.BEST)
    return "" if best is None else f"{float(best[results.VALUE]):.6g}"


def _confidence(tree: xr.DataTree) -> str:
    data = node(tree, results.IDENTIFIABILITY)
    return "95 %" if data is None else f"{100 * float(data.attrs.get('confidence', 0.95)):g} %"


def _noise(tree: xr.DataTree) -> dict[str, str] | None:
    data = node(tree, results.IDENTIFIABILITY)
    if data is None or "noise_scale" not in data.attrs:
        return None
    return {
        "scale": f"{100 * float(data.attrs['noise_scale']):.3g} %",
        "time": f"{float(data.attrs['autocorrelation_time']):.3g}",
        "freedom": f"{float(data.attrs['degrees_of_freedom']):.0f}",
        "effective": f"{float(data.attrs['effective_degrees_of_freedom']):.0f}",
    }


def _pretty(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) if content else ""
