"""The demo corpus keeps what it promises, and its parser refuses what is not well formed."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Record, check_spans
from biorat_al.demo.corpus import (
    CORPUS_FILE,
    NOTICE,
    parse_corpus,
    parse_markup,
    read_demo_corpus,
)
from biorat_al.errors import DuplicateDocumentError, FormatError

HEADER = "# demo-001 trial"

SPARED = {
    ("iron", "demo-151"),  # Iron Bridge Infirmary
    ("lead", "demo-151"),  # Lead Street
    ("diabetes", "demo-029"),  # Diabetes-in-School Register
    ("polyps", "demo-088"),  # the animals
    ("hives", "demo-028"),  # of bees
    ("silver", "demo-152"),  # the colour
    ("lead", "demo-067"),  # the verb "to lead"
}
"""Names marked elsewhere in the corpus that are rightly unmarked in these documents: they mean something else there."""


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(read_demo_corpus())


def mentions(record: Record) -> list[tuple[str, str]]:
    assert record.annotation is not None
    return [(entity.label, entity.surface(record.document.text)) for entity in record.annotation.entities]


def unmarked(record: Record, name: str) -> list[int]:
    """Return where `name` occurs in the record as a whole word outside all mentions."""
    assert record.annotation is not None
    marked = [span for entity in record.annotation.entities for span in entity.spans]
    return [
        match.start()
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", record.document.text, re.IGNORECASE)
        if not any(span.start < match.end() and match.start() < span.end for span in marked)
    ]


class TestCorpus:
    def test_number_of_documents_and_ids(self, records: list[Record]) -> None:
        assert [record.document.id for record in records] == [f"demo-{number:03}" for number in range(1, 181)]

    def test_every_record_says_that_it_is_invented(self, records: list[Record]) -> None:
        for record in records:
            assert record.document.metadata["invented"] is True
            assert record.document.metadata["notice"] == NOTICE
        assert "invented" in NOTICE

    def test_file_begins_by_saying_that_all_is_invented(self) -> None:
        text = CORPUS_FILE.read_text(encoding="utf-8")
        assert "ALL OF THIS IS INVENTED" in text[: text.index("# demo-001")]

    def test_no_two_texts_are_nearly_the_same(self, records: list[Record]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectors = TfidfVectorizer().fit_transform([record.document.text for record in records])
        cosine = (vectors @ vectors.T).toarray()
        for place in range(len(records)):
            cosine[place, place] = 0
        assert cosine.max() < 0.8
        assert cosine.max() > 0  # otherwise nothing was compared

    def test_distinct_names(self, records: list[Record]) -> None:
        distinct = Counter(label for label, _ in {(lb, name.casefold()) for r in records for lb, name in mentions(r)})
        assert set(distinct) == {"Chemical", "Disease"}
        assert distinct["Disease"] >= 110
        assert distinct["Chemical"] >= 130

    def test_no_name_has_two_labels(self, records: list[Record]) -> None:
        labels: dict[str, set[str]] = {}
        for record in records:
            for label, name in mentions(record):
                labels.setdefault(name.casefold(), set()).add(label)
        assert {name: found for name, found in labels.items() if len(found) > 1} == {}

    def test_mentions_are_whole_words_in_order_and_apart(self, records: list[Record]) -> None:
        for record in records:
            assert record.annotation is not None
            text, entities = record.document.text, record.annotation.entities
            check_spans(record.document, (span for entity in entities for span in entity.spans))
            for before, after in pairwise(entities):
                assert before.end <= after.start, (record.document.id, before.surface(text), after.surface(text))
            for entity in entities:
                around = text[entity.start - 1 : entity.start] + text[entity.end : entity.end + 1]
                assert not re.search(r"\w", around), (record.document.id, entity.surface(text))

    def test_no_trace_of_markup_in_the_texts(self, records: list[Record]) -> None:
        for record in records:
            assert not re.search(r"[\[\]]|\b[CD]:\S", record.document.text), record.document.id
            assert "  " not in record.document.text, record.document.id

    def test_passages(self, records: list[Record]) -> None:
        for record in records:
            title, abstract = record.document.passages
            assert (title.kind, abstract.kind) == ("title", "abstract")
            assert title.start == 0
            assert record.document.text[title.end : abstract.start] == " "
            assert abstract.end == len(record.document.text)

    def test_share_of_documents_without_entities_and_with_one_type(self, records: list[Record]) -> None:
        types = Counter(len({label for label, _ in mentions(record)}) for record in records)
        assert 8 <= types[0] <= 10
        assert types[1] >= 5
        assert types[2] >= 140

    def test_lengths(self, records: list[Record]) -> None:
        words = [len(record.document.text.split()) for record in records]
        assert min(words) >= 50
        assert max(words) <= 250
        assert sum(count > 150 for count in words) >= 3
        assert sum(count <= 90 for count in words) >= 170

    def test_kinds_of_study(self, records: list[Record]) -> None:
        kinds = Counter(record.document.metadata["kind"] for record in records)
        assert len(kinds) >= 10
        assert max(kinds.values()) <= 50

    def test_openings_differ(self, records: list[Record]) -> None:
        openings = Counter()
        for record in records:
            abstract = record.document.text[record.document.passages[1].start :]
            openings[" ".join(abstract.split()[:3])] += 1
        assert openings.most_common(1)[0][1] <= 3

    def test_a_name_is_marked_wherever_it_stands_in_a_document(self, records: list[Record]) -> None:
        missed = [
            (record.document.id, name, start)
            for record in records
            for name in {name for _, name in mentions(record)}
            for start in unmarked(record, name)
        ]
        assert missed == []

    def test_a_name_is_marked_in_every_document(self, records: list[Record]) -> None:
        names = {name.casefold() for record in records for _, name in mentions(record)}
        missed = {
            (name, record.document.id)
            for record in records
            for name in names
            if name in record.document.text.casefold() and unmarked(record, name)
        }
        assert missed == SPARED

    def test_no_generic_word_is_a_mention(self, records: list[Record]) -> None:
        generic = re.compile(
            r"(the |a |an )?(disease|disorder|syndrome|illness|infection|inflammation|lesion|tumou?r|cancer|pain|sore|"
            r"bleeding|injury|complaint|death|toxicity|symptom|drug|compound|antibiotic|pesticide|placebo|solvent|dye|"
            r"inhibitor|metabolite|water|saline|salt)s?",
            re.IGNORECASE,
        )
        found = [(r.document.id, name) for r in records for _, name in mentions(r) if generic.fullmatch(name)]
        assert found == []

    def test_the_examples_of_the_guidelines_are_in_the_corpus(self, records: list[Record]) -> None:
        guidelines = CORPUS_FILE.with_name("GUIDELINES.md").read_text(encoding="utf-8")
        examples = {" ".join(found.split()).casefold() for found in re.findall(r"\[([^\]]+)\]", guidelines)}
        assert len(examples) >= 15
        assert examples <= {name.casefold() for record in records for _, name in mentions(record)}


class TestWriting:
    def test_what_is_written_is_read_back(self, records: list[Record], tmp_path: Path) -> None:
        from biorat_al.corpus.formats.base import Reading
        from biorat_al.corpus.formats.jsonl import JsonLines, write_jsonl
        from biorat_al.corpus.io.source import Source

        path = tmp_path / "demo.jsonl"
        assert write_jsonl(path, read_demo_corpus()) == 180
        back = list(JsonLines().read(Source(path), Reading()))
        assert [(record.document, record.annotation) for record in back] == [
            (record.document, record.annotation) for record in records
        ]


class TestMarkup:
    def test_spans_count_code_points(self) -> None:
        text, found = parse_markup("Is [C:α-𝛽-talvine] good for [D:wilt]?", "here")
        assert text == "Is α-𝛽-talvine good for wilt?"
        assert [(label, text[start:end]) for label, (start, end) in found] == [
            ("Chemical", "α-𝛽-talvine"),
            ("Disease", "wilt"),
        ]
        assert found[0][1] == (3, 14)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["", "C", "D"]),
                st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"]), min_size=1).filter(
                    lambda piece: piece == piece.strip()
                ),
            )
        )
    )
    def test_pieces_come_back(self, pieces: list[tuple[str, str]]) -> None:
        marked = "".join(f"[{kind}:{piece}]" if kind else piece for kind, piece in pieces)
        text, found = parse_markup(marked, "here")
        assert text == "".join(piece for _, piece in pieces)
        assert [(label[0], text[start:end]) for label, (start, end) in found] == [p for p in pieces if p[0]]

    @pytest.mark.parametrize(
        ("marked", "complaint"),
        [
            ("a [C:b", "no '\\]' closes"),
            ("a C:b] c", "without its '\\['"),
            ("a [C:b [D:c] d]", "inside another"),
            ("a [X:b]", "unknown type 'X'"),
            ("a [:b]", "unknown type ''"),
            ("a [c:b]", "unknown type 'c'"),
            ("a [b] c", "must begin a mention"),
            ("a [C:] c", "may not be empty"),
            ("a [C: b] c", "may not be empty or begin"),
            ("a [C:b ] c", "may not be empty or begin"),
        ],
    )
    def test_what_is_malformed_is_refused_with_its_line(self, marked: str, complaint: str) -> None:
        for title, abstract, line in ((marked, "fine", 2), ("fine", marked, 3)):
            with pytest.raises(FormatError, match=complaint) as caught:
                list(parse_corpus([HEADER, f"T: {title}", f"A: {abstract}"], "some.txt"))
            assert caught.value.source == f"some.txt, line {line}"
            assert caught.value.document == "demo-001"


class TestRecords:
    def test_a_record(self) -> None:
        lines = ["% comment\n", f"{HEADER}\n", "T: On [C:x1]\n", "A: No [D:y] here.\n", "\n"]
        (record,) = parse_corpus(lines, "some.txt")
        assert record.document.text == "On x1 No y here."
        assert mentions(record) == [("Chemical", "x1"), ("Disease", "y")]
        assert [entity.id for entity in record.annotation.entities] == ["T1", "T2"]  # type: ignore[union-attr]
        assert record.document.metadata["kind"] == "trial"
        assert record.source == "some.txt, line 4"

    def test_a_record_without_mentions_was_looked_at(self) -> None:
        (record,) = parse_corpus([HEADER, "T: One", "A: Two"])
        assert record.annotation is not None
        assert record.annotation.entities == ()

    def test_duplicate_id(self) -> None:
        with pytest.raises(DuplicateDocumentError, match=r"line 4, document demo-001: line 1 already has this id"):
            list(parse_corpus([HEADER, "T: One", "A: Two", HEADER, "T: Three", "A: Four"], "some.txt"))

    @pytest.mark.parametrize(
        ("lines", "line", "complaint"),
        [
            ([HEADER], 1, "no title"),
            ([HEADER, "T: One"], 1, "no abstract"),
            ([HEADER, "T: One", "# demo-002 trial"], 1, "no abstract"),
            ([HEADER, "A: One"], 2, "in this order"),
            (["T: One"], 1, "in this order"),
            ([HEADER, "T: One", "T: Two"], 3, "in this order"),
            ([HEADER, "T: One", "A: Two", "three"], 4, "in this order"),
            ([HEADER, "T:One"], 2, "in this order"),
            (["# demo-001"], 1, "must read"),
            (["#demo-001 trial"], 1, "must read"),
        ],
    )
    def test_lines_out_of_place(self, lines: list[str], line: int, complaint: str) -> None:
        with pytest.raises(FormatError, match=complaint) as caught:
            list(parse_corpus(lines, "some.txt"))
        assert caught.value.source == f"some.txt, line {line}"
