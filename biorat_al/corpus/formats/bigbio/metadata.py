"""The header of a data card, which ``datasets``, the Hugging Face hub and BigBio read.

The keys are those of the hub's data card specification (``datasetcard.md`` in huggingface/hub-docs) and of the cards in
BigBio's own collection (``bigbio_language``, ``bigbio_license_shortname``, ``homepage``, ``bigbio_pubmed``,
``bigbio_public``, ``bigbio_tasks``). Unknown values are left out, or marked as unknown in BigBio's or the hub's words.
There is no ``dataset_info``: ``datasets`` takes features and counts from the Parquet files. It would warn about an
entry without sizes in bytes, which are known only after it has read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from biorat_al.corpus.formats.bigbio.details import BigBioSummary, CardDetails, SplitSummary

_TASKS: dict[str, Callable[[SplitSummary], object]] = {
    "NAMED_ENTITY_RECOGNITION": lambda split: split.mentions,
    "NAMED_ENTITY_DISAMBIGUATION": lambda split: split.linked_mentions,
    "RELATION_EXTRACTION": lambda split: split.relations and split.mentions,
    "EVENT_EXTRACTION": lambda split: split.events,
    "COREFERENCE_RESOLUTION": lambda split: split.coreferences and split.mentions,
}
"""BigBio's name of a task → what every split must contain for the corpus to support the task."""

SHORT_TASKS = {
    "NAMED_ENTITY_RECOGNITION": "NER",
    "NAMED_ENTITY_DISAMBIGUATION": "NED",
    "RELATION_EXTRACTION": "RE",
    "EVENT_EXTRACTION": "EE",
    "COREFERENCE_RESOLUTION": "COREF",
}
"""BigBio's name of a task → its short name."""

_TAGS = {
    "NAMED_ENTITY_DISAMBIGUATION": "entity-linking",
    "RELATION_EXTRACTION": "relation-extraction",
    "EVENT_EXTRACTION": "event-extraction",
}
"""Tags for tasks that the hub does not have."""

_TASK_IDS = {
    "NAMED_ENTITY_RECOGNITION": "named-entity-recognition",
    "COREFERENCE_RESOLUTION": "coreference-resolution",
}

_LANGUAGES = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "nl": "Dutch", "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "zh": "Chinese",
}  # fmt: skip
"""Language code → BigBio's name of the language."""

_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")

UNKNOWN = "unknown"


def supported_tasks(summary: BigBioSummary) -> list[str]:
    """Return the tasks that every split supports, by BigBio's names."""
    return [task for task, found in _TASKS.items() if all(map(found, summary.splits.values()))]


def language_name(code: str) -> str:
    """Return BigBio's name of a language; the code itself if the name is not known here."""
    return _LANGUAGES.get(code, code)


def is_public(details: CardDetails) -> bool:
    """Return whether the texts are public: whether the stated licence is one that the hub knows by name."""
    return details.license is not None and details.license.lower() not in ("other", UNKNOWN)


def license_short_name(license_: str | None) -> str:
    """Return BigBio's spelling of a licence: ``CC_BY_4p0`` for ``cc-by-4.0``."""
    return "UNKNOWN" if license_ is None else license_.upper().replace("-", "_").replace(".", "p")


def size_category(documents: int) -> str:
    """Return the hub's name for a number of documents."""
    return next((name for place, name in enumerate(_SIZES) if documents < 1000 * 10**place), "n>100M")


def header(summary: BigBioSummary, details: CardDetails, folders: dict[str, str]) -> str:
    """Return the header as YAML, without the lines of dashes around it.

    :param folders: the folders of the configurations' files, under the keys ``data`` and ``source``.
    """
    tasks = supported_tasks(summary)
    task_ids = [_TASK_IDS[task] for task in tasks if task in _TASK_IDS]
    values: dict[str, Any] = {
        "pretty_name": details.title or summary.name,
        "license": details.license or UNKNOWN,
        "language": list(details.languages),
        "multilinguality": _multilinguality(details),
        "size_categories": [size_category(summary.documents)],
        "task_categories": ["token-classification"],
        "task_ids": task_ids,
        "tags": [
            "bigbio",
            "biomedical",
            *(tag for task, tag in _TAGS.items() if task in tasks),
            *(["synthetic"] if details.invented else []),
        ],
        "homepage": details.homepage,
        "bigbio_language": [language_name(code) for code in details.languages],
        "bigbio_license_shortname": license_short_name(details.license),
        "bigbio_pubmed": summary.looks_like_pubmed and not details.invented,
        "bigbio_public": is_public(details),
        "bigbio_tasks": tasks,
        "configs": [
            _config(summary, summary.config, folders["data"]) | {"default": True},
            *([_config(summary, summary.source_config, folders["source"])] if summary.complete else []),
        ],
    }
    kept = {key: value for key, value in values.items() if value not in ("", [], None)}
    return str(yaml.dump(kept, Dumper=_OneLine, sort_keys=False, allow_unicode=True, width=2**31))


def _quoted(dumper: Any, text: str) -> Any:
    """Quote a text with line breaks or other unprintable characters, so that they are escaped."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_OneLine: Any = type("_OneLine", (yaml.SafeDumper,), {})
"""YAML dumper that writes each string on one line: a row of dashes in a title must not end the header."""

_OneLine.add_representer(str, _quoted)


def _multilinguality(details: CardDetails) -> list[str]:
    if not details.languages:
        return []
    return ["monolingual" if len(set(details.languages)) == 1 else "multilingual"]


def _config(summary: BigBioSummary, name: str, folder: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"{folder}/{split}.parquet"} for split in summary.splits]
    return {"config_name": name, "data_files": files}
