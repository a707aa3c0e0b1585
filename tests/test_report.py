"""The report: one file that needs nothing else, made from a saved run alone."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from diffsim import results
from diffsim.report import render, write_report
from tests.experiments._saved_run import saved_run

_VOID = {"meta", "link", "img", "br"}


class _Page(HTMLParser):
    """Balance of tags, addresses, and the text."""

    def __init__(self, html):
        super().__init__()
        self.stack, self.addresses, self.words = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.stack.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    path = results.write(saved_run(), tmp_path_factory.mktemp("run") / "run.nc")
    return results.read(path)


@pytest.fixture(scope="module")
def page(tree):
    return _Page(render(tree))


def test_it_is_whole_and_needs_nothing_else(page):
    assert page.stack == []
    assert sum(a.startswith("data:image/svg+xml;base64,") for a in page.addresses) == 9
    assert all(a.startswith(("data:", "#")) for a in page.addresses)


def test_it_says_what_the_file_says(page, tree):
    assert "only in combination" in page.text
    assert str(tree["identifiability"]["verdict_text"].values[0]) in page.text
    assert str(tree["identifiability"].attrs["combinations"]) in page.text or "A*C" in page.text
    for word in (
        "slope",
        "Durbin-Watson",
        "CPU seconds of evaluation",
        "jax",
        "cv.txt",
        "abababab",
    ):
        assert word in page.text
    for section in ("Parameters", "Fit", "Residuals", "Identifiability", "Run", "Data"):
        assert section in page.text
    assert "Failed evaluations None." in page.text


def test_texts_of_the_file_are_escaped(page, tree):
    assert "1 <b>V/s</b>" in page.text
    assert "<b>V/s" not in render(tree)


def test_it_is_written_whole_or_not_at_all(tree, tmp_path):
    path = write_report(tree, tmp_path / "deep" / "report.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    broken = tree.copy()
    broken.attrs["counts"] = "{"
    with pytest.raises(ValueError):
        write_report(broken, path)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert "</html>" in path.read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(tree):
    assert render(tree) == render(tree)


def test_a_run_that_was_only_optimised_has_a_report(tree):
    bare = tree.copy()
    for name in (results.FIT, results.IDENTIFIABILITY, results.PROFILES):
        del bare[name]
    for name in ("provenance", "task"):
        del bare.attrs[name]
    page = _Page(render(bare))
    assert "not examined" in page.text
    assert page.stack == []


def test_failures_are_listed_with_their_remedy(tree):
    history = tree["history"].to_dataset().copy(deep=True)
    history["result"].values[:2] = results.result_names().index("step_limit")
    page = _Page(render(results.with_nodes(tree, {"history": history})))
    assert "2 × step limit" in page.text
    assert "max_steps" in page.text
    assert "2 evaluations failed" in page.text


def test_what_a_reader_must_know_stands_first(tree):
    node = tree["identifiability"].to_dataset().copy(deep=True)
    node["structured"].values[:] = [1.0, 0.0]
    node.attrs["better_value"] = 0.001
    starts = tree["starts"].to_dataset().copy(deep=True)
    starts["value"].values[:] = np.array([1.0, 2.0, 3.0, np.nan])
    changed = results.with_nodes(tree, {"identifiability": node, "starts": starts})
    html = render(changed)
    page = _Page(html)
    assert "The misfit has a shape in 1 of 2 experiments (25 mV/s)" in page.text
    assert "A lower value (0.001)" in page.text
    assert "Only one of 4 starts" in page.text
    assert html.index("misfit has a shape in") < html.index("<h2>Fit</h2>")


def test_one_sided_bounds_are_not_error_bars(tree):
    node = tree["identifiability"].to_dataset().copy(deep=True)
    meanings = node["verdict"].attrs["flag_meanings"].split(" ")
    node["verdict"].values[3] = meanings.index("bounded_from_below")
    node["low"].values[3], node["high"].values[3] = 0.25, np.inf
    page = _Page(render(results.with_nodes(tree, {"identifiability": node})))
    assert "one-sided" in page.text
    assert "interval: ≥ 0.25" in page.text
