"""The test documents in other words: nothing is lost or misplaced, and only what was meant to change does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.model.checks import annotation_errors, check_document
from biorat_al.corpus.model.document import Annotation, Document, Entity, Span
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.learner import perturbed_documents as robustness
from biorat_al.learner.perturbed_documents import CONDITIONS, perturbed
from biorat_al.learner.types import Example
from tests.corpus.generators import annotated

conditions = pytest.mark.parametrize("condition", CONDITIONS)


@st.composite
def examples(draw: st.DrawFn) -> list[Example]:
    """Return any documents with any mentions, their ids unique, their labels few enough to be swapped."""
    drawn = draw(st.lists(annotated(), max_size=3, unique_by=lambda pair: pair[0].id))
    return [
        Example(
            document,
            tuple(replace(entity, label=draw(st.sampled_from(["Disease", "Chemical"]))) for entity in found.entities),
        )
        for document, found in drawn
    ]


@pytest.fixture(scope="module")
def demo() -> list[Example]:
    """Return documents as they are in life: whole words, mentions that begin and end with words."""
    records = list(read_demo_corpus())[:40]
    return [Example(r.document, r.annotation.entities) for r in records if r.annotation is not None]


@pytest.mark.slow
@conditions
@settings(max_examples=40)
@given(given_examples=examples(), seed=st.integers(0, 2**32 - 1))
def test_whatever_is_read_stays_whole(condition: str, given_examples: list[Example], seed: int) -> None:
    changed = perturbed(given_examples, condition, seed)
    assert [example.document.id for example in changed] == [example.document.id for example in given_examples]
    for before, after in zip(given_examples, changed, strict=True):
        check_document(after.document)
        assert list(annotation_errors(after.document, Annotation(after.entities))) == []
        assert [(e.id, e.label, len(e.spans)) for e in after.entities] == [
            (e.id, e.label, len(e.spans)) for e in before.entities
        ]
        assert [passage.kind for passage in after.document.passages] == [p.kind for p in before.document.passages]
        assert after.document.metadata == before.document.metadata
        # nested stays nested, apart stays apart: all borders keep their order
        borders = sorted(zip(_borders(before), _borders(after), strict=True))
        for (left, moved_left), (right, moved_right) in combinations(borders, 2):
            assert (moved_left == moved_right) if left == right else (moved_left < moved_right)


@pytest.mark.slow
@settings(max_examples=40)
@given(given_examples=examples(), seed=st.integers(0, 9))
def test_outside_of_swapped_mentions_no_character_changes(given_examples: list[Example], seed: int) -> None:
    for before, after in zip(given_examples, perturbed(given_examples, "swap", seed), strict=True):
        pieces = list(zip(_spans(before), _spans(after), strict=True))
        stayed = [
            (old, new) for old, new in pieces if before.document.text[slice(*old)] == after.document.text[slice(*new)]
        ]
        swapped = sorted(pair for pair in pieces if pair not in stayed)
        assert _without(before, [old for old, _ in swapped]) == _without(after, [new for _, new in swapped])
        for entity in before.entities:
            others = [other for other in before.entities if other is not entity]
            if entity.is_discontinuous or any(_overlap(entity, other) for other in others):
                place = before.entities.index(entity)
                assert after.entities[place].surface(after.document.text) == entity.surface(before.document.text)


@pytest.mark.slow
@settings(max_examples=40)
@given(given_examples=examples(), seed=st.integers(0, 9))
def test_case_changes_nothing_but_the_case(given_examples: list[Example], seed: int) -> None:
    for before, after in zip(given_examples, perturbed(given_examples, "case", seed), strict=True):
        assert after.document.text.casefold() == before.document.text.casefold()
        for old, new in zip(before.entities, after.entities, strict=True):
            assert new.surface(after.document.text).casefold() == old.surface(before.document.text).casefold()


@pytest.mark.slow
@settings(max_examples=40)
@given(given_examples=examples(), seed=st.integers(0, 9))
def test_a_typing_error_leaves_first_and_last_letters_and_all_that_is_no_letter(
    given_examples: list[Example], seed: int
) -> None:
    for before, after in zip(given_examples, perturbed(given_examples, "typos", seed), strict=True):
        assert [c for c in after.document.text if not c.isalpha()] == [
            c for c in before.document.text if not c.isalpha()
        ]
        for old, new in zip(_spans(before), _spans(after), strict=True):
            was, now = before.document.text[slice(*old)], after.document.text[slice(*new)]
            assert (now[0], now[-1]) == (was[0], was[-1])


@conditions
def test_the_same_seed_gives_the_same_documents_and_another_one_others(demo: list[Example], condition: str) -> None:
    first, second, other = (perturbed(demo, condition, seed) for seed in (13, 13, 14))
    assert first == second
    assert first != other
    assert first != demo


@pytest.mark.parametrize("condition", ["typos", "case"])
def test_a_document_does_not_depend_on_the_others_nor_on_its_place(demo: list[Example], condition: str) -> None:
    assert perturbed(demo[7:8], condition, 13) == perturbed(demo, condition, 13)[7:8]
    assert perturbed(demo[::-1], condition, 13)[::-1] == perturbed(demo, condition, 13)


def test_swaps_do_not_depend_on_the_order_of_the_documents(demo: list[Example]) -> None:
    assert perturbed(demo[::-1], "swap", 13)[::-1] == perturbed(demo, "swap", 13)


def test_one_more_document_changes_few_of_the_swaps(demo: list[Example]) -> None:
    before, after = perturbed(demo[:-1], "swap", 13), perturbed(demo, "swap", 13)
    pairs = [
        (one.surface(old.document.text), other.surface(new.document.text))
        for old, new in zip(before, after, strict=False)
        for one, other in zip(old.entities, new.entities, strict=True)
    ]
    assert demo[-1].entities
    assert len(pairs) > 100
    # a new name is the first of about as many as there are
    assert sum(old != new for old, new in pairs) < 0.15 * len(pairs)


def test_every_other_name_is_drawn_equally_often() -> None:
    names = [f"name{number}" for number in range(5)]
    pool = [Example(Document(name, name), (Entity("T1", "Drug", (Span(0, 5),)),)) for name in names]
    drawn = Counter(perturbed(pool, "swap", seed)[0].document.text for seed in range(1000))
    # 250 each, standard deviation 13.7
    assert drawn.keys() == set(names[1:])
    assert min(drawn.values()) > 190
    assert max(drawn.values()) < 310


@pytest.mark.parametrize("condition", ["typos", "case"])
def test_one_more_mention_leaves_the_rest_of_the_document_as_it_was(demo: list[Example], condition: str) -> None:
    for example in demo:
        without = replace(example, entities=example.entities[1:])
        (first, second) = (perturbed([one], condition, 13)[0].document.text for one in (example, without))
        assert first == second, "the mentions of the demo corpus begin and end with words"


def test_about_as_many_words_are_misspelt_as_is_said_inside_and_outside_of_mentions(demo: list[Example]) -> None:
    changed = perturbed(demo, "typos", 13)
    inside = {True: [0, 0], False: [0, 0]}
    for before, after in zip(demo, changed, strict=True):
        mentions = [range(*span) for span in _spans(before)]
        words = list(robustness._words(before))
        for old, new in zip(words, robustness._words(after), strict=True):
            if old.end - old.start >= 4:
                tally = inside[any(old.start in mention for mention in mentions)]
                tally[0] += 1
                tally[1] += before.document.text[slice(*old)] != after.document.text[slice(*new)]
            else:
                assert before.document.text[slice(*old)] == after.document.text[slice(*new)]
    for words, misspelt in inside.values():
        assert words > 300
        assert misspelt / words == pytest.approx(0.1, abs=0.05)


def test_every_other_word_is_written_in_another_case(demo: list[Example]) -> None:
    words = changed = 0
    for before, after in zip(demo, perturbed(demo, "case", 13), strict=True):
        for old in robustness._words(before):
            words += 1
            changed += before.document.text[slice(*old)] != after.document.text[slice(*old)]
    assert words > 1000
    assert changed / words == pytest.approx(0.5, abs=0.05)


def test_each_kind_of_typing_error_occurs() -> None:
    document = Document("1", "heparin " * 2000)
    (changed,) = perturbed([Example(document, ())], "typos", 13)
    wrong = set(changed.document.text.split()) - {"heparin"}
    swapped = {"hpearin", "heaprin", "heprain", "hepairn"} - {"heparin"}
    dropped = {"hparin", "hearin", "heprin", "hepain", "heparn"}
    doubled = {"heeparin", "hepparin", "hepaarin", "heparrin", "hepariin"}
    beside = {f"{'heparin'[:at]}{key}{'heparin'[at + 1 :]}" for at, key in [(1, "w"), (1, "r"), (3, "s"), (2, "o")]}
    for kind in (swapped, dropped, doubled, beside):
        assert kind <= wrong
    assert all(word[0] == "h" and word[-1] == "n" and len(word) in (6, 7, 8) for word in wrong)


@pytest.mark.parametrize(("key", "beside"), [("q", "wa"), ("a", "qwsz"), ("g", "tyfhvb"), ("P", "OL"), ("m", "jkn")])
def test_the_keys_beside_a_key_are_those_of_a_keyboard(key: str, beside: str) -> None:
    assert sorted(robustness._NEIGHBOURS[key]) == sorted(beside)


def test_a_name_is_replaced_by_one_name_of_its_label_from_another_document() -> None:
    texts = {"1": "Asthma, then asthma and aspirin; Asthma.", "2": "Gout and heparin.", "3": "Gout or ASTHMA."}
    places = {
        "1": [("Disease", 0, 6), ("Disease", 13, 19), ("Chemical", 24, 31), ("Disease", 33, 39)],
        "2": [("Disease", 0, 4), ("Chemical", 9, 16)],
        "3": [("Disease", 0, 4), ("Disease", 8, 14)],
    }
    given_examples = [
        Example(
            Document(key, text), tuple(Entity(f"T{n}", label, (Span(*at),)) for n, (label, *at) in enumerate(found))
        )
        for (key, text), found in zip(texts.items(), places.values(), strict=True)
    ]
    first, second, third = perturbed(given_examples, "swap", 5)
    # another way of writing the same name is no other name
    assert first.document.text == "Gout, then Gout and heparin; Gout."
    assert [entity.surface(first.document.text) for entity in first.entities] == ["Gout", "Gout", "heparin", "Gout"]
    assert second.document.text.lower() == "asthma and aspirin."
    assert third.document.text[:6].lower() == "asthma"
    assert third.document.text[6:] == " or Gout.", "a name of this document that another one has, too"


def test_what_cannot_be_swapped_stays() -> None:
    text = "acute renal failure and pain, ovarian and breast cancer"
    nested = [Entity("T1", "Disease", (Span(0, 19),)), Entity("T2", "Disease", (Span(6, 19),))]
    parts = Entity("T3", "Disease", (Span(30, 37), Span(49, 55)))
    plain = Entity("T4", "Disease", (Span(24, 28),))
    only = Entity("T5", "Chemical", (Span(42, 48),))
    example = Example(Document("1", text), (*nested, parts, plain, only))
    other = Example(Document("2", "gout"), (Entity("T1", "Disease", (Span(0, 4),)),))
    changed, _ = perturbed([example, other], "swap", 1)
    assert changed.document.text == text.replace("pain", "gout")
    assert perturbed([example], "swap", 1)[0].document.text == text, "there is no other document"


def test_a_border_inside_of_a_word_cuts_it() -> None:
    document = Document("1", "antiviral " * 400)
    mentions = tuple(Entity(f"T{n}", "Drug", (Span(10 * n + 4, 10 * n + 9),)) for n in range(400))
    (changed,) = perturbed([Example(document, mentions)], "typos", 2)
    surfaces = [entity.surface(changed.document.text) for entity in changed.entities]
    assert len(set(surfaces)) > 5
    assert all(surface[0] == "v" and surface[-1] == "l" for surface in surfaces)


def test_texts_without_letters_or_without_anything_are_left_alone() -> None:
    given_examples = [Example(Document("1", ""), ()), Example(Document("2", " 12 µ \n"), ())]
    for condition in CONDITIONS:
        if condition != "case":  # the micro sign is a letter
            assert perturbed(given_examples, condition, 1) == given_examples
        assert perturbed([], condition, 1) == []


def _spans(example: Example) -> list[Span]:
    return list(chain.from_iterable(entity.spans for entity in example.entities))


def _borders(example: Example) -> list[int]:
    return list(chain.from_iterable(_spans(example)))


def _overlap(one: Entity, other: Entity) -> bool:
    return any(a.start < b.end and b.start < a.end for a in one.spans for b in other.spans)


def _without(example: Example, spans: list[Span]) -> str:
    text, rest, after = example.document.text, "", 0
    for start, end in sorted(spans):
        rest += text[after:start] + "\0"
        after = end
    return rest + text[after:]
