"""The settings file: what is written is read back, what is wrong is named, and every setting is used."""

from __future__ import annotations

import ast
import re
import tomllib
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import biorat_al
from biorat_al.errors import SettingsError
from biorat_al.settings import (
    SETTINGS_FILE,
    RelationType,
    Settings,
    make_settings,
    read_settings,
    relations_setting,
    settings_text,
)

MINIMAL: dict[str, Any] = {"name": "trial", "entities": [{"name": "Disease"}]}


def with_value(path: str, value: object) -> dict[str, Any]:
    """Return the minimal settings with one more value."""
    values: dict[str, Any] = {**MINIMAL}
    *parts, last = path.split(".")
    inner = values
    for part in parts:
        inner[part] = dict(inner.get(part, {}))
        inner = inner[part]
    inner[last] = value
    return values


names = st.text(min_size=1, max_size=30)
shares = st.floats(0, 0.5)


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    arms = draw(st.lists(st.sampled_from(["none", "rat", "at"]), min_size=1, unique=True))
    entity = st.fixed_dictionaries({"name": names}, optional={"sources": st.lists(names, max_size=3)})
    return {
        "name": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", fullmatch=True)),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "entities": draw(st.lists(entity, min_size=1, max_size=4)),
        "encoder": {"name": draw(names), "max_length": draw(st.none() | st.integers(16, 10**5))},
        "training": {
            "arms": arms,
            "selecting_arm": draw(st.sampled_from(arms)),
            "learning_rate": draw(st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True)),
            "epochs": draw(st.integers(1, 10**4)),
            "weight_decay": draw(st.floats(0, 100)),
            "warmup": draw(st.floats(0, 1, exclude_max=True)),
            "dev_share": draw(shares),
        },
        "adversarial": {
            "probability": draw(st.floats(0, 1)),
            draw(st.sampled_from(["shift", "epsilon"])): draw(st.floats(0, 1000)),
        },
        "selection": {
            "size": draw(st.integers(1, 10**9)),
            "tokens": draw(st.none() | st.integers(1, 10**9)),
            "strategy": draw(names),
            "seed_strategy": draw(names),
            "diverse": draw(st.booleans()),
        },
        "team": {
            "ties": draw(st.sampled_from(["mask", "drop"]) | names.map(lambda name: f"prefer:{name}")),
            "double": draw(st.floats(0, 1)),
            "double_test": draw(st.floats(0, 1)),
            "without_pre_labels": draw(st.floats(0, 1)),
        },
        "desk": {"kind": draw(st.sampled_from(["label-studio", "oracle"]))},
        "database": {"url": draw(st.sampled_from(["sqlite", "environment", "postgresql://me@localhost/lab"]))},
    }


@pytest.mark.slow
@given(values())
def test_what_is_written_is_read_back(given_values: dict[str, Any]) -> None:
    try:
        settings = make_settings(given_values)
    except SettingsError:
        return  # a blank name, two labels that collide: what is refused is tested below
    assert make_settings(tomllib.loads(settings_text(settings))) == settings


@pytest.mark.parametrize(
    "label",
    [
        'a"b',
        "a\\b",
        "\\u0041",
        "Gene/Protein",
        "[x]",
        "# no comment",
        "=",
        "Größe",
        "病",
        "🫁",
        "a\u2028b",
        "a\u0085b",
        "{{x}}",
    ],
)
def test_labels_with_unusual_characters_survive_the_file(tmp_path: Path, label: str) -> None:
    if label == "a\u0085b":
        with pytest.raises(SettingsError, match="control character"):
            make_settings({"name": "x", "entities": [{"name": label}]})
        return
    settings = make_settings({"name": "x", "entities": [{"name": label, "sources": [label, "other"]}]})
    (tmp_path / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
    assert read_settings(tmp_path) == settings
    assert read_settings(tmp_path).labels == (label,)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("name", "two words", "name: a project's name has up to 40 letters"),
        ("name", "x" * 41, "up to 40"),
        ("name", "", "up to 40"),
        ("seed", -1, "seed: .*greater than or equal to 0"),
        ("seed", 2**32, "seed: .*less than 4294967296"),
        ("entities", [{"name": " "}], "entities.0.name: it is empty"),
        ("entities", [{"name": "a\tb"}], "entities.0.name: .*control character"),
        ("entities", [{"name": "Gene"}, {"name": "gene"}], "'Gene' and 'gene' differ by case only"),
        ("entities", [{"name": "Gene"}, {"name": "Gene"}], "given twice"),
        (
            "entities",
            [{"name": "A", "sources": ["x"]}, {"name": "B", "sources": ["x"]}],
            "'x' counts as both 'A' and 'B'",
        ),
        ("training.epochs", 0, "training.epochs: .*greater than or equal to 1"),
        ("training.epochs", "six", "training.epochs: expected a whole number"),
        ("training.epochs", True, "training.epochs: expected another value than true"),
        ("training.weight_decay", False, "training.weight_decay: expected another value than false"),
        ("entities", [{"name": True}], "entities.0.name: expected another value than true"),
        ("training.warmup", 1.0, "training.warmup: .*less than 1"),
        ("training.dev_share", 0.6, "training.dev_share"),
        ("training.arms", ["none"], "selecting_arm 'rat' is not among the arms"),
        ("training.arms", ["rat", "rat"], "a name twice"),
        ("training.arms", ["rat", "bat"], "training.arms.1: .*'none', 'matched', 'rat' or 'at'"),
        ("training.weight_decay", float("inf"), "training.weight_decay: expected a finite number"),
        ("adversarial.epsilon", float("nan"), "adversarial.epsilon: expected a finite number"),
        ("adversarial.probability", 1.5, "adversarial.probability"),
        ("adversarial.probabilty", 0.5, "adversarial.probabilty: there is no such setting; did you mean probability?"),
        ("sede", 7, "sede: there is no such setting; did you mean seed?"),
        ("selection.size", 0, "selection.size: expected greater than or equal to 1"),
        ("selection.size", "twenty", "selection.size: expected a whole number$"),
        ("training.committee", "perhaps", "training.committee: expected true or false$"),
        ("entities", [], "entities: at least one is needed$"),
        ("encoder.max_length", 15, "encoder.max_length"),
        ("desk.kind", "doccano", "desk.kind"),
        ("team.ties", "omit", 'team.ties: expected "mask", "drop" or "prefer:NAME", not \'omit\''),
        ("team.ties", "Mask", 'team.ties: expected "mask", "drop" or "prefer:NAME"'),
        ("team.ties", "ann@example.org", 'team.ties: expected "mask", "drop" or "prefer:NAME"'),
        ("team.double", 1.01, "team.double: .*less than or equal to 1"),
        ("team.double_test", -0.1, "team.double_test: .*greater than or equal to 0"),
        ("team.without_pre_labels", 2, "team.without_pre_labels: .*less than or equal to 1"),
        ("team.double", True, "team.double: expected another value than true"),
        ("team.ties", "prefer: ", 'team.ties: "prefer:" names nobody'),
        ("team.ties", "prefer:a\tb", "team.ties: .*control character"),
        ("team.ties", "", "team.ties: it is empty"),
        ("team.triple", 0.5, "team.triple: there is no such setting$"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        make_settings(with_value(path, value), "biorat.toml")
    assert str(caught.value).startswith("biorat.toml: ")
    assert "\n" not in str(caught.value)


def numbers_of(part: type[BaseModel], path: str = "") -> list[tuple[str, type]]:
    """Return the path and kind of every setting that is a number."""
    found = []
    for name, field in part.model_fields.items():
        kinds = {field.annotation, *typing.get_args(field.annotation)}
        kinds |= {inner for kind in kinds for inner in typing.get_args(kind)}
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += numbers_of(field.annotation, f"{path}{name}.")
        found += [(f"{path}{name}", kind) for kind in (int, float) if kind in kinds]
    return found


@pytest.mark.parametrize(("path", "kind"), numbers_of(Settings))
def test_no_number_is_so_large_that_a_round_cannot_end(path: str, kind: type) -> None:
    values = with_value(path, kind(10**23))
    if path.startswith("adversarial."):
        values["adversarial"]["attack"] = "vat" if "unlabelled" in path else "pgd"
    with pytest.raises(SettingsError, match=rf"{path}.*less than"):
        make_settings(values)


def test_ties_are_masked_unless_an_annotator_is_preferred(tmp_path: Path) -> None:
    assert make_settings(MINIMAL).team.preferred is None
    for name in ("ann@example.org", "prefer:x", 'An "odd" name', "Größe 病"):
        settings = make_settings(with_value("team.ties", f"prefer: {name} "))
        assert (settings.team.ties, settings.team.preferred) == (f"prefer:{name}", name)
        (tmp_path / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
        assert read_settings(tmp_path) == settings


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"seed: .*; selection\.sise: there is no such setting"):
        make_settings(with_value("selection.sise", 3) | {"seed": "x"})


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:sesame@localhost/lab",
        "postgresql://localhost/lab?user=me&password=sesame",
        "postgresql://localhost/lab?sslpassword=sesame",
        "postgresql://me:sesame@[localhost/lab",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingsError, match=r"database\.url: it ") as caught:
        make_settings(with_value("database.url", address))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'name = "x\n', r"is not valid TOML: .*line 1"),
        (b"name = x\n", r"is not valid TOML: Invalid value \(at line 1, column 8\); text needs quotes$"),
        (b"", r"name: it is missing; entities: it is missing"),
        (b'name = "\xff"\n', r"is not UTF-8 \(byte 8\)"),
        (b"name = " + b"[" * 100_000 + b"]" * 100_000, r"is nested too deep"),
        (b"seed = 1" + b"0" * 10_000, r"is not valid TOML: .*digits"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(content)
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(tmp_path)
    assert str(tmp_path / SETTINGS_FILE) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is missing: this is not a project folder"):
        read_settings(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    settings = make_settings(MINIMAL)
    (tmp_path / SETTINGS_FILE).write_text("\ufeff" + settings_text(settings), encoding="utf-8")
    assert read_settings(tmp_path) == settings


def test_the_file_names_every_setting_with_its_value_or_as_a_comment() -> None:
    relation = {"name": "near", "head": "Disease", "tail": "Disease", "symmetric": True}
    borrow = {"corpora": [{"file": "borrowed/1.jsonl", "name": "theirs"}], "entities": [{"name": "Disease"}]}
    shown = {"pre_labels": [{"file": "a", "name": "a"}], "dictionary": [{"file": "b", "name": "b", "label": "Disease"}]}
    text = settings_text(make_settings(MINIMAL | {"relations": [relation], "borrow": borrow} | shown))
    read = tomllib.loads(text)
    for path in leaves(Settings):
        *parts, last = path
        inner: Any = read
        for part in parts:
            inner = inner[part][0] if isinstance(inner[part], list) else inner[part]
        assert last in inner or f"# {last} = " in text or last == "sources", path


def test_what_is_borrowed_survives_being_written_and_read(tmp_path: Path) -> None:
    corpora = [
        {"file": "borrowed/1-a.jsonl", "name": 'An "odd" name.txt', "license": "cc-by-4.0"},
        {"file": "borrowed/2-b.jsonl", "name": "b"},
    ]
    borrow = {"corpora": corpora, "entities": [{"name": "Disease", "sources": ["Illness", "Syndrome"]}], "epochs": 2}
    settings = make_settings(MINIMAL | {"borrow": borrow | {"learning_rate": 1e-4, "check_from": 0}})
    (tmp_path / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
    assert read_settings(tmp_path) == settings


def test_pre_labels_and_dictionaries_survive_being_written_and_read(tmp_path: Path) -> None:
    digest = "0" * 64
    values = {
        "pre_labels": [{"file": "pre-labels/1-a.jsonl", "name": 'An "odd" name', "sha256": digest}],
        "dictionary": [
            {"file": "pre-labels/2-b.obo", "name": "b.obo", "label": "Disease"},
            {"file": "pre-labels/3-c.tsv", "name": "c.tsv", "label": "Disease", "sha256": digest},
        ],
    }
    settings = make_settings(MINIMAL | values)
    (tmp_path / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
    assert read_settings(tmp_path) == settings


def test_only_labels_of_the_project_can_be_borrowed() -> None:
    borrow = {"entities": [{"name": "Gene"}]}
    with pytest.raises(SettingsError, match="'Gene' is borrowed, but is not one of the labels Disease"):
        make_settings(MINIMAL | {"borrow": borrow})


@pytest.mark.slow
def test_every_setting_is_used() -> None:
    """A setting that no other module reads would do nothing."""
    package = Path(biorat_al.__file__).parent
    read: set[str] = set()
    for file in package.rglob("*.py"):
        if file.parent.name != "settings":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            read |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # entity and relation types, and the committee, are asked through these
    read |= {"name", "sources"} if {"labels", "label_of", "relation_label_of"} <= read else set()
    read |= {"committee"} if "has_committee" in read else set()
    assert {path[-1] for path in leaves(Settings)} - read == set()


def leaves(model: type[BaseModel], *before: str) -> list[tuple[str, ...]]:
    """Return the paths of all settings that hold a value."""
    found: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        found += leaves(inner, *before, name) if inner else [(*before, name)]
    return found


def _with_relations(*relations: dict[str, object]) -> Settings:
    entities = [{"name": "Chemical"}, {"name": "Disease"}]
    return make_settings({"name": "p", "entities": entities, "relations": list(relations)})


CID = {"name": "CID", "head": "Chemical", "tail": "Disease"}


def test_relations_survive_being_written_and_read(tmp_path: Path) -> None:
    written = _with_relations(
        CID | {"sources": ["CPR:9"]}, {"name": "near", "head": "Disease", "tail": "Disease", "symmetric": True}
    )
    (tmp_path / SETTINGS_FILE).write_text(settings_text(written), encoding="utf-8")
    assert read_settings(tmp_path) == written
    assert written.relation_labels == ("CID", "near")
    assert written.relation_label_of("CPR:9") == "CID"
    assert written.relation_label_of("CID") is None


def test_a_relation_joins_its_types_in_its_direction() -> None:
    directed, symmetric = RelationType(**CID), RelationType(**CID, symmetric=True)
    assert directed.joins("Chemical", "Disease")
    assert not directed.joins("Disease", "Chemical")
    assert symmetric.joins("Disease", "Chemical")
    assert not symmetric.joins("Disease", "Disease")


@pytest.mark.parametrize(
    ("relations", "problem"),
    [
        ([CID | {"tail": "Gene"}], "joins 'Gene', which is not one of the entity labels 'Chemical', 'Disease'"),
        ([CID, CID], "'CID' from 'Chemical' to 'Disease' is given twice"),
        ([CID, CID | {"name": "cid"}], "'CID' and 'cid' differ by case only"),
        ([CID, CID | {"head": "Disease", "symmetric": True}], "given twice with different symmetry or sources"),
        ([CID | {"name": "Same mention"}], "'same mention' joins the pieces of one mention"),
        ([CID, CID | {"name": "X", "sources": ["CID"]}], "'CID' counts as both 'CID' and 'X'"),
    ],
)
def test_relations_that_do_not_fit_are_refused(relations: list[dict[str, object]], problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)):
        _with_relations(*relations)


def test_what_a_user_types_for_a_relation() -> None:
    typed = relations_setting(["CID:Chemical:Disease", "up=CPR:3,CPR:4:Chemical:Gene"], ["CID"])
    assert [(value["name"], value["head"], value["tail"], value["symmetric"]) for value in typed] == [
        ("CID", "Chemical", "Disease", True),
        ("up", "Chemical", "Gene", False),
    ]
    assert typed[1]["sources"] == ["CPR:3", "CPR:4"]
    with pytest.raises(SettingsError, match="'CID:Chemical' is not of the form NAME:HEAD:TAIL"):
        relations_setting(["CID:Chemical"])
    with pytest.raises(SettingsError, match="'DDI' is to be symmetric, but is not one of the relations"):
        relations_setting(["CID:Chemical:Disease"], ["DDI"])


def test_a_number_with_thousands_of_digits_in_the_settings_file_gets_no_advice_for_programmers(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"seed = 1{'0' * 5000}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"is not valid TOML: a number in it has thousands of digits$"):
        read_settings(tmp_path)


def test_a_setting_of_one_of_two_types_is_named_without_the_names_of_types() -> None:
    with pytest.raises(SettingsError) as error:
        make_settings(with_value("relation_extraction.window", 10**23))
    assert str(error.value).startswith("the settings: relation_extraction.window: expected less than")
    assert "constrained" not in str(error.value)
