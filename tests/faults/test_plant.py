"""The tool that plants faults: every fault on its list can be planted, and it tells found ones from others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.plant import ROOT, copied, plant, planted, try_fault
from tests.faults.planted import FAULTS, Fault


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_fits_the_program_as_it_is_and_its_tests_exist(fault: Fault) -> None:
    text = planted((ROOT / fault.file).read_text(encoding="utf-8"), fault)
    assert text is not None, f"{fault.file} does not have {fault.old!r} any more: plant it in what came in its place"
    compile(text, fault.file, "exec")
    assert fault.tests
    for test in fault.tests:
        file, *names = test.partition("[")[0].split("::")
        tree: ast.AST = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        for name in names:
            found = [one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.ClassDef))]
            assert name in [one.name for one in found], f"there is no test {test}"


def test_no_two_faults_share_a_name_or_are_the_same() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({(fault.file, fault.old, fault.new) for fault in FAULTS}) == len(FAULTS)
    assert all(fault.old != fault.new for fault in FAULTS)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a project with one module and two tests, of which one looks at what it does."""
    root = tmp_path / "small"
    (root / "biorat_al").mkdir(parents=True)
    (root / "biorat_al" / "__init__.py").write_text("def double(number):\n    return 2 * number\n")
    (root / "test_it.py").write_text(
        "import pytest\n"
        "from biorat_al import double\n"
        "def test_it_doubles():\n"
        "    assert double(3) == 6\n"
        "def test_it_can_be_called():\n"
        "    double(3)\n"
        "def test_elsewhere():\n"
        "    pytest.skip('not here')\n"
    )
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "test", "result"),
    [
        ("2 * number", "3 * number", "test_it_doubles", "found"),
        ("2 * number", "3 * number", "test_it_can_be_called", "survived"),
        ("2 * number", "3 * number", "test_elsewhere", "skipped"),
        ("2 * number", "((", "test_it_doubles", "broken"),
        ("4 * number", "3 * number", "test_it_doubles", "stale"),
        ("number", "amount", "test_it_doubles", "stale"),
    ],
)
def test_what_becomes_of_a_fault_is_told(small: Path, old: str, new: str, test: str, result: str) -> None:
    file = "biorat_al/__init__.py"
    with copied(small) as copy:
        outcome = try_fault(copy, Fault("a fault", file, old, new, (f"test_it.py::{test}",)))
        assert outcome.result == result, outcome.detail
        assert (copy / file).read_text() == (small / file).read_text()


@pytest.mark.slow
def test_a_fault_that_survives_makes_the_command_fail(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fault(test: str) -> Fault:
        return Fault(test, "biorat_al/__init__.py", "2 * number", "3 * number", (f"test_it.py::{test}",))

    assert plant([fault("test_it_doubles")], root=small) == 0
    assert plant([fault("test_it_doubles"), fault("test_it_can_be_called")], root=small) == 1
    said = capsys.readouterr().out
    assert "1 of 2 faults were found.\n  survived: test_it_can_be_called (biorat_al/__init__.py)" in said


def test_nothing_is_said_of_faults_where_the_tests_fail_without_any(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small / "test_it.py").write_text("def test_it_doubles():\n    assert False\n")
    fault = Fault("a fault", "biorat_al/__init__.py", "2 * number", "3 * number", ("test_it.py::test_it_doubles",))
    assert plant([fault], root=small) == 1
    assert "The tests fail without any fault" in capsys.readouterr().out
