"""The page of published figures: what is known is shown, what is not is a gap."""

import importlib.util
import json
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def comparison():
    spec = importlib.util.spec_from_file_location("comparison", DOCS / "scripts/comparison.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_gaps_and_what_was_known(comparison, tmp_path):
    target, results = tmp_path / "out", tmp_path / "results"
    made = results / "li_metal-0123456789"
    made.mkdir(parents=True)
    (made / "request.json").write_text('{"study": "li_metal"}')
    (made / "figures.json").write_text('{"rmse_pc_mhc": 0.99452, "other": 1}')
    (results / "electrochemistry.json").write_text('progress\n{"levich_error": 1.3e-6}\n')
    comparison.main([str(results)], target)
    page = (target / "comparison.md").read_text()
    assert "| PC, Marcus-Hush-Chidsey | 0.9948 | 0.99452 |" in page
    assert "| Levich limit, relative error | 4e-3 | 1.3e-06 |" in page
    assert f"| EC:DEC, Marcus-Hush-Chidsey | 9.249 | {comparison.GAP} |" in page
    assert json.loads((target / "comparison.json").read_text())["li_metal"] == {
        "rmse_pc_mhc": 0.99452
    }
    comparison.main([], target)
    assert (target / "comparison.md").read_text() == page


def test_the_comparison_of_methods(comparison):
    rows = comparison.methods(
        {"seeds": 3, "cma_es_reached": 2, "cma_es_evaluations": 151.0, "cma_es_cpu_s": 1.4}
    )
    assert rows[-2] == f"| cma es | 2 of 3 | 151 | 1.4 | {comparison.GAP} | - | - |"


def test_a_file_without_figures(comparison, tmp_path):
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(SystemExit, match="JSON object"):
        comparison.main([str(tmp_path / "x.json")], tmp_path / "out")


def test_the_page_names_figures_that_studies_have(comparison):
    """A misspelt key would be a gap for ever: every key stands in a study or a benchmark."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("experiments", "benchmarks", "docs/_generated")
        for path in (DOCS.parent / folder).rglob("*")
        if path.suffix in (".py", ".json") and path.name != "comparison.json"
    )
    built = (
        "rmse_",
        "j0_",
        "lambda_",
        "_gradient_",
        "planar_",
        "edge_",
        "irreversible_",
        "warburg_",
        "finite_layer_",
        "gerischer_",
    )
    for rows in comparison.TABLES.values():
        for row in rows:
            assert row.key in text or any(part in row.key for part in built), row.key
