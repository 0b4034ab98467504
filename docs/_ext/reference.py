"""Write the reference pages from the code: settings, formats, query strategies, errors, and the public names.

Each function returns Markdown (MyST). Nothing here needs Sphinx, so that the tests can look for what is missing without
building the site. The descriptions are in the docstrings of the program; this file only arranges them.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import tempfile
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import annotated_types
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

import biorat_al
from biorat_al import errors
from biorat_al.acquisition.registry import STRATEGIES
from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import CorpusFormat, WriteReport
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Relation,
    Span,
)
from biorat_al.settings import Settings

ROOT = Path(__file__).parent.parent.parent

_MODULE = re.compile(r":mod:`~?(biorat_al\.[\w.]+)`")
_ROLE = re.compile(r":(?:mod|class|func|data|meth|attr|obj|exc):`~?([^`]+)`")


def settings_page() -> str:
    """Return the keys of each part of the settings: type, bounds, default and description."""
    parts = [_settings_list("", Settings)]
    for name, info in Settings.model_fields.items():
        if model := _model_of(info.annotation):
            heading = f"[[{name}]]" if _is_many(info.annotation) else f"[{name}]"
            parts.append(f"(setting-{name})=\n## `{heading}`\n\n{_summary(model)}\n\n{_settings_list(name, model)}")
            described = _parameters(model)
            for key, inner in model.model_fields.items():
                if table := _model_of(inner.annotation):
                    text = _sentence(described.get(key, ""))
                    parts.append(f"### `[[{name}.{key}]]`\n\n{text}\n\n{_settings_list(f'{name}.{key}', table)}")
    return "\n\n".join(parts)


def setting_keys() -> Iterator[str]:
    """Yield every setting as a user addresses it: ``seed``, ``training.epochs``, ``entities.name``."""
    for name, info in Settings.model_fields.items():
        model = _model_of(info.annotation)
        if model is None:
            yield name
        else:
            for key, inner in model.model_fields.items():
                table = _model_of(inner.annotation)
                yield from [f"{name}.{key}"] if table is None else (f"{name}.{key}.{one}" for one in table.model_fields)


def formats_page() -> str:
    """Return what every format keeps and loses, a section for each format, and the rules that they share."""
    formats = sorted(FORMATS, key=lambda known: known.title.lower())
    lost = {known.name: _losses(known) for known in sorted(FORMATS, key=lambda known: known.name) if known.can_write}
    overview = ["| format | name | reads | writes |", "| --- | --- | --- | --- |"]
    overview += [
        f"| [{known.title}](#format-{known.name}) | `{known.name}` | yes | {'yes' if known.can_write else 'no'} |"
        for known in formats
    ]
    texts = {type(known).__module__: _module_text(known) for known in formats}
    shared = _shared_rules(texts)
    labels = {type(known).__module__: f"format-{known.name}" for known in formats}
    labels |= {module: f"rules-{module.rpartition('.')[2]}" for module in shared}
    return "\n\n".join(
        [
            "\n".join(overview),
            "## What each format keeps",
            _keeping_table(lost),
            *(_format_section(known, lost.get(known.name), labels) for known in formats),
            "## Rules that formats share",
            *(
                f"({labels[module]})=\n### `{module.rpartition('.')[2]}`\n\n{_rst(text, labels)}"
                for module, text in sorted(shared.items())
            ),
        ]
    )


def _shared_rules(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the docstrings of the modules that the formats' docstrings refer to, and that these refer to in turn."""
    found: dict[str, str] = {}
    open_texts = list(texts.values())
    while open_texts:
        for module in _MODULE.findall(open_texts.pop()):
            text = importlib.import_module(module).__doc__ or ""
            if module not in texts and module not in found and len(text.splitlines()) > 1:
                found[module] = text
                open_texts.append(text)
    return found


def strategies_page() -> str:
    """Return a section for each query strategy, from its docstring."""
    table = ["| strategy | needs a model | asks for |", "| --- | --- | --- |"]
    table += [
        f"| [`{name}`](#strategy-{name}) | {'yes' if kind.needs_model else 'no'} | {_cell(_summary(kind))} |"
        for name, kind in STRATEGIES.items()
    ]
    sections = [
        f"(strategy-{name})=\n## `{name}`\n\n{_rst(inspect.getdoc(kind) or '')}" for name, kind in STRATEGIES.items()
    ]
    return "\n\n".join(["\n".join(table), *sections])


def errors_page() -> str:
    """Return the family of errors: what each means, what it is a kind of, and the exit code of the command line."""
    rows = ["| error | exit code | means |", "| --- | --- | --- |"]
    for depth, kind in error_classes():
        indent = "&emsp;" * depth
        rows.append(
            f"| {indent}{{ref}}`{kind.__name__} <error-{kind.__name__}>` | {kind.exit_code} | {_cell(_summary(kind))} |"
        )
    sections = [
        f"(error-{kind.__name__})=\n### `{kind.__name__}`\n\n{_rst(inspect.getdoc(kind) or '')}"
        for _, kind in error_classes()
    ]
    return "\n\n".join(["\n".join(rows), "## Each error", *sections])


def error_classes() -> Iterator[tuple[int, type[errors.BioratError]]]:
    """Yield every error of the family with its depth in the tree, parents first."""

    def below(kind: type[errors.BioratError], depth: int) -> Iterator[tuple[int, type[errors.BioratError]]]:
        yield depth, kind
        for child in vars(errors).values():
            if isinstance(child, type) and kind in child.__bases__:
                yield from below(child, depth + 1)

    yield from below(errors.BioratError, 0)


def api_page() -> str:
    """Return autodoc directives for what `biorat_al` names as public."""
    directives = []
    for name in sorted(biorat_al.__all__):
        if name.startswith("__"):
            continue
        value = getattr(biorat_al, name)
        kind = "class" if isinstance(value, type) else "function" if callable(value) else "data"
        if isinstance(value, type) and issubclass(value, BaseException):
            kind = "exception"
        options = "   :members:\n" if kind == "class" else ""
        directives.append(f"## `{name}`\n\n```{{eval-rst}}\n.. auto{kind}:: biorat_al.{name}\n{options}```")
    return "\n\n".join(directives)


def rooms_page() -> str:
    """Return the folders of the package from the top floor down, with what each says of itself.

    The order is that of the import contract; rooms inside a folder are its subpackages.
    """
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = ["| room | what is in it |", "| --- | --- |"]
    for module in re.findall(r"\b[a-z]\w*", "\n".join(floors)):
        name = f"biorat_al.{module}"
        rows += [
            f"| `{room}` | {_cell(_summary(importlib.import_module(room)))} |" for room in (name, *_rooms_in(name))
        ]
    return "\n".join(rows)


def _rooms_in(name: str) -> Iterator[str]:
    package = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(package, "__path__", ()), f"{name}."):
        if found.ispkg:
            yield found.name
            yield from _rooms_in(found.name)


PAGES: Mapping[str, Callable[[], str]] = {
    "settings": settings_page,
    "formats": formats_page,
    "strategies": strategies_page,
    "errors": errors_page,
    "api": api_page,
    "rooms": rooms_page,
}
"""What can be asked for by name in a page of the docs."""


# settings


def _settings_list(part: str, model: type[BaseModel]) -> str:
    descriptions = _parameters(model)
    entries = []
    for name, info in model.model_fields.items():
        if _model_of(info.annotation):
            continue
        key = f"{part}.{name}" if part else name
        text = info.description or descriptions.get(name, "")
        default = "required" if info.is_required() else f"default: {_default(info)}"
        entries.append(f"`{key}`\n: {_sentence(_type_text(info))}; {default}.\n\n  {_sentence(text)}")
    return "\n\n".join(entries)


def _sentence(text: str) -> str:
    """Return a setting's type or description with a capital; to a settings file, None is a key that is not there."""
    plain = re.sub(r"\bNone\b", "unset", _rst_to_markdown(text))
    return plain[:1].upper() + plain[1:]


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, (tuple, list)):
        return "`[" + ", ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in value) + "]`"
    return f"`{value}`"


def _type_text(info: FieldInfo) -> str:
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    bounds = [*_bounds(info.metadata)]

    def of(annotation: Any) -> list[str]:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            inner, *metadata = typing.get_args(annotation)
            bounds.extend(_bounds(metadata))
            return of(inner)
        if origin is typing.Literal:
            values = typing.get_args(annotation)
            return [f'`"{value}"`' if isinstance(value, str) else f"`{value}`" for value in values]
        if origin in (typing.Union, types.UnionType):
            return [text for one in typing.get_args(annotation) if one is not type(None) for text in of(one)]
        if origin in (tuple, list):
            return [f"list of {_either(of(typing.get_args(annotation)[0]))}"]
        return [names.get(annotation, getattr(annotation, "__name__", str(annotation)))]

    text = _either(of(info.annotation))
    return f"{text}; {', '.join(dict.fromkeys(bounds))}" if bounds else text


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _bounds(metadata: Any) -> Iterator[str]:
    for one in metadata:
        match one:
            case annotated_types.Ge(ge=value):
                yield f"at least {_number(value)}"
            case annotated_types.Gt(gt=value):
                yield f"above {_number(value)}"
            case annotated_types.Le(le=value):
                yield f"at most {_number(value)}"
            case annotated_types.Lt(lt=value):
                yield f"below {_number(value)}"
            case annotated_types.MinLen(min_length=value):
                yield "not empty" if value == 1 else f"at least {value} of them"
            case StringConstraints(pattern=str(pattern)):
                yield f"of the form `{pattern}`"
            case StringConstraints(max_length=int(longest)):
                yield f"up to {longest:,} characters"
            case FieldInfo(metadata=further):
                yield from _bounds(further)
            case _:
                pass


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _model_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *typing.get_args(annotation)]
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _is_many(annotation: Any) -> bool:
    return typing.get_origin(annotation) is tuple or any(
        typing.get_origin(one) is tuple for one in typing.get_args(annotation)
    )


def _parameters(model: type) -> dict[str, str]:
    """Return the texts of the ``:param name:`` fields of a docstring."""
    found = re.split(r"^:param (\w+):", inspect.getdoc(model) or "", flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in zip(found[1::2], found[2::2], strict=True)}


# formats


def _probe() -> list[tuple[Document, Annotation | None]]:
    """Return documents that hold one of everything that a format can lose."""
    title, abstract = "Aspirin and ulcers of the stomach.", "Aspirin was followed by ulcers and bleeding."
    text = f"{title} {abstract}"

    def span(piece: str) -> Span:
        start = text.index(piece)
        return Span(start, start + len(piece))

    drug = Entity(
        "M1", "Chemical", (span("Aspirin"),), (Concept("MESH", "D001241"),), 0.9, "prediction",
        {"checked": "yes", "note": "generic name"},
    )  # fmt: skip
    sign = Entity("M2", "Disease", (span("ulcers"),), (Concept("MESH", "D014456"),))
    pieces = Entity("M3", "Disease", (span("bleeding"), span("stomach")), (Concept("MESH", "D006470"),))
    relations = (
        Relation("L1", "CID", "M1", "M2", extras={"checked": "yes"}),
        Relation("L2", "SEEN-WITH", "M2", "M3", directed=False),
    )
    passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
    further = {"reviewed by": "somebody"}
    return [
        (
            Document("1", text, passages, {"journal": "Invented Letters"}),
            Annotation((drug, sign, pieces), relations, (ConceptRelation("CID", "D001241", "D006470"),), further),
        ),
        (Document("2", "Nothing to see. Here."), Annotation()),
        (Document("3", "Nobody has looked. Here."), None),
    ]


def _losses(known: CorpusFormat) -> set[str]:
    """Return the kinds of things that the format counts as lost when it writes one of everything."""
    report = WriteReport()
    with tempfile.TemporaryDirectory() as scratch:
        known.write(Path(scratch) / f"out{'' if known.writes_folder else known.suffixes[0]}", _probe(), report)
    if losses.RELATIONS in report.lost:
        report.lose(losses.DIRECTED)  # it goes with the relations, and is not counted again
    return set(report.lost)


def _keeping_table(lost: Mapping[str, set[str]]) -> str:
    kinds = [value for name, value in vars(losses).items() if name.isupper() and isinstance(value, str)]
    shown = [kind for kind in kinds if any(kind in gone for gone in lost.values())]
    rows = [f"| | {' | '.join(f'`{name}`' for name in lost)} |", f"| --- |{' :-: |' * len(lost)}"]
    rows += [f"| {kind} | {' | '.join('–' if kind in gone else '✓' for gone in lost.values())} |" for kind in shown]
    return "\n".join(rows)


def _format_section(known: CorpusFormat, lost: set[str] | None, labels: Mapping[str, str]) -> str:
    facts = [f"Name: `{known.name}`."]
    if known.suffixes:
        facts.append(f"File names end in {', '.join(f'`{suffix}`' for suffix in known.suffixes)}, also with `.gz`.")
    facts.append(
        "Can only be read."
        if lost is None
        else f"Can be read and written; writing makes a {'folder' if known.writes_folder else 'file'}."
    )
    if known.splits:
        facts.append(f"`--split` can be {', '.join(f'`{split}`' for split in known.splits)} or `none`.")
    parts = [f"(format-{known.name})=\n## {known.title}", " ".join(facts), _rst(_module_text(known), labels)]
    if lost:
        kinds = "\n".join(f"- {kind}" for kind in sorted(lost))
        parts.append(f"What is counted as lost when it is written, where documents have it:\n\n{kinds}")
    elif lost is not None:
        parts.append("Nothing is lost when it is written.")
    return "\n\n".join(parts)


def _module_text(known: CorpusFormat) -> str:
    return sys.modules[type(known).__module__].__doc__ or inspect.getdoc(type(known)) or ""


# docstrings


def _summary(kind: object) -> str:
    """Return the first paragraph of a docstring, in Markdown."""
    return _rst_to_markdown(" ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()))


def _rst(text: str, labels: Mapping[str, str] = types.MappingProxyType({})) -> str:
    """Return a block in which a docstring is read as reStructuredText; roles of the code become literals.

    :param labels: where the docs have a section on a module: its label.
    """

    def link(match: re.Match[str]) -> str:
        label = labels.get(match[1])
        return f":ref:`{match[1].rpartition('.')[2]} <{label}>`" if label else match[0]

    text = _MODULE.sub(link, text)
    body = _ROLE.sub(lambda match: f"``{match[1].rpartition('.')[2]}``", inspect.cleandoc(text))
    return f"````{{eval-rst}}\n{body}\n````"


def _rst_to_markdown(text: str) -> str:
    return _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", text).replace("``", "`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
