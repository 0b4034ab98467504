"""What the package offers by its own name: all of it there, documented, and with an example that runs."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import biorat_al
from biorat_al import errors
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

PUBLIC = sorted(set(biorat_al.__all__) - {"__version__"})
ERRORS = {
    name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
}


@pytest.fixture(scope="session")
def model(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model of chemicals and diseases that has learnt next to nothing."""
    records = list(read_demo_corpus())[:4]
    trained = train(
        [Example(record.document, record.annotation.entities) for record in records if record.annotation],
        TrainingJob(
            encoder=resolve_encoder(str(tiny_encoder)),
            arm="none",
            training=TrainingSettings(epochs=1, min_steps=2),
            adversarial=AdversarialSettings(),
            seed=13,
        ),
        labels=["Chemical", "Disease"],
        models_dir=tmp_path_factory.mktemp("models"),
        prefix="trial-r1-none",
    )
    return trained.folder


def examples_of(value: Any, name: str) -> list[doctest.DocTest]:
    """Return the examples in the docstrings of an object and of its methods."""
    found = doctest.DocTestFinder(recurse=True).find(value, name)
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_exists_and_its_docstring_says_what_it_is(name: str) -> None:
    value = getattr(biorat_al, name)
    assert value.__name__ == name
    assert (value.__doc__ or "").strip()
    # a dataclass without a docstring gets its signature as one
    assert not value.__doc__.startswith(f"{name}(")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in ERRORS - {"BioratError"}])
def test_each_public_name_has_an_example_that_runs(
    name: str, model: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tests = examples_of(getattr(biorat_al, name), name)
    assert any(test.name == name for test in tests), f"the docstring of {name} has no example"
    for test in tests:
        test.globs = {"model": model, "encoder": str(tiny_encoder)}
        said: list[str] = []
        result = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
        assert not result.failed, "".join(said)
        assert result.attempted


def test_an_example_that_is_wrong_fails() -> None:
    def wrong() -> None:
        """Do nothing.

        >>> 1 + 1
        3
        """

    (test,) = examples_of(wrong, "wrong")
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda text: None).failed == 1


def test_every_error_that_a_program_may_catch_is_public() -> None:
    assert set(PUBLIC) >= ERRORS
    assert all(issubclass(getattr(biorat_al, name), biorat_al.BioratError) for name in ERRORS)


def test_what_type_checkers_read_is_what_is_looked_up() -> None:
    tree = ast.parse(Path(biorat_al.__file__).read_text(encoding="utf-8"))
    imported = {
        (node.module, alias.asname)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("biorat_al.")
        for alias in node.names
        if alias.asname == alias.name
    }
    looked_up = {(module, name) for module, names in biorat_al._PUBLIC.items() for name in names}
    assert imported - {("biorat_al.version", "__version__")} == looked_up
    assert len(looked_up) == len(PUBLIC), "a name is in two modules"


def test_a_name_that_does_not_exist_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'biorat_al' has no attribute 'Oops'"):
        _ = biorat_al.Oops  # type: ignore[attr-defined]
    assert set(dir(biorat_al)) >= set(PUBLIC)


def test_importing_the_package_imports_nothing_that_is_slow() -> None:
    script = "import sys, biorat_al; biorat_al.Document; print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    loaded = set(done.stdout.strip().split("|"))
    assert "biorat_al.corpus.model.document" in loaded
    heavy = {"torch", "transformers", "numpy", "scipy", "sklearn", "sqlalchemy", "pydantic", "pyarrow", "datasets"}
    assert loaded & heavy == set()
