"""Words at which a model is sure of something else than what is marked."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from biorat_al.corpus.model.unasked import Unasked
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.borders import RATE
from biorat_al.people.audit.doubted_words import word_findings
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.predictions import Predicted, WordChances
from biorat_al.people.audit.shares import ERRORS, posterior
from biorat_al.people.audit.strings import extra_rate
from tests.support.audited import corpus_of

LABELS = ("Chemical", "Disease")

BACKGROUND = ["Some [Disease|gout] by [Chemical|lead] here."] * 6
"""What makes thresholds: the model agrees with it."""


def chances(one: AnnotatedDocument, sure: dict[str, str], probability: float = 0.97) -> WordChances:
    """Return what a model makes of the words of a document: what is marked, but for some words.

    :param sure: label of some words; an empty one for no mention.
    """
    text = one.document.text
    words = list(re.finditer(r"[^\W_]+|[^\w\s]", text))
    inside = np.full((len(words), len(LABELS)), 0.005)
    for number, word in enumerate(words):
        marked = next((e.label for e in one.annotation.entities if e.start < word.end() and word.start() < e.end), "")
        label = sure.get(word[0], marked)
        if label:
            inside[number, LABELS.index(label)] = probability
    starts, ends = (np.array([getattr(word, end)() for word in words], dtype=np.int64) for end in ("start", "end"))
    return WordChances(LABELS, starts, ends, inside)


def found_in(text: str, sure: dict[str, str], *, unasked: Unasked | None = None, **more: float) -> list[Finding]:
    """Return the findings in a text, among documents in which the model agrees."""
    documents = corpus_of(*BACKGROUND, text)
    if unasked is not None:
        documents[-1] = replace(documents[-1], unasked=unasked)
    predicted = {one.document.id: Predicted("m", (), words=chances(one, {})) for one in documents[:-1]}
    predicted[documents[-1].document.id] = Predicted("m", (), words=chances(documents[-1], sure, **more))
    return list(word_findings([Worded(one) for one in documents], predicted))


@pytest.mark.parametrize(
    ("text", "sure", "kind", "place", "suggested"),
    [
        ("Some odd eczema here.", {"eczema": "Disease"}, "missed", "eczema", "mark it as Disease"),
        ("Some odd skin rash.", {"skin": "Disease", "rash": "Disease"}, "missed", "skin rash", "mark it as Disease"),
        ("By [Disease|lead] here.", {"lead": "Chemical"}, "label", "lead", "label it Chemical instead of Disease"),
        ("Of [Disease|two mice].", {"two": "", "mice": ""}, "extra", "two mice", "do not mark it as Disease"),
        ("An [Disease|acute gout].", {"acute": ""}, "borders", "acute gout", "mark “gout” (9–13) instead"),
        ("A skin [Disease|rash].", {"skin": "Disease"}, "borders", "rash", "mark “skin rash” (2–11) instead"),
    ],
)  # fmt: skip
def test_each_kind_of_doubt(text: str, sure: dict[str, str], kind: str, place: str, suggested: str) -> None:
    documents = [Worded(one) for one in corpus_of(*BACKGROUND, text)]
    rates = {"missed": ERRORS, "label": ERRORS, "extra": extra_rate(documents), "borders": RATE}
    (finding,) = found_in(text, sure)
    assert (finding.kind, finding.excerpt.text, finding.suggestion) == (kind, place, suggested)
    assert finding.evidence[0].source == "model"
    assert "which had not learnt from this document" in finding.evidence[0].sentence
    assert posterior(0.95, rates[kind]) < finding.score <= posterior(0.99, rates[kind])


def test_what_the_model_agrees_with_is_no_finding() -> None:
    assert found_in("Some [Disease|gout].", {}) == []


def test_a_word_below_the_threshold_is_no_finding() -> None:
    assert found_in("Some odd eczema.", {"eczema": "Disease"}, probability=0.9) == []


def test_signs_alone_and_the_middle_of_a_mention_are_no_finding() -> None:
    assert found_in("Some odd , here.", {",": "Disease"}, probability=0.99) == []
    assert found_in("The [Disease|pain of joints].", {"of": ""}) == []


def test_labels_nobody_was_asked_for_disputed_words_and_nested_mentions_are_left_out() -> None:
    sure = {"eczema": "Disease"}
    assert found_in("Some odd eczema.", sure, unasked=Unasked(frozenset({"Disease"}))) == []
    documents = corpus_of(*BACKGROUND, "Some odd eczema.", "Some odd [Disease|eczema].")
    disputed = replace(documents[-2], disputed=documents[-1].annotation.entities)
    both = replace(documents[-1], annotation=replace(documents[-1].annotation, entities=(
        *documents[-1].annotation.entities, replace(documents[-1].annotation.entities[0], label="Chemical"),
    )))  # fmt: skip
    corpus = [*documents[:-2], disputed, both]
    predicted = {one.document.id: Predicted("m", (), words=chances(one, {"eczema": "Disease"}, 0.99)) for one in corpus}
    assert list(word_findings([Worded(one) for one in corpus], predicted)) == []


def test_documents_without_the_probabilities_of_words_are_left_out() -> None:
    documents = [Worded(one) for one in corpus_of(*BACKGROUND)]
    assert list(word_findings(documents, {"1": Predicted("m", ())})) == []
