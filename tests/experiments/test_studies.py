"""Studies: found by themselves, named by their configuration, never computed twice."""

import json

import pytest

from experiments import _registry
from experiments._registry import configure, directory_of, execute, find, studies
from experiments._schema import ConfigurationError, Strict, Volt
from experiments._store import FIGURES, claim, read_request, store_figures, write_text
from experiments._study import AbstractStudy, shared_data


class Settings(Strict):
    count: int = 3
    step: Volt = 0.1


class Example(AbstractStudy):
    """Adds up; counts how often it was asked to."""

    name = "example"
    line = "an example for tests"
    configuration = Settings

    def __init__(self, missing=None):
        self.calls, self.missing = 0, missing

    def run(self, configuration, directory):
        self.calls += 1
        write_text(directory / "note.txt", "done")
        return {"sum": configuration.count * configuration.step, "undefined": float("nan")}

    def available(self):
        return self.missing


def test_the_studies_of_the_repository_are_found():
    known = studies()
    assert {"ferrocene", "fe3_fe2"} <= set(known)
    for name, study in known.items():
        assert study.name == name
        assert study.line
        assert isinstance(study.configuration(), Strict)


def test_a_misspelt_study():
    with pytest.raises(ConfigurationError, match="did you mean 'ferrocene'"):
        find("ferocene")


def test_settings_are_typed():
    study = Example()
    assert configure(study, {"count": "5", "step": "20 mV"}) == Settings(count=5, step=0.02)
    with pytest.raises(ConfigurationError, match="did you mean 'count'"):
        configure(study, {"cuont": "5"})
    with pytest.raises(ConfigurationError, match=r"example: count: .*integer"):
        configure(study, {"count": "many"})


def test_a_result_is_named_by_its_configuration(tmp_path):
    study = Example()
    one, same, other = (Settings(count=n) for n in (1, 1, 2))
    assert directory_of(study, one, tmp_path) == directory_of(study, same, tmp_path)
    assert directory_of(study, one, tmp_path) != directory_of(study, other, tmp_path)


def test_what_is_there_is_not_computed_again(tmp_path):
    study, directory = Example(), tmp_path / "out"
    figures, known = execute(study, Settings(), directory)
    assert (figures["sum"], figures["undefined"], known) == (pytest.approx(0.3), None, False)
    assert execute(study, Settings(), directory) == (figures, True)
    assert study.calls == 1
    (directory / "log").mkdir()
    for name in ("run.json", "evaluations.log"):
        (directory / "log" / name).touch()
    execute(study, Settings(), directory, force=True)
    assert study.calls == 2
    assert list((directory / "log").iterdir()) == []
    (directory / "log").rmdir()
    assert sorted(p.name for p in directory.iterdir()) == [FIGURES, "note.txt", "request.json"]


def test_a_directory_belongs_to_one_configuration(tmp_path):
    study = Example()
    execute(study, Settings(), tmp_path)
    with pytest.raises(ConfigurationError, match="another configuration"):
        execute(study, Settings(count=4), tmp_path)
    assert study.calls == 1


def test_a_killed_study_is_begun_again_in_its_directory(tmp_path):
    class Killed(Example):
        def run(self, configuration, directory):
            super().run(configuration, directory)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(Killed(), Settings(count=7), tmp_path)
    assert not (tmp_path / FIGURES).exists()
    request = read_request(tmp_path)
    assert request == {"study": "example", "configuration": {"count": 7, "step": 0.1}}
    figures, known = execute(Example(), Settings(**request["configuration"]), tmp_path)
    assert not known
    assert figures["sum"] == pytest.approx(0.7)


def test_missing_data_stop_a_study_but_not_its_stored_result(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot run: no files"):
        execute(Example(missing="no files"), Settings(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    execute(Example(), Settings(), tmp_path)
    assert execute(Example(missing="no files"), Settings(), tmp_path)[1]


def test_figures_are_flat(tmp_path):
    with pytest.raises(TypeError, match="'table' must be a number or a text"):
        store_figures(tmp_path, {"table": [1, 2]})
    assert not (tmp_path / FIGURES).exists()


def test_half_a_file_is_no_result(tmp_path):
    study = Example()
    claim(tmp_path, _registry.request_of(study, Settings()))
    (tmp_path / FIGURES).write_text('{"sum": 0.')
    execute(study, Settings(), tmp_path)
    assert study.calls == 1
    assert json.loads((tmp_path / FIGURES).read_text())["sum"] == pytest.approx(0.3)


def test_a_directory_that_is_none(tmp_path):
    with pytest.raises(ConfigurationError, match=r"request\.json"):
        read_request(tmp_path / "nothing")


def test_where_shared_data_lie(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSIM_DATA", str(tmp_path))
    assert shared_data("x") == tmp_path / "x"
