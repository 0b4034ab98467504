"""No message repeats a document: wherever a file holds a whole text in the place of something short, it is cut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from biorat_al.corpus.formats.base import ReadOptions, ReadReport
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Record, Relation, Span
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.reading import read_with
from biorat_al.errors import LONGEST_ID, LONGEST_MESSAGE, BioratError, CorpusError

TEXT = "Naloxone reverses hypotension in rats.\nIt was given twice."
ANNOTATION = Annotation(
    (
        Entity("T1", "Chemical", (Span(0, 8),), (Concept("MESH", "D009270"),)),
        Entity("T2", "Disease", (Span(18, 29),), (Concept("MESH", "D007022"),)),
    ),
    (Relation("R1", "CPR:4", "T1", "T2"),),
)
WHOLE = "a whole abstract that stands where a word should be " * 400
WRITABLE = [known for known in FORMATS if known.can_write and known.name != "bigbio"]


def fields(content: str) -> list[tuple[int, int]]:
    """Where words, numbers and names of a file are, up to 60 of them."""
    found = [match.span() for match in re.finditer(r"[^\s\"'<>|,:;{}\[\]=/]+", content)]
    return found[:: max(1, len(found) // 60)]


@pytest.mark.slow
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("known", WRITABLE, ids=lambda known: known.name)
def test_a_text_in_the_place_of_something_short_is_cut_in_messages(known: object, skip: bool, tmp_path: Path) -> None:
    format_ = next(one for one in FORMATS if one is known)
    target = tmp_path / f"corpus{format_.suffixes[0]}"
    format_.write(target, [Record(Document("1", TEXT), ANNOTATION, "here")])
    refused = 0
    for file in sorted(path for path in [target, *target.rglob("*")] if path.is_file()):
        content = file.read_text(encoding="utf-8")
        for start, end in fields(content):
            file.write_text(content[:start] + WHOLE + content[end:], encoding="utf-8")
            told = []
            report = ReadReport()
            try:
                list(read_with(ReadOptions(format=format_.name, skip_invalid=skip), [target], report=report))
            except BioratError as error:
                told.append(str(error))
                refused += 1
            told += reading_lines(report)
            assert all(len(one) <= LONGEST_MESSAGE + LONGEST_ID + len(str(target)) + 200 for one in told), told
        file.write_text(content, encoding="utf-8")
    assert skip or refused


def test_what_to_do_stays_at_the_end_of_a_message_that_is_cut() -> None:
    error = CorpusError(f"found {WHOLE!r}, expected a word; write one", source="file, line 3", document=WHOLE)
    assert str(error).startswith("file, line 3, document a whole abstract")
    assert str(error).endswith("expected a word; write one")
    assert len(str(error)) < LONGEST_MESSAGE + LONGEST_ID + 40
