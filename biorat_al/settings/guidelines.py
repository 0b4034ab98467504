"""Annotation guidelines: a text file in the project folder, shown to annotators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from biorat_al.errors import SettingsError
from biorat_al.settings.settings import Settings

MARKDOWN = (".md", ".markdown")
PLAIN = (".txt", ".text")
LONGEST = 100_000
"""Largest number of characters: about forty printed pages, more than anybody reads before the first task."""


@dataclass(frozen=True, slots=True)
class Guidelines:
    """The annotation guidelines of a project.

    :param text: the file's content, with line feeds as line ends.
    :param markdown: whether it is Markdown; if not, its lines are shown unchanged.
    """

    text: str
    markdown: bool = True


def read_guidelines(path: Path) -> Guidelines:
    """Read the guidelines from a Markdown or text file.

    :raises SettingsError: the file cannot be read, is of another kind, is empty, or is longer than 100,000 characters.
    """
    suffix = path.suffix.lower()
    if suffix not in (*MARKDOWN, *PLAIN):
        raise SettingsError(
            f"the guidelines {path} are neither Markdown ({', '.join(MARKDOWN)}) nor plain text "
            f"({', '.join(PLAIN)}), so annotators cannot be shown them; save them as one of these"
        )
    try:
        # some editors begin a file with a byte order mark
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"the guidelines {path} are not UTF-8 (byte {error.start}); save them as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"the guidelines {path} cannot be read: {error.strerror}") from None
    if not text.strip():
        raise SettingsError(f"the guidelines {path} are empty; write them, or leave them out")
    if "\0" in text:
        raise SettingsError(f"the guidelines {path} hold a null character, so they are not a text; save them as text")
    if len(text) > LONGEST:
        raise SettingsError(
            f"the guidelines {path} have {len(text):,} characters; the instruction in Label Studio takes at most "
            f"{LONGEST:,}. Keep what annotators need while they work"
        )
    return Guidelines(text, suffix in MARKDOWN)


def project_guidelines(folder: Path, settings: Settings) -> Guidelines | None:
    """Return the guidelines that the settings of the project in `folder` name, or None if they name none.

    :raises SettingsError: as for :func:`read_guidelines`.
    """
    return None if settings.guidelines is None else read_guidelines(folder / settings.guidelines)
