"""The files of pre-labels and dictionaries in a project's folder.

They are files and not annotations in the database, so that nothing that counts, exports or learns from annotations can
meet them. A project's folder holds::

    pre-labels/files.json           what `init` found in each file
    pre-labels/1-<name>.jsonl       predictions, for documents of the project
    pre-labels/2-<name>.tsv         a dictionary, as it was
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from biorat_al.errors import ProjectError
from biorat_al.settings import Settings

FOLDER = "pre-labels"
RECORD = f"{FOLDER}/files.json"

Kind = Literal["pre-labels", "dictionary"]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of pre-labels or a dictionary, as the settings name it.

    :param file: its place in the project's folder.
    :param name: name of the file that it came from.
    :param label: label of a dictionary's names; None for pre-labels.
    :param sha256: its digest when the project was made; None if that was not recorded.
    """

    kind: Kind
    file: str
    name: str
    label: str | None
    sha256: str | None

    @property
    def title(self) -> str:
        """What it is, for people: ``the dictionary mesh.tsv``."""
        return f"the dictionary {self.name}" if self.kind == "dictionary" else f"the pre-labels in {self.name}"


def kept_files(settings: Settings) -> list[KeptFile]:
    """Return the files that the settings name: predictions first, then dictionaries."""
    return [
        *(KeptFile("pre-labels", one.file, one.name, None, one.sha256) for one in settings.pre_labels),
        *(KeptFile("dictionary", one.file, one.name, one.label, one.sha256) for one in settings.dictionary),
    ]


@dataclass(frozen=True, slots=True)
class FoundIn:
    """What `init` found in a file.

    :param documents: documents of the project that have pre-labels; 0 for a dictionary.
    :param mentions: mentions in these, by the file's own label.
    :param names: names that a dictionary can find.
    :param left_out: what was left out, by kind in the plural.
    """

    file: str
    documents: int = 0
    mentions: Mapping[str, int] = field(default_factory=dict)
    names: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


def write_record(folder: Path, found: Sequence[FoundIn]) -> None:
    """Write what was found in the files of the project in `folder`."""
    text = json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")


def read_record(folder: Path) -> dict[str, FoundIn]:
    """Return what was found in each file, by its place; empty if there is no record.

    :raises ProjectError: the record is damaged.
    """
    path = folder / RECORD
    try:
        found = [FoundIn(**values) for values in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise ProjectError(f"{path} is damaged ({error}); remove it, or put it back from a backup") from None
    return {one.file: one for one in found}


class Labels:
    """Which labels of a file count as which of the project's.

    A label counts as the project's label of the same name, or as the one that lists it among its sources. Where no
    label is the same, upper and lower case are ignored.
    """

    def __init__(self, settings: Settings) -> None:
        self._exact: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        pairs = [(entity.name, entity.name) for entity in settings.entities]
        pairs += [(source, entity.name) for entity in settings.entities for source in entity.sources]
        for source, label in pairs:
            self._exact.setdefault(source, label)
            self._folded.setdefault(source.casefold(), label)

    def of(self, label: str) -> str | None:
        """Return the project's label for a label of a file; None if it counts as none."""
        return self._exact.get(label) or self._folded.get(label.casefold())

    @property
    def text(self) -> str:
        """The mapping, for a digest."""
        return json.dumps([self._exact, self._folded], sort_keys=True)
