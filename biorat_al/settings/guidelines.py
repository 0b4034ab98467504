"""Annotation guidelines: a text file in the project folder, shown to annotators."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.errors import SettingsError
from biorat_al.settings.settings import Settings
from biorat_al.wording import shortened

if TYPE_CHECKING:
    from markdown_it.token import Token

MARKDOWN = (".md", ".markdown")
PLAIN = (".txt", ".text")
_SCRIPT = re.compile(r"<\s*(script|iframe|object|embed)\b|javascript:", re.IGNORECASE)
_LONGEST_MEANING = 300

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

    @property
    def digest(self) -> str:
        """A digest of the text, by which versions of the guidelines are distinguished."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def meanings(self, labels: Sequence[str]) -> dict[str, str]:
        """Return what the guidelines say that each label means, in one sentence; labels not found are left out.

        In Markdown that is the first sentence below a heading that is the label, or else the first sentence that begins
        with the label in italics or bold. In plain text it is what follows the label and a colon at the beginning of a
        line.
        """
        found: dict[str, str] = {}
        said = list(_paragraphs(self.text) if self.markdown else _lines(self.text))
        for label in labels:
            word = label.casefold()
            texts = (_printable(text) for heading, text in said if heading.casefold() == word)
            if text := next(filter(None, texts), ""):
                found[label] = shortened(_SENTENCE.split(text, maxsplit=1)[0], _LONGEST_MEANING)
        return found


_SENTENCE = re.compile(r"(?<=[.!?])\s")


def _printable(text: str) -> str:
    """Return a text in one line, without control characters, which XML cannot have."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable()).strip()


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield the beginning of each line up to a colon, and what follows."""
    for line in text.splitlines():
        name, colon, rest = line.strip().lstrip("-*• ").partition(":")
        if colon and rest.strip():
            yield name.strip(), rest.strip()


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each heading with the paragraph below it, and then each sentence that begins with an emphasised name."""
    from markdown_it import MarkdownIt

    below: list[tuple[str, str]] = []
    named: list[tuple[str, str]] = []
    heading, before = "", ""
    for token in MarkdownIt("js-default", {"html": False}).parse(text):
        if token.type == "inline":
            plain = _plain(token.children or [])
            if before == "heading_open":
                heading = plain
            else:
                below += [(heading, plain)] if heading else []
                heading = ""
                named += _named(token.children or [])
        before = token.type
    yield from below
    yield from named


def _named(children: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield the emphasised names at the beginning of a sentence, with the text that begins there."""
    for place, token in enumerate(children):
        if token.type not in ("em_open", "strong_open"):
            continue
        earlier = _plain(children[:place]).rstrip()
        if not earlier or earlier[-1] in ".:!?":
            name = next(end for end in range(place, len(children)) if children[end].type == token.type[:-4] + "close")
            yield _plain(children[place:name]).rstrip(".:"), _plain(children[place:])


def _plain(children: Sequence[Token]) -> str:
    return "".join(" " if token.type in ("softbreak", "hardbreak") else token.content for token in children).strip()


def read_guidelines(path: Path) -> Guidelines:
    """Read the guidelines from a Markdown or text file.

    :raises SettingsError: the file cannot be read, is of another kind, is empty, holds a script, or is longer than
        100,000 characters.
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
    if (script := _SCRIPT.search(text)) is not None:
        line = text.count("\n", 0, script.start()) + 1
        raise SettingsError(
            f"the guidelines {path} hold a script or a foreign page ({script[0]!r} in line {line}), which annotators "
            "are never shown; write them as Markdown without HTML"
        )
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
