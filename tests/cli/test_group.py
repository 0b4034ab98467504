"""The command line as a whole: documented, quick to start, honest about its exit code, silent about secrets."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest

import biorat_al
from biorat_al.acquisition.registry import STRATEGIES
from biorat_al.cli import cli
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.efficiency.simulation.grid import TrialArm
from biorat_al.export.export import FORMATS as EXPORT_FORMATS
from biorat_al.settings import SETTINGS_FILE
from biorat_al.settings.settings import DeskKind, SelectionSettings
from tests.support.commands import PUBTATOR, Outcome, be_quick, call, call_process, everything_in, nowhere, one_sentence
from tests.support.rounds import demo_files, make_project, settings_for

__all__ = ["nowhere"]

TOKEN, PASSWORD = "0123sesametoken456789", "sesamepassword"


def commands(group: click.Group = cli, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield all commands, with the words that call them."""
    for name, command in group.commands.items():
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_and_option_has_a_help_text(words: tuple[str, ...]) -> None:
    command = ALL[words]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(words)} {parameter.opts[0]}"
        else:
            name = str(parameter.metavar or parameter.name).rstrip(".").upper()
            assert name in command.help, f"{' '.join(words)} {name}"


@pytest.mark.parametrize("words", [(), *ALL], ids=" ".join)
def test_help_is_answered_whatever_else_is_missing(nowhere: Path, words: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        outcome = call(*words, flag)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("Usage: biorat-al")
        assert max(map(len, outcome.out.splitlines())) <= 80


def test_help_names_what_can_be_chosen() -> None:
    # the help's lines may break at a hyphen
    text = " ".join(call("init", "--help").out.split()).replace("- ", "-")
    for strategy in STRATEGIES:
        assert strategy in text
    text = call("export", "--help").out
    assert all(name in text for name in EXPORT_FORMATS)


@pytest.mark.parametrize("words", [(), *ALL], ids=" ".join)
def test_every_help_has_an_example_that_can_be_called(words: tuple[str, ...]) -> None:
    help_text = call(*words, "--help").out
    _, _, examples = help_text.partition("Example")
    lines = examples.partition("\n\n")[0].replace("\\\n", " ").splitlines()
    called = [shlex.split(line)[1:] for line in lines if line.strip().startswith("biorat-al ")]
    assert called
    for arguments in called:
        if words:
            assert arguments[0] == words[0]
        command: click.Command = cli
        context: click.Context | None = None
        while isinstance(command, click.Group):
            context = click.Context(command, parent=context)
            _, found, arguments = command.resolve_command(context, arguments)
            assert found is not None
            command = found
        if arguments != ["--help"]:
            command.make_context(command.name, arguments, parent=context)


@pytest.mark.parametrize("words", [(), *ALL], ids=" ".join)
def test_no_help_shows_a_place_that_was_not_filled(words: tuple[str, ...]) -> None:
    assert not re.search(r"\{\w+\}", call(*words, "--help").out)


def test_help_says_what_the_arms_are_and_lists_what_can_be_read_and_written() -> None:
    text = " ".join(call("simulate", "--help").out.split())
    for arm in ("none (plain", "rat (random adversarial", "at (every step", "matched (plain, with as much"):
        assert arm in text
    for words in (["init"], ["convert"], ["validate"], ["predict"], ["simulate"]):
        text = " ".join(call(*words, "--help").out.split()).replace("- ", "-")
        assert all(kind.name in text for kind in FORMATS), words
    for words in (["round"], ["simulate"]):
        text = " ".join(call(*words, "--help").out.split()).replace("- ", "-")
        assert all(name in text for name in STRATEGIES), words


def test_the_version_is_the_packages() -> None:
    assert call("--version").out == f"biorat-al, version {biorat_al.__version__}\n"


@pytest.fixture(scope="module")
def small_project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """Return the folder of a project that has had a round."""
    folder = tmp_path_factory.mktemp("small") / "trial"
    with make_project(folder, settings_for(tiny_encoder), pool=8) as project:
        project.round()
    return folder


@pytest.fixture(scope="module")
def measured_project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """Return the folder of a project whose models have been measured."""
    folder = tmp_path_factory.mktemp("measured") / "trial"
    with make_project(folder, settings_for(tiny_encoder), pool=16) as project:
        for _ in range(3):
            project.round()
        assert any(one.evaluated for one in project.status().rounds)
    return folder


HEAVY = {
    "alembic", "datasets", "label_studio_sdk", "matplotlib", "pyarrow", "scipy", "sklearn", "sqlalchemy", "torch",
    "transformers", "yaml",
}  # fmt: skip
"""Libraries that take a tenth of a second to import, or several."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("--help", set()),
        ("status --project {project}", {"sqlalchemy"}),
        ("status --offline --json --project {project}", {"sqlalchemy"}),
        ("status --project {measured}", {"sqlalchemy"}),
        ("team status --project {project}", {"sqlalchemy"}),
        ("validate {file}", {"yaml"}),
        ("convert {file} {folder}/out.jsonl --to jsonl", {"yaml"}),
    ],
)
def test_the_command_line_starts_without_the_heavy_libraries(
    small_project: Path, measured_project: Path, tmp_path: Path, words: str, needed: set[str]
) -> None:
    """Somebody waits for these commands; torch and its like take seconds to import."""
    file = small_project.parent / "trial-documents" / "pool.jsonl"
    places = {"project": small_project, "measured": measured_project, "file": file, "folder": tmp_path}
    arguments = words.format(**places).split()
    script = (
        "import sys\n"
        "import biorat_al.cli\n"
        "try:\n"
        f"    biorat_al.cli.main({arguments!r})\n"
        "except SystemExit as end:\n"
        "    print('|'.join([str(end.code or 0), *sorted(sys.modules)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    code, *loaded = done.stdout.splitlines()[-1].split("|")
    assert code == "0"
    assert "biorat_al.cli" in loaded
    assert set(loaded) & HEAVY == needed


@pytest.mark.parametrize(("command", "option", "kind"), [("simulate", "arms", TrialArm), ("init", "desk", DeskKind)])
def test_an_option_offers_every_value_of_its_setting(command: str, option: str, kind: Any) -> None:
    """The lists are written out, since the settings would make every ``--help`` slower."""
    choice = next(one.type for one in cli.commands[command].params if one.name == option)
    assert isinstance(choice, click.Choice)
    values = (value for part in get_args(kind) for value in (get_args(part) or (part,)))
    assert tuple(choice.choices) == tuple(values)


@pytest.mark.parametrize(("command", "option"), [("init", "strategy"), ("simulate", "strategies")])
def test_the_default_strategy_is_that_of_the_settings(command: str, option: str) -> None:
    default = next(one.default for one in cli.commands[command].params if one.name == option)
    assert default in (SelectionSettings().strategy, (SelectionSettings().strategy,))


def test_the_installed_command_and_the_module_are_the_same() -> None:
    script = Path(sys.executable).with_name("biorat-al")
    assert script.is_file(), "the package is not installed: pip install -e ."
    done = subprocess.run([script, "--help"], capture_output=True, encoding="utf-8", check=True)
    assert call_process("--help") == Outcome(0, done.stdout, "")


@pytest.mark.parametrize("words", [["oops"], ["status", "--oops"], ["init"], ["export"], ["status", "too", "many"]])
def test_wrong_use_is_answered_with_usage(nowhere: Path, words: list[str]) -> None:
    outcome = call(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: biorat-al")
    assert "Error: " in outcome.err
    assert everything_in(nowhere) == set()


def test_a_command_leaves_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """``doctor`` prints what it found and then says by its code that something is missing."""
    from biorat_al.doctor import CheckResult

    for state, code in (("ok", 0), ("warning", 0), ("missing", 1)):
        found = [CheckResult(topic="the disk", state=state, sentence="is there", advice=None)]  # type: ignore[arg-type]
        monkeypatch.setattr("biorat_al.doctor.diagnose", lambda folder, found=found: found)
        outcome = call("doctor")
        assert outcome.code == code
        assert "the disk: is there" in outcome.out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["label-studio", "status"], "It is not running. Start it with: biorat-al label-studio start\n"),
        (["label-studio", "stop"], "It was not running.\n"),
    ],
)
def test_a_local_server_that_was_never_started(nowhere: Path, words: list[str], answer: str) -> None:
    assert call(*words) == Outcome(0, answer, "")


def test_a_database_that_is_up_to_date_is_left_alone(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    assert call("init", "trial", *words).code == 0
    assert call("db", "upgrade", "--project", "trial") == Outcome(0, "The database is up to date.\n", "")


@pytest.mark.slow
def test_a_terminal_that_lacks_a_character_still_gets_an_answer(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR.replace("Disease", "病"), encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "病", "--encoder", tiny_encoder]
    assert call("init", "trial", *words).code == 0
    outcome = call_process("status", "--project", nowhere / "trial", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (outcome.code, outcome.err) == (0, "")
    assert "  labels    ?\n" in outcome.out, outcome.out


@pytest.mark.slow
def test_no_secret_is_ever_written(nowhere: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what a command prints nor any file that it writes holds a token or a password."""
    documents, test = demo_files(nowhere / "files", pool=8, test=2)
    monkeypatch.setenv("LABEL_STUDIO_URL", f"http://me:{PASSWORD}@127.0.0.1:1")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    words = ["--documents", documents, "--test-documents", test, "--entity", "Disease", "--entity", "Chemical"]
    words += ["--encoder", tiny_encoder, "--size", 2]
    said: list[Outcome] = []
    # an oracle's rounds succeed, Label Studio's fail
    for desk in ("oracle", "label-studio"):
        said.append(
            call("init", desk, *words, "--desk", desk, "--database", "sqlite", *(["--gold"] * (desk == "oracle")))
        )
        be_quick(nowhere / desk)
        said += [call("round", "--project", desk) for _ in range(2)]
        said += [call("status", "--project", desk), call("status", "--json", "--project", desk)]
        said.append(call("export", f"{desk}-corpus", "--project", desk))
        said.append(call("predict", documents, "--output", f"{desk}.jsonl", "--project", desk))
    assert [outcome.code for outcome in said] == [0] * 7 + [0, 1, 1, 0, 0, 0, 3]
    # a database that does not answer
    address = f"postgresql://me:{PASSWORD}@127.0.0.1:1/lab"
    monkeypatch.setenv("BIORAT_DATABASE_URL", address)
    said.append(call("init", "server", *words))
    said.append(call("init", "server", *words, "--database", address))
    settings = nowhere / "oracle" / SETTINGS_FILE
    text = settings.read_text(encoding="utf-8")
    for url in ("environment", address):
        settings.write_text(text.replace('url = "sqlite"', f'url = "{url}"'), encoding="utf-8")
        said += [
            call("status", "--project", "oracle"),
            call_process("status", "--debug", "--project", nowhere / "oracle"),
        ]
    settings.write_text(text, encoding="utf-8")
    assert all(outcome.code in (1, 2) for outcome in said[14:])
    for outcome in said:
        assert "sesame" not in outcome.out + outcome.err
    for path in nowhere.rglob("*"):
        if path.is_file():
            assert b"sesame" not in path.read_bytes(), path


def test_a_password_in_the_query_of_a_database_address_is_not_shown(
    nowhere: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    monkeypatch.setenv("BIORAT_DATABASE_URL", f"postgresql://127.0.0.1:1/lab?sslpassword={PASSWORD}")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    line = one_sentence(call("init", "x", *words))
    assert "127.0.0.1:1/lab cannot be used" in line
    assert "sesame" not in line


@pytest.mark.parametrize("query", [f"?password={PASSWORD}", f"?user=me&sslpassword={PASSWORD}"])
def test_a_password_anywhere_in_a_database_address_is_refused(nowhere: Path, query: str, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    line = one_sentence(call("init", "x", *words, "--database", f"postgresql://127.0.0.1:1/lab{query}"), 2)
    assert "BIORAT_DATABASE_URL" in line
    assert "sesame" not in line
    assert everything_in(nowhere) == {"documents.txt"}


@pytest.mark.slow
def test_json_is_nothing_but_json(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    assert call("init", "x", *words).code == 0
    outcome = call_process("status", "--json", cwd=nowhere / "x")
    assert outcome.err == ""
    assert json.loads(outcome.out)["rounds"] == []


@pytest.mark.parametrize("password", ["se@same%q7z", "se@same/q7?z", "s#e@same:q7z", "@sesame@q7z"])
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_database_password_that_was_not_encoded_is_not_shown(
    nowhere: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, password: str, debug: list[str]
) -> None:
    """All of the password behind its first at sign was shown, twice."""
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    monkeypatch.setenv("BIORAT_DATABASE_URL", f"postgresql://me:{password}@127.0.0.1:1/lab")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    outcomes = [call("init", "x", *words, *debug), call("doctor", *debug)]
    assert "@ must be written as %40" in outcomes[0].err
    for outcome in outcomes:
        assert "q7" not in outcome.out + outcome.err
        assert "same" not in (outcome.out + outcome.err).replace(" same ", "")


def test_a_traceback_and_its_notes_are_shown_without_secrets(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    monkeypatch.setenv("LABEL_STUDIO_URL", f"http://me:{PASSWORD}@127.0.0.1:1")

    def fail(folder: Path | None) -> None:
        error = RuntimeError(f"sent Token {TOKEN}")
        error.add_note(f"and Basic {base64.b64encode(f'me:{PASSWORD}'.encode()).decode()}")
        raise error from ValueError(f"user me:{PASSWORD}")

    monkeypatch.setattr("biorat_al.doctor.diagnose", fail)
    outcome = call("doctor", "--debug")
    assert outcome.code == 1
    assert "Traceback (most recent call last)" in outcome.err
    assert "RuntimeError: sent Token ***" in outcome.err
    assert "sesame" not in outcome.err
    assert base64.b64encode(f"me:{PASSWORD}".encode()).decode() not in outcome.err


def test_a_wrong_option_that_is_an_address_is_not_repeated(nowhere: Path) -> None:
    outcome = call("label-studio", "start", "--port", f"http://me:{PASSWORD}@127.0.0.1")
    assert outcome.code == 2
    assert "http://me:***@127.0.0.1" in outcome.err
    assert "sesame" not in outcome.err


def test_every_format_is_in_the_help_of_convert() -> None:
    said = call("convert", "--help").out
    for known in FORMATS:
        assert re.search(rf"(?<![\w-]){known.name}(?![\w-])", re.sub(r"-\s+", "-", said)), known.name
