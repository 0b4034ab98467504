"""The docs are complete, up to date, and without a dead link."""

from __future__ import annotations

import html
import importlib
import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import click
import pytest

import biorat_al
from biorat_al import errors
from biorat_al.acquisition.registry import STRATEGIES
from biorat_al.cli import cli
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "benchmarks").rglob("*.md"))]

BUILT = "BIORAT_DOCS_SITE"
"""Environment variable with the folder of a site that need not be built again."""

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """Return what makes the reference from the code; it needs no Sphinx."""
    spec = importlib.util.spec_from_file_location("docs_reference", DOCS / "_ext" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built as `make docs` does it, or the one that `make docs` has just built."""
    if built := os.environ.get(BUILT):
        return Path(built)
    pytest.importorskip("sphinx", reason="Sphinx is not installed: make install")
    pytest.importorskip("sphinx_click", reason="sphinx-click is not installed: make install")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    done = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def commands(group: click.Group = cli, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield all commands, with the words that call them."""
    for name, command in group.commands.items():
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


# the reference


def setting_fields(whole: type[Any] = Settings, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting: its name in full, and what the page has to say of its default."""
    for name, info in whole.model_fields.items():
        parts = [info.annotation, *getattr(info.annotation, "__args__", ())]
        model = next((one for one in parts if inspect.isclass(one) and hasattr(one, "model_fields")), None)
        if model is None:
            yield f"{before}{name}", str(info.default)
        else:
            yield from setting_fields(model, f"{before}{name}.")


def test_what_is_made_from_the_code_is_in_the_site(reference: ModuleType, site: Path) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert sorted(re.findall(r"^```\{from-code\} (\w+)\n```$", text, re.MULTILINE)) == sorted(reference.PAGES)
    shown = {
        "settings": [f'<span class="pre">{key}</span>' for key in reference.setting_keys()],
        "formats": [f'id="format-{known.name}"' for known in FORMATS],
        "strategies": [f'id="strategy-{name}"' for name in STRATEGIES],
        "errors": [f'id="error-{kind.__name__.lower()}"' for _, kind in reference.error_classes()],
        "api": [f'id="biorat_al.{name}"' for name in biorat_al.__all__ if not name.startswith("__")],
    }
    for page, marks in shown.items():
        built = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
        assert [mark for mark in marks if mark not in built] == []


def test_every_setting_is_in_the_reference_with_type_default_and_description(reference: ModuleType) -> None:
    rows = {
        key: (facts, text)
        for key, facts, text in re.findall(r"^`([\w.]+)`\n: (.*)\n\n  (.*)$", reference.settings_page(), re.MULTILINE)
    }
    assert set(rows) == {name for name, _ in setting_fields()}
    assert set(rows) == set(reference.setting_keys())
    for name, default in setting_fields():
        facts, text = rows[name]
        assert re.match(r".+; (default: .+|required)\.$", facts), name
        assert text.strip(), f"{name} has no description: add :param {name.rpartition('.')[2]}: to its class"
        if default.isdecimal():
            assert facts.endswith(f"; default: `{default}`."), name


def test_the_reference_says_what_bounds_a_setting_has(reference: ModuleType) -> None:
    text = reference.settings_page()
    assert "`training.warmup`\n: Number; at least 0, below 1; default: `0.1`." in text
    assert "`training.learning_rate`\n: Number; above 0, below 1; default: unset." in text
    attacks = '`"single-step"`, `"pgd"`, `"freelb"` or `"vat"`'
    assert f'`adversarial.attack`\n: {attacks}; default: `"single-step"`.' in text
    window = 'Whole number or `"document"`; at least 1, at most 100,000; default: `1`.'
    assert f"`relation_extraction.window`\n: {window}" in text
    assert "`seed`\n: Whole number; at least 0, below 4,294,967,296; default: `13`." in text


def test_every_format_is_in_the_reference_with_what_it_keeps_and_loses(reference: ModuleType) -> None:
    text = reference.formats_page()
    table = next(line for line in text.splitlines() if line.startswith("| | `"))
    for known in FORMATS:
        _, _, section = text.partition(f"(format-{known.name})=\n## {known.title}")
        section = section.partition("\n(format-")[0]
        assert "{eval-rst}" in section, known.name
        assert (f"`{known.name}`" in table) == known.can_write
        if known.can_write and known.name != "jsonl":
            assert "\n- " in section.partition("counted as lost")[2], known.name
    assert "Nothing is lost" in text.partition("(format-jsonl)=")[2].partition("(format-")[0]


def test_the_reference_is_right_about_what_some_formats_lose(reference: ModuleType) -> None:
    lines = [line for line in reference.formats_page().splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    header = next(row for row in rows if not row[0])
    kept = {row[0]: dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)}
    discontinuous = kept["pieces of discontinuous mentions (written from first to last)"]
    assert (discontinuous["`pubtator`"], discontinuous["`brat`"]) == ("–", "✓")
    assert kept["relations between mentions"]["`conll`"] == "–"


def test_every_strategy_is_in_the_reference_with_its_docstring(reference: ModuleType) -> None:
    text = reference.strategies_page()
    for name, kind in STRATEGIES.items():
        section = text.partition(f"(strategy-{name})=")[2].partition("\n(strategy-")[0]
        last = " ".join((inspect.getdoc(kind) or "").split())[-40:]
        assert last.rpartition("`")[2] in " ".join(section.split()), name


def test_every_error_is_in_the_reference_with_its_exit_code(reference: ModuleType) -> None:
    family = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.BioratError)]
    assert len(family) > 10
    text = reference.errors_page()
    for kind in family:
        assert re.search(rf"^\| .*`{kind.__name__} <error-{kind.__name__}>` \| {kind.exit_code} \|", text, re.MULTILINE)
        assert f"(error-{kind.__name__})=" in text


def test_every_public_name_is_in_the_reference(reference: ModuleType) -> None:
    text = reference.api_page()
    for name in set(biorat_al.__all__) - {"__version__"}:
        assert f":: biorat_al.{name}\n" in text, name


def test_every_folder_of_the_package_is_on_the_page_on_the_architecture(reference: ModuleType) -> None:
    package = ROOT / "biorat_al"
    folders = {".".join(init.parent.relative_to(ROOT).parts) for init in package.rglob("__init__.py")}
    shown = set(re.findall(r"^\| `([\w.]+)` \| \S", reference.rooms_page(), re.MULTILINE))
    assert folders - {"biorat_al"} <= shown


def test_every_command_and_option_is_in_the_site(site: Path) -> None:
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    shown = set(inventory.data["std:cmdoption"])
    page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
    for words, command in commands():
        assert f'id="biorat-al-{"-".join(words)}"' in page, words
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"biorat-al-{'-'.join(words)}.{parameter.opts[0]}" in shown, (words, parameter.opts)
        for example in re.findall(r"^ *(biorat-al [^\\\n]*)", command.help or "", re.MULTILINE):
            assert " ".join(example.split()) in text, example
    # places that the help fills in when it is asked for
    assert not re.search(r"\{(formats|strategies|written|exports|read_only)\}", page)


def test_every_environment_variable_is_in_the_reference() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "biorat_al").rglob("*.py"))
    read = set(re.findall(r'"(BIORAT_[A-Z_]+|LABEL_STUDIO_URL|LABEL_STUDIO_API_KEY|[A-Z]+_OFFLINE)"', source))
    assert {"LABEL_STUDIO_URL", "BIORAT_DATABASE_URL", "BIORAT_DEVICE"} <= read
    page = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    assert {name for name in read if f"`{name}`" not in page} == set()


# the pages


class _Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if value and key in ("href", "src"):
                self.links.append(value)
            elif value and key == "id":
                self.anchors.add(value)


def test_no_link_of_the_site_is_dead(site: Path) -> None:
    @cache
    def page_of(path: Path) -> _Page:
        return _Page(path.read_text(encoding="utf-8"))

    dead, seen = [], 0
    for path in sorted(site.rglob("*.html")):
        for link in page_of(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            seen += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or (parts.fragment and parts.fragment not in page_of(target).anchors):
                dead.append(f"{path.relative_to(site)}: {link}")
    assert seen > 1000
    assert dead == []


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_links_name_files_that_exist_and_addresses_that_can_be_ones(page: Path) -> None:
    assert "[](" not in page.read_text(encoding="utf-8"), "a link without a text cannot be seen in the plain file"
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
        elif parts.path:
            assert (page.parent / parts.path).exists(), link


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_files_of_the_repository_that_pages_name_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:docs|tests|benchmarks|templates|migrations)/[\w./-]*)`", text):
        assert "_build" in path or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_commands_on_the_pages_can_be_called(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^(?: {4})?(?:\$ )?(?:\.venv/bin/)?(biorat-al .*)$", text, re.MULTILINE):
        words = shlex.split(line.replace("…", ""), comments=True)[1:]
        command: click.Command = cli
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        options = {name for one in command.params for name in one.opts} | {"--debug", "--help"}
        assert not isinstance(command, click.Group) or set(words) <= options, line
        assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_parts_of_the_program_that_pages_name_exist(page: Path) -> None:
    for name in set(re.findall(r"\bbiorat_al(?:\.\w+)+", page.read_text(encoding="utf-8"))):
        module, _, attribute = name.rpartition(".")
        assert importlib.util.find_spec(name) or hasattr(importlib.import_module(module), attribute), name


def test_classes_that_the_page_on_the_architecture_names_exist() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    source = "\n".join(
        file.read_text(encoding="utf-8") for folder in ("biorat_al", "tests") for file in (ROOT / folder).rglob("*.py")
    )
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)(?:\.\w+)?`", text)) - {"CHANGELOG"}
    assert {"CorpusFormat", "QueryStrategy", "Desk"} <= named
    assert {name for name in named if not re.search(rf"^(class {name}\b|{name} = )", source, re.MULTILINE)} == set()


def test_options_that_pages_mention_exist() -> None:
    known = {name for _, command in commands() for one in command.params for name in (*one.opts, *one.secondary_opts)}
    known |= {"--debug", "--help", "--version"}
    elsewhere = {"--sample", "--upheld", "--no-deps"}  # of benchmarks, of pip
    for page in PAGES:
        for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
            if not code.startswith(("docker", "make", "python", "createdb", "pip")):
                assert set(re.findall(r"(?<![\w-])--[a-z-]+", code)) <= known | elsewhere, (page, code)


def test_the_read_me_is_short_and_names_the_test_command() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 130
    assert any(line.startswith("    make test ") for line in lines)


def test_caveats_of_the_study_are_where_its_figures_are() -> None:
    study = " ".join((DOCS / "explanation" / "study.md").read_text(encoding="utf-8").split())
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    for caveat in ("None is of PubMedBERT", "There is no trial of `rat`", "There was no control with 240 documents"):
        assert caveat in study
    assert "with the small encoder, not with PubMedBERT" in readme
    assert "has not been shown to save anything" in readme
