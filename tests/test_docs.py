"""The documentation's Python runs as printed, and its YAML is valid."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def blocks(name: str, language: str) -> list[str]:
    """The fenced code blocks of a page in one language, in their order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def sections(name: str) -> list[tuple[str, str]]:
    """Heading and code of each section with Python in it."""
    text = (DOCS / name).read_text(encoding="utf-8")
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0]
        for code in re.findall(r"^```python\n(.*?)^```$", part, re.DOTALL | re.MULTILINE):
            found.append((heading, code))
    return found


def run_code(code: str, where: str, namespace: dict) -> str:
    """What the code prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, where, "exec"), namespace)
    return printed.getvalue()


EXTENDING = sections("extending.md")


def test_the_pages_have_code():
    assert len(EXTENDING) >= 6
    assert len(blocks("getting_started.md", "python")) >= 2


@pytest.mark.parametrize(("heading", "code"), EXTENDING, ids=[h for h, _ in EXTENDING])
def test_extending(heading, code):
    assert run_code(code, f"extending.md, {heading}", {"__name__": "example"})


@pytest.mark.slow
def test_getting_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "example"}
    printed = ""
    for i, code in enumerate(blocks("getting_started.md", "python")):
        printed += run_code(code, f"getting_started.md, block {i + 1}", namespace)
    assert "k0: bounded from below" in printed
    assert "formal_potential: identified" in printed
    assert (tmp_path / "run.nc").is_file()


@pytest.mark.slow
def test_the_readme():
    (code,) = blocks("../README.md", "python")
    assert "formal_potential: identified" in run_code(code, "README.md", {"__name__": "example"})


def test_the_configuration_of_getting_started_is_valid(tmp_path):
    from diffsim.electrochem.data import ferrocene
    from experiments._config import load

    (tmp_path / "my_data").mkdir()
    for path in ferrocene().values():
        shutil.copy(path, tmp_path / "my_data")
    (text,) = blocks("getting_started.md", "yaml")
    (tmp_path / "fit.yaml").write_text(text, encoding="utf-8")
    assert len(load(tmp_path / "fit.yaml").selections) == 5


@pytest.mark.parametrize("page", sorted(p.name for p in DOCS.glob("*.md")))
def test_links_between_pages_lead_somewhere(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([\w/.-]+\.(?:md|ipynb))", text):
        assert (DOCS / target).is_file(), f"{page}: {target}"
